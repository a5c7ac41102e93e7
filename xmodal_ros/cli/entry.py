# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Where the ``xmodal`` command begins: interrupted while it is still loading, it ends quietly."""

from io import TextIOWrapper
import os
from pathlib import Path
import signal
import sys

from xmodal_ros.dependencies import check_dependencies, OF_NODES, OF_THE_COMMAND
from xmodal_ros.errors import XmodalError

_INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Load the command line and run it."""
    before = signal.getsignal(signal.SIGINT)
    # Nothing has been begun that would have to be undone; who ignores the signal goes on to.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    _write_any_name()
    try:
        Path.cwd()
    except FileNotFoundError:
        sys.exit('error: the current folder was removed: go to another one, for example by cd')
    try:
        # The doctor has a word for everything that is missing, if only it can speak.
        asked_doctor = sys.argv[1:2] == ['doctor']
        check_dependencies(OF_THE_COMMAND if asked_doctor else (*OF_NODES, *OF_THE_COMMAND))
    except XmodalError as error:
        sys.exit(f'error: {error}')
    from xmodal_ros.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _write_any_name() -> None:
    """Let names of files that are no text, as old archives leave them, be written as they are."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == 'strict':
            stream.reconfigure(errors='surrogateescape')


if __name__ == '__main__':
    main()

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

"""What stops a command: Ctrl-C, or SIGTERM from outside."""

import os
import signal
import sys
from typing import Final

STOPPED: Final = (KeyboardInterrupt, SystemExit)
_INTERRUPTED: Final = 128 + signal.SIGINT


def listen() -> None:
    """Let SIGTERM end a command as Ctrl-C does: it cleans up, and keeps what is whole."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def stop_listening() -> None:
    """End at once from now on: nothing is left that would have to be undone."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def exit_code(stop: BaseException) -> int:
    """Give the exit code of a command that one of ``STOPPED`` has ended."""
    if isinstance(stop, SystemExit) and isinstance(stop.code, int):
        return stop.code
    return _INTERRUPTED

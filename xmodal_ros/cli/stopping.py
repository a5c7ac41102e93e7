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
from typing import Final

_INTERRUPTED: Final = 128 + signal.SIGINT


class Terminated(SystemExit):
    """SIGTERM came; what else ends a process by itself is no stop."""


STOPPED: Final = (KeyboardInterrupt, Terminated)
_listening = False


def listen() -> None:
    """Let SIGTERM end a command as Ctrl-C does: it cleans up, and keeps what is whole."""
    global _listening
    _listening = True
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(*_: object) -> None:
    raise Terminated(128 + signal.SIGTERM)


def stop_listening() -> None:
    """End at once from now on: nothing is left that would have to be undone.

    Of a process in which a command is only called, signals are left as they are.
    """
    global _listening
    if not _listening:
        return
    _listening = False
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def exit_code(stop: BaseException) -> int:
    """Give the exit code of a command that one of ``STOPPED`` has ended."""
    if isinstance(stop, Terminated) and isinstance(stop.code, int):
        return stop.code
    return _INTERRUPTED

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

"""Processes that must not outlive the one that started them."""

import ctypes
import multiprocessing
import os
import signal
from typing import Final

_LIBC: Final = ctypes.CDLL(None)
_SET_PARENT_DEATH_SIGNAL: Final = 1
# Says to a process which one has launched it, and not to outlive that one.
LAUNCHED_BY: Final = 'XMODAL_LAUNCHED_BY'


def end_with_parent() -> None:
    """Ask Linux to end this process when its parent does, even one killed without a word."""
    _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
    # One that ended while this one was still starting sends no signal any more.
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_launch() -> None:
    """End with the launch that started this process, should that be killed; where one has."""
    launched_by = os.environ.pop(LAUNCHED_BY, '')
    if not launched_by.isdecimal() or os.getppid() != int(launched_by):
        # Started in another way, for example in a debugger, which shall decide.
        return
    _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
    if os.getppid() != int(launched_by):
        os.kill(os.getpid(), signal.SIGTERM)

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

"""The beginning and the end of a node's process, with nothing heavy imported.

Loading PyTorch and OpenCV takes seconds: a signal ends a process that is still loading at once.
So does taking PyTorch down, and launch waits five seconds: what is flushed needs nothing more.
On a busy machine even modules of Python's own take a second, so that none but the smallest are
imported before signals are looked at.
"""

import atexit
from collections.abc import Callable, Sequence
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn, TYPE_CHECKING

if TYPE_CHECKING:
    from xmodal_ros.ros.running import Runnable

Make = Callable[[threading.Event], 'Runnable']


def start(
    load: Callable[[], Make],
    arguments: Sequence[str] | None = None,
    *,
    as_command: bool = False,
    named: str = '',
    unbegun: int = 0,
) -> int:
    """Load a node, run it until it is told to end, and give the exit code.

    Without ``arguments`` they are those of the process, which then ends here. ``load`` imports
    what makes the node. ``named`` is the node whose name is that of the process, where it has
    several. With ``as_command`` there must be what the command ``xmodal`` needs, too. ``unbegun``
    is the exit code of one that was told to end before it had begun.
    """
    _on_signals(lambda: os._exit(unbegun))
    # What is loaded stays: to look through it again and again takes a tenth of the start.
    gc.disable()
    # Each would read the metadata of all packages once more. Nodes compute on the CPU and by CUDA,
    # which are torch's own, and nobody watches what they validate.
    os.environ.setdefault('TORCH_DEVICE_BACKEND_AUTOLOAD', '0')
    os.environ.setdefault('PYDANTIC_DISABLE_PLUGINS', '__all__')
    try:
        from xmodal_ros.child_process import end_with_launch
        from xmodal_ros.dependencies import check_dependencies, OF_NODES, OF_THE_COMMAND
        from xmodal_ros.errors import XmodalError
        from xmodal_ros.ros.process_name import rename_only

        end_with_launch()
        given = list(sys.argv if arguments is None else arguments)
        try:
            check_dependencies((*OF_NODES, *OF_THE_COMMAND) if as_command else OF_NODES)
            make = load()
            from xmodal_ros.ros.running import run
        except XmodalError as error:
            sys.stderr.write(f'error: {error}\n')
            return 1
        code = run(make, rename_only(named, given) if named else given)
    finally:
        gc.enable()
    if arguments is None:
        leave(code)
    return code


def leave(code: int) -> NoReturn:
    """End the process when what was asked to be done at its end is, and all is written."""
    atexit._run_exitfuncs()  # noqa: SLF001 - what sys.exit does, without taking libraries down
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Nobody reads it any more.
            continue
    os._exit(code)


def _on_signals(end: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        end()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)

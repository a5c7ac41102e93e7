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

"""How tests wait for others: for a condition or the end of a process, and never for ever."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Final

# Far more than anything takes, on a busy machine too; a test that gets here has failed. Both are
# below the time that pytest gives a test, so that it fails with the words of who waited.
PATIENCE_S: Final = 120.0
# For a command from its beginning to its end.
COMMAND_S: Final = 240.0


def poll_for(condition: Callable[[], bool], what: str = 'it did not come to pass') -> None:
    """Wait for a condition of which nobody tells."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def run_python(
    code: str, *arguments: object, check: bool = True, **options: Any
) -> 'subprocess.CompletedProcess[str]':
    """Run code in a Python of its own, as this one is, to its end; its streams carry text.

    With ``check`` it must not fail: the test then shows what it said.
    """
    done = subprocess.run(
        [sys.executable, '-c', code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S,
        **options,
    )
    assert not (check and done.returncode), done.stderr
    return done


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator['subprocess.Popen[str]']:
    """Run a command while the block lasts, in a session of its own; its streams carry text.

    A read of its output ends too: when it has not ended in time, or is still there after the
    block, it is killed with all that it started.
    """
    process = subprocess.Popen(command, text=True, start_new_session=True, **options)

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    watchdog = threading.Timer(COMMAND_S, kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        kill()
        process.wait(PATIENCE_S)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()

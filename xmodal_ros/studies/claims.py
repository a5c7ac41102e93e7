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

"""Claims to the runs of a study, so that any number of processes may fill one folder.

Beside a run's result lies a file while a process is at it, locked by that process. The kernel ends
the lock with the process, on whatever machine: a file that is not locked any more says that its
process died.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import fcntl
import json
import os
from pathlib import Path
import socket
from typing import Final

from xmodal_ros.errors import ConfigurationError

_ENDING: Final = '.claim'


@contextmanager
def claim(path: Path) -> Iterator[int | None]:
    """Keep others from the run whose result is written to ``path``, within the block.

    Gives the number of the attempt, one more for each process that died at it; None where another
    one is at it. Raises :class:`ConfigurationError` where nothing can be locked.
    """
    handle = _lock(path.with_suffix(_ENDING))
    if handle is None:
        yield None
        return
    try:
        attempt = _attempts(os.pread(handle, 1000, 0)) + 1
        owner = {'attempt': attempt, 'host': socket.gethostname(), 'process': os.getpid()}
        text = json.dumps(owner).encode()
        os.ftruncate(handle, 0)
        os.pwrite(handle, text, 0)
        yield attempt
        path.with_suffix(_ENDING).unlink()
    except BaseException:
        # It did not die: it goes on to tell why not.
        with suppress(OSError):
            path.with_suffix(_ENDING).unlink()
        raise
    finally:
        os.close(handle)


def is_claimed(path: Path) -> bool:
    """Say whether a process is at a run now."""
    file = path.with_suffix(_ENDING)
    try:
        handle = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _locked(handle, file)
    finally:
        os.close(handle)


def failed_attempts(path: Path) -> int:
    """Give how many processes died at a run, since one ended it or stale claims were cleared."""
    try:
        content = path.with_suffix(_ENDING).read_bytes()
    except OSError:
        return 0
    return 0 if is_claimed(path) else _attempts(content)


def clear_stale_claims(folder: Path) -> None:
    """Remove the claims of processes that died, as those of a study that was killed before."""
    for file in folder.glob(f'*{_ENDING}'):
        handle = _lock(file)
        if handle is not None:
            with suppress(OSError):
                file.unlink()
            os.close(handle)


def _lock(file: Path) -> int | None:
    """Open a file and lock it; None where another process has it."""
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigurationError(f'cannot write into {file.parent}: {error}') from error
        if not _locked(handle, file):
            os.close(handle)
            return None
        # Whoever had it may have removed the file while this process was opening it.
        with suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == file.stat().st_ino:
                return handle
        os.close(handle)


def _locked(handle: int, file: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f'{file.parent} is on a file system where nothing can be locked ({error}): give '
            'another --out'
        ) from error
    return True


def _attempts(content: bytes) -> int:
    try:
        return int(json.loads(content)['attempt'])
    except (ValueError, KeyError, TypeError):
        return 0

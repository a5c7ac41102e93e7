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

"""Write files and folders whole or not at all, and keep other processes out meanwhile.

However a process ends, by SIGKILL or a power failure too, what it was writing is there as it was
before or as it was to be. What is left of its work then begins with a dot, beside the file; a
folder of that kind goes when the same is written again.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import ctypes
import errno
import fcntl
import glob
import os
from pathlib import Path
import shutil
import stat
import tempfile
import time
from types import TracebackType
from typing import Any, Final, Self, TYPE_CHECKING

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.paths import is_folder, is_there

if TYPE_CHECKING:
    # It takes as long as a model, and a robot, which only reads, locks nothing.
    from filelock import FileLock

_PARTIAL: Final = '.partial'
# What nobody has written to for so long is at no work.
_OLD_S: Final = 24 * 3600
_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
# Of file systems and kernels that cannot exchange; Linux's own can.
_CANNOT_EXCHANGE: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write text or bytes to ``path``, whole or not at all; makes the folder it lies in.

    Where a link leads is written, the link stays. Devices and pipes, ``/dev/stdout`` among them,
    are written to as they are. Raises :class:`ConfigurationError` when that cannot be done.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if _is_special(path):
            path.write_bytes(data)
            return
        path = _place(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error}') from error


def replace_file(file: Path, content: bytes) -> None:
    """Write a file whole or not at all into a folder that is there; raises :class:`OSError`.

    Who may read and write one that is there stays as it is; a new one everybody may read.
    """
    handle, name = tempfile.mkstemp(prefix=f'.{file.name}-', dir=file.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, 'wb') as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        partial.chmod(_mode_of(file))
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _mode_of(file: Path) -> int:
    try:
        return stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return 0o644


def check_writable(*paths: Path | None) -> None:
    """Find out before the work is done whether its results can be written.

    None stands for a file nobody asked for; no two may be one. Makes nothing. Raises
    :class:`ConfigurationError`.
    """
    places: set[Path] = set()
    for path in paths:
        if path is None:
            continue
        place = _place(path)
        if place in places:
            raise ConfigurationError(f'{path} is named for two results: name two files')
        places.add(place)
        if _is_special(path):
            if not os.access(path, os.W_OK):
                raise ConfigurationError(f'cannot write {path}: no permission')
            continue
        try:
            if place.is_dir():
                raise ConfigurationError(f'cannot write {path}: it is a folder, name a file')
        except OSError as error:
            raise ConfigurationError(f'cannot write {path}: {error}') from error
        if obstacle := _why_no_folder(place.parent, place.name):
            raise ConfigurationError(f'cannot write {path}: {obstacle}')


def check_folder(folder: Path, option: str = '--out') -> None:
    """Find out before the work is done whether a folder can be made and written into.

    Raises :class:`ConfigurationError`, which says to give another ``option``; makes nothing.
    """
    if obstacle := _why_no_folder(folder):
        raise ConfigurationError(f'{obstacle}: give another {option}')


def _why_no_folder(folder: Path, file: str = '') -> str:
    """Say why no file of a name could be written into a folder, '' where it can; makes nothing."""
    there = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), Path())
    if not is_folder(there):
        if not is_there(there):
            return f'{str(there)!r} is a link that leads nowhere'
        return f'{str(there)!r} is a file, not a folder'
    try:
        # Of what is to be made, the longest name may be too long.
        longest = max((*folder.parts[len(there.parts) :], file), key=len)
        Path(tempfile.mkdtemp(prefix=f'.{longest}-', dir=there)).rmdir()
    except OSError as error:
        return f'nothing can be written into {str(there)!r} ({error.strerror})'
    return ''


def _place(path: Path) -> Path:
    """Give where a path leads, of loops of links and names too long as well."""
    return Path(os.path.realpath(path))


def _is_special(path: Path) -> bool:
    """Tell whether there is something that is neither file nor folder: a device, a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


class Workplace:
    """A folder to work in, of a name that begins with a dot, which others leave alone.

    Its lock tells them that its owner lives, and ends with that process at the latest. Those of
    the same ``name`` that processes left when they were killed are removed first, unless they are
    to be kept. Raises :class:`OSError` where nothing can be written.
    """

    def __init__(self, parent: Path, name: str, *, keep_abandoned: bool = False) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        if not keep_abandoned:
            clear_abandoned(parent, name)
        self._lock = -1
        while self._lock < 0:
            self._folder = tempfile.TemporaryDirectory(
                prefix=f'.{name}-', suffix=_PARTIAL, dir=parent, ignore_cleanup_errors=True
            )
            self.path = Path(self._folder.name)
            self._lock = _locked(self.path)

    def close(self) -> None:
        """Remove it, with what is in it; once more where somebody still wrote there."""
        self._folder.cleanup()
        # Noted first: whoever interrupts this may close it again.
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _locked(path: Path) -> int:
    """Lock a folder of our own; -1 where somebody took it for abandoned before we did."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return -1
    try:
        # On a file system that knows no locks only what nobody writes to counts as abandoned.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return lock
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return -1


def clear_abandoned(folder: Path, name: str | None = None) -> list[Path]:
    """Remove workplaces in a folder, of one name or all, whose owners are gone; give their paths.

    Where a file system knows no locks, those go in which nothing was written for a day. What
    cannot be removed stays.
    """
    whose = '*' if name is None else glob.escape(name)
    removed = []
    for path in sorted(folder.glob(f'.{whose}-*{_PARTIAL}')):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _is_abandoned(lock, path):
                    shutil.rmtree(path)
                    removed.append(path)
            finally:
                os.close(lock)
    return removed


def _is_abandoned(lock: int, path: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # There are no locks here.
        return is_old(path)
    return True


def is_old(folder: Path) -> bool:
    """Say whether nothing in a folder was written for a day; raises :class:`OSError`."""
    newest = max(each.lstat().st_mtime for each in (folder, *folder.rglob('*')))
    return time.time() - newest > _OLD_S


class Replacement:
    """A file or folder that is made beside the one whose place it takes with :meth:`commit`.

    It is to be made at :attr:`new`, which bears the name of ``path``; with ``make_folder`` there
    is an empty folder already. Use it as a context: what is not in its place at the end is
    removed, and so is what was replaced; what a process left that was killed at the same is too,
    unless ``keep_abandoned``. Raises :class:`OSError` where nothing can be written.
    """

    def __init__(
        self, path: Path, *, make_folder: bool = False, keep_abandoned: bool = False
    ) -> None:
        self._path = path
        self._workplace = Workplace(path.parent, path.name, keep_abandoned=keep_abandoned)
        self.new = self._workplace.path / path.name
        if make_folder:
            self.new.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what is not in its place, and what was replaced."""
        self._workplace.close()

    def commit(self) -> None:
        """Put what was made in its place, which is never empty where something was before.

        A file, a folder or a link may be there; what a link leads to stays. Raises
        :class:`OSError`; then, all is as it was.
        """
        if os.path.lexists(self._path):
            atomic_swap(self.new, self._path)
        else:
            self.new.rename(self._path)


def publish_folder(folder: Path) -> None:
    """Let everybody read a folder of files, and see to it that these outlast a power failure.

    Raises :class:`OSError`.
    """
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
        with file.open('rb') as handle:
            os.fsync(handle.fileno())


def atomic_swap(first: Path, second: Path) -> None:
    """Let two files or folders of one file system change places, in one step where possible.

    Elsewhere the second is moved aside for a moment. Raises :class:`OSError` when it cannot be
    done; then, both are where they were.
    """
    if _exchange_at_once(first, second):
        return
    aside = second.with_name(f'{first.name}-aside')
    second.rename(aside)
    try:
        first.rename(second)
    except BaseException:
        aside.rename(second)
        raise
    aside.rename(first)


def _exchange_at_once(first: Path, second: Path) -> bool:
    renameat2: Any = getattr(ctypes.CDLL(None, use_errno=True), 'renameat2', None)
    if renameat2 is None:
        return False
    paths = os.fsencode(first), os.fsencode(second)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))


@contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Hold the lock of a file within; it ends with the process at the latest, however that ends.

    The file is made where it is not there, and stays. Raises :class:`BlockingIOError` at once
    where another process or thread holds the lock, and other :class:`OSError` where the file
    cannot be opened. On a file system that knows no locks, as some of networks, none is held.
    """
    from filelock import Timeout

    file.open('ab').close()
    lock = _make_lock(file)
    try:
        lock.acquire()
    except Timeout:
        raise BlockingIOError(errno.EWOULDBLOCK, 'another process holds it', str(file)) from None
    except (OSError, NotImplementedError):
        # There are no locks here.
        pass
    try:
        yield
    finally:
        lock.release()


def _make_lock(file: Path) -> 'FileLock':
    from filelock import FileLock

    try:
        # The files that newer versions make where there are no locks outlast a killed process.
        return FileLock(file, timeout=0, fallback_to_soft=False)
    except TypeError:
        return FileLock(file, timeout=0)

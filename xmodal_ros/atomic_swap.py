"""Put a new folder in the place of an old one without a moment in which there is none."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Any, Final

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
# Of file systems and kernels that cannot; Linux's own can.
_CANNOT: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def atomic_swap(first: Path, second: Path) -> None:
    """Let two folders of one file system change places, in one step where that is possible.

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
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))

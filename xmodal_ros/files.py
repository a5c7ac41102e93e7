"""Write files whole or not at all."""

import os
from pathlib import Path
import stat
import tempfile

from xmodal_ros.errors import ConfigurationError


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
        handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, 'wb') as file:
                file.write(data)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error}') from error


def check_writable(*paths: Path | None) -> None:
    """Find out before the work is done whether its results can be written.

    None stands for a file nobody asked for; no two may be one. Raises
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
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f'.{place.name}-', dir=place.parent)
            os.close(handle)
            Path(name).unlink()
        except OSError as error:
            raise ConfigurationError(f'cannot write {path}: {error}') from error


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

"""Write files whole or not at all."""

import os
from pathlib import Path
import tempfile

from xmodal_ros.errors import ConfigurationError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write text or bytes to ``path``, whole or not at all; makes the folder it lies in.

    Raises :class:`ConfigurationError` when that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, 'wb') as file:
                file.write(content.encode() if isinstance(content, str) else content)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error}') from error


def check_writable(*paths: Path | None) -> None:
    """Find out before the work is done whether its results can be written.

    None stands for a file nobody asked for. Raises :class:`ConfigurationError`.
    """
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise ConfigurationError(f'cannot write {path}: it is a folder, name a file')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
            os.close(handle)
            Path(name).unlink()
        except OSError as error:
            raise ConfigurationError(f'cannot write {path}: {error}') from error

"""Write text files whole or not at all."""

import os
from pathlib import Path
import tempfile

from xmodal_ros.errors import ConfigurationError


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all; makes the folder it lies in.

    Raises :class:`ConfigurationError` when that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                file.write(text)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error}') from error

"""Write a command's result as JSON for scripts to read."""

from collections.abc import Mapping
import json
import os
from pathlib import Path
import tempfile

from xmodal_ros.errors import ConfigurationError


def write_result(path: Path | None, result: Mapping[str, object]) -> None:
    """Write ``result`` to ``path`` whole or not at all; None means that nobody asked for it.

    Raises :class:`ConfigurationError` when the file cannot be written.
    """
    if path is None:
        return
    text = json.dumps(result, indent=2, allow_nan=False) + '\n'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write the result to {path}: {error}') from error

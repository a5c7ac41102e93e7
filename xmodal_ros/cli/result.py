"""Write a command's result as JSON for scripts to read."""

from collections.abc import Mapping
import json
from pathlib import Path

from xmodal_ros.files import write_atomic


def write_result(path: Path | None, result: Mapping[str, object]) -> None:
    """Write ``result`` to ``path`` whole or not at all; None means that nobody asked for it.

    Raises :class:`ConfigurationError` when the file cannot be written.
    """
    if path is not None:
        write_atomic(path, json.dumps(result, indent=2, allow_nan=False) + '\n')

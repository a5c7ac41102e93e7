"""Tell files apart by their sizes and both ends, without reading all of them."""

import hashlib
from pathlib import Path
from typing import Final

_END_BYTES: Final = 1 << 16


def content(file: Path) -> tuple[int, str]:
    """Give what differs between files of different content, but for the middle of large ones."""
    size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open('rb') as stream:
        digest.update(stream.read(_END_BYTES))
        stream.seek(max(0, size - _END_BYTES))
        digest.update(stream.read(_END_BYTES))
    return size, digest.hexdigest()

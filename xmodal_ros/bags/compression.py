"""Undo zstd, by which rosbag2 compresses chunks, single messages and whole files."""

from pathlib import Path
import shutil
from typing import Final

from backports import zstd

ZSTD_MAGIC: Final = b'\x28\xb5\x2f\xfd'
SUFFIXES: Final = ('.zstd', '.zst')


def decompress_zstd(data: bytes) -> bytes:
    """Decompress bytes; raises what zstd raises for others."""
    return zstd.decompress(data)


def is_compressed(file: Path) -> bool:
    """Say whether a file is zstd's, by its first bytes; raises OSError."""
    with file.open('rb') as stream:
        return stream.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC


def unpacked_name(file: Path) -> Path:
    """Give the name that a compressed file would have had before."""
    return file.with_suffix('') if file.suffix in SUFFIXES else file


def decompress_file(file: Path, folder: Path) -> Path:
    """Decompress a file into ``folder`` and give where it lies.

    Raises OSError where there is no room, EOFError or zstd's own error for a damaged one.
    """
    target = folder / unpacked_name(file).name
    with file.open('rb') as packed, zstd.open(packed, 'rb') as source, target.open('wb') as out:
        shutil.copyfileobj(source, out, 1 << 20)
    return target

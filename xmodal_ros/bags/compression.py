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

"""Undo zstd and LZ4, by which rosbag2 and mcap compress chunks, single messages and whole files.

A few kilobytes may claim to be terabytes: no more is made of them than somebody may have meant.
"""

import errno
import os
from pathlib import Path
import shutil
from typing import Final

from backports import zstd
from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]

ZSTD_MAGIC: Final = b'\x28\xb5\x2f\xfd'
SUFFIXES: Final = ('.zstd', '.zst')
LARGEST: Final = 1 << 30
"""Bytes of a chunk or of a message; recorders begin another chunk after some megabytes."""
# What a file that is decompressed leaves of a disk that others need too.
_LEFT_FREE: Final = 1 << 28


def decompress_zstd(data: bytes | memoryview, most: int = LARGEST) -> bytes:
    """Decompress bytes; raises what zstd raises for others, and ValueError beyond ``most``."""
    parts: list[bytes] = []
    left = most
    while data:
        # One frame may follow another.
        decompressor = zstd.ZstdDecompressor()
        parts.append(decompressor.decompress(data, max_length=left + 1))
        left = _less(left, parts[-1], most)
        if not decompressor.eof:
            raise EOFError('compressed data ends before its end')
        data = decompressor.unused_data
    return b''.join(parts)


def decompress_lz4(data: bytes | memoryview, most: int = LARGEST) -> bytes:
    """Decompress bytes; raises RuntimeError for others, and ValueError beyond ``most``."""
    decompressor = LZ4FrameDecompressor()
    whole: bytes = decompressor.decompress(data, max_length=most + 1)
    _less(most, whole, most)
    if not decompressor.eof:
        raise EOFError('compressed data ends before its end')
    return whole


def _less(left: int, part: bytes, most: int) -> int:
    if len(part) > left:
        raise ValueError(f'compressed data would be more than {most} bytes')
    return left - len(part)


def is_compressed(file: Path) -> bool:
    """Say whether a file is zstd's, by its first bytes; raises OSError."""
    with file.open('rb') as stream:
        return stream.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC


def unpacked_name(file: Path) -> Path:
    """Give the name that a compressed file would have had before."""
    return file.with_suffix('') if file.suffix in SUFFIXES else file


def decompress_file(file: Path, folder: Path) -> Path:
    """Decompress a file into ``folder`` and give where it lies.

    Raises OSError where there is no room, of which some is left to others, EOFError or zstd's own
    error for a damaged one.
    """
    target = folder / unpacked_name(file).name
    with file.open('rb') as packed, zstd.open(packed, 'rb') as source, target.open('wb') as out:
        while block := source.read(1 << 20):
            if shutil.disk_usage(folder).free < _LEFT_FREE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            out.write(block)
    return target

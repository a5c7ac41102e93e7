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

from collections.abc import Callable, Iterator
import errno
import os
from pathlib import Path
import shutil
from typing import Final, Protocol

from backports import zstd
from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]
import numpy as np

ZSTD_MAGIC: Final = b'\x28\xb5\x2f\xfd'
SUFFIXES: Final = ('.zstd', '.zst')
LARGEST: Final = 1 << 30
"""Bytes of a chunk or of a message; recorders begin another chunk after some megabytes."""
# Memory for so many bytes is at hand; for more than twice as many it is mapped anew each time.
_PART: Final = 1 << 16
# What a file that is decompressed leaves of a disk that others need too.
_LEFT_FREE: Final = 1 << 28


class Buffer:
    """Memory that is used again and again.

    The pages of new memory are mapped by the kernel one by one, when they are first written to,
    which takes longer than to unpack what is written there.
    """

    def __init__(self) -> None:
        self._memory = memoryview(bytearray())

    def take(self, size: int) -> memoryview:
        """Give so many bytes, whatever they hold, until it is asked for others."""
        if len(self._memory) < size:
            # The next one is often a little larger.
            self._memory = np.empty(size + size // 8, np.uint8).data
        return self._memory[:size]


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool:
        """Whether the end of a frame was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more to give before there is more data."""

    @property
    def unused_data(self) -> bytes | None:
        """What follows the end of the frame."""

    def decompress(self, data: bytes | memoryview, /, max_length: int) -> bytes:
        """Give no more than so many bytes of what was given up to now."""


def decompress_zstd(data: bytes | memoryview, most: int = LARGEST) -> bytes:
    """Decompress bytes; raises what zstd raises for others, and ValueError beyond ``most``."""
    return b''.join(zstd_parts(data, most))


def decompress_lz4(data: bytes | memoryview, most: int = LARGEST) -> bytes:
    """Decompress bytes; raises RuntimeError for others, and ValueError beyond ``most``."""
    return b''.join(lz4_parts(data, most))


def zstd_parts(data: bytes | memoryview, most: int = LARGEST) -> Iterator[bytes]:
    """Give in parts what :func:`decompress_zstd` gives, and raise like it."""
    return _parts(zstd.ZstdDecompressor, data, most)


def lz4_parts(data: bytes | memoryview, most: int = LARGEST) -> Iterator[bytes]:
    """Give in parts what :func:`decompress_lz4` gives, and raise like it."""
    return _parts(LZ4FrameDecompressor, data, most)


def _parts(
    begin: Callable[[], _Decompressor], data: bytes | memoryview, most: int
) -> Iterator[bytes]:
    view, at, left = memoryview(data), 0, most
    decompressor: _Decompressor | None = None
    while at < len(view):
        if decompressor is None or decompressor.eof:
            # One frame may follow another.
            decompressor = begin()
        given: bytes | memoryview = view[at : at + _PART]
        at += len(given)
        waits = False
        while not (waits or decompressor.eof):
            part = decompressor.decompress(given, max_length=min(_PART, left + 1))
            left = _less(left, part, most)
            yield part
            given, waits = b'', decompressor.needs_input
        at -= len(decompressor.unused_data or b'')
    if decompressor is not None and not decompressor.eof:
        raise EOFError('compressed data ends before its end')


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

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

"""Find the sound in WAV files whose header does not say how much there is.

What is written to a pipe has sizes of 0 or of all ones there, and a recorder that loses power
never completes them; then the sound lasts to the end of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
import struct
from typing import BinaryIO, Final

_KINDS: Final = {b'RIFF': '<', b'RIFX': '>'}
_HEAD_BYTES: Final = 12
_CHUNK_BYTES: Final = 8
_BLOCK_AT: Final = 12
# sox and others write almost the largest number of 31 bits where they do not know.
_OPEN_END: Final = 0x7F000000
_LARGEST: Final = (1 << 32) - 1
# So few bytes behind the sound are padding, or a tag.
_TAIL_BYTES: Final = 4096


@dataclass(frozen=True)
class WavMending:
    """Where the sound in a file lies, as its header does not say; ``note`` says so in words."""

    kind: bytes
    format: bytes
    start: int
    size: int
    note: str

    def open(self, path: Path) -> BytesIO:
        """Give the file as it ought to be."""
        order = _KINDS[self.kind]
        with path.open('rb') as stream:
            stream.seek(self.start)
            sound = stream.read(self.size)
        chunks = b''.join(
            name + struct.pack(f'{order}I', len(data)) + data
            for name, data in ((b'fmt ', self.format), (b'data', sound))
        )
        return BytesIO(self.kind + struct.pack(f'{order}I', 4 + len(chunks)) + b'WAVE' + chunks)


def is_wav(path: Path) -> bool:
    """Say whether a file begins as a WAV file does, whatever its name; raises OSError."""
    with path.open('rb') as stream:
        head = stream.read(_HEAD_BYTES)
    return head[:4] in (*_KINDS, b'RF64') and head[8:12] == b'WAVE'


def mending_of(path: Path) -> WavMending | None:
    """Say how to read a file whose header is wrong; None where it is right, or of another kind.

    Raises OSError.
    """
    with path.open('rb') as stream:
        head = stream.read(_HEAD_BYTES)
        order = _KINDS.get(head[:4])
        if order is None or head[8:] != b'WAVE':
            return None
        total = path.stat().st_size
        form = b''
        for name, start, size in _chunks(stream, _HEAD_BYTES, total, order):
            if name == b'fmt ' and start + size <= total:
                form = stream.read(size)
            if name != b'data':
                continue
            rest = total - start
            if not form or _is_right(stream, start, size, total, order):
                return None
            block = struct.unpack_from(f'{order}H', form.ljust(16, b'\0'), _BLOCK_AT)[0] or 1
            size_there = min(rest, _LARGEST - 1024) // block * block
            return WavMending(head[:4], form, start, size_there, _in_words(path, size, rest))
    return None


def _in_words(path: Path, size: int, rest: int) -> str:
    if rest < size < _OPEN_END:
        return (
            f'{path.name} states {size} bytes of sound and holds {rest}: it was read to its end; '
            'where it was not copied in full, copy it again'
        )
    return (
        f'{path.name} states {size} bytes of sound, as one written to a pipe or never closed, and '
        f'holds {rest}: it was read to its end'
    )


def _is_right(stream: BinaryIO, start: int, size: int, total: int, order: str) -> bool:
    """Say whether the sound ends where it is said, and chunks or next to nothing follow."""
    end = start + size
    if end > total:
        return False
    behind = end + size % 2
    if total - behind < _CHUNK_BYTES or (size and total - behind < _TAIL_BYTES):
        return True
    followed = [at + length for _, at, length in _chunks(stream, behind, total, order)]
    return bool(followed) and followed[-1] <= total <= followed[-1] + _CHUNK_BYTES


def _chunks(
    stream: BinaryIO, position: int, total: int, order: str
) -> Iterator[tuple[bytes, int, int]]:
    """Give name, begin and size of chunk after chunk, as far as these are any."""
    while position + _CHUNK_BYTES <= total:
        stream.seek(position)
        name, size = struct.unpack(f'{order}4sI', stream.read(_CHUNK_BYTES))
        if not all(32 <= byte < 127 for byte in name):
            return
        position += _CHUNK_BYTES
        yield name, position, size
        position += size + size % 2

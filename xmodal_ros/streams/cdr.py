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

"""Read the fields we need straight from serialized messages (XCDR1, both byte orders).

Deserializing a whole message in rclpy costs more than classifying it; a cursor over the bytes
reads the few fields that matter, and copies nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import DecodeError

_BIG_ENDIAN: Final = 0x00
_LITTLE_ENDIAN: Final = 0x01
_ENCAPSULATION_BYTES: Final = 4
_SECOND_NS: Final = 1_000_000_000

_HEADER_LITTLE: Final = struct.Struct('<iII')
_HEADER_BIG: Final = struct.Struct('>iII')
# Where a header has its stamp.
_STAMP: Final = slice(4, 12)


@lru_cache(maxsize=64)
def _frame_id(name: bytes) -> str:
    """Read the name of a frame, without the slash that ROS 1 put before it."""
    return name.rstrip(b'\0').decode('utf-8', 'replace').lstrip('/')


class CdrCursor:
    """Walk over a serialized message; positions are aligned as CDR prescribes.

    Raises :class:`DecodeError` with reason ``truncated`` when a field lies beyond the end, and
    ``encapsulation`` when the bytes do not start with a CDR header.
    """

    __slots__ = ('byte_order', 'data', 'position')

    def __init__(self, data: bytes) -> None:
        if len(data) < _ENCAPSULATION_BYTES:
            raise DecodeError('truncated', f'a message of {len(data)} bytes has no CDR header')
        if data[0] != 0 or data[1] not in (_BIG_ENDIAN, _LITTLE_ENDIAN):
            raise DecodeError(
                'encapsulation',
                f'the message is encoded as {data[:2].hex()}, not as plain CDR (0000 or 0001)',
            )
        self.data = data
        self.byte_order = '<' if data[1] == _LITTLE_ENDIAN else '>'
        self.position = _ENCAPSULATION_BYTES

    def align(self, size: int) -> None:
        """Advance to the next multiple of ``size`` bytes after the CDR header."""
        self.position += -(self.position - _ENCAPSULATION_BYTES) % size

    def take(self, count: int) -> memoryview:
        """Give the next ``count`` bytes without copying them."""
        end = self.position + count
        if end > len(self.data):
            raise DecodeError(
                'truncated',
                f'a field of {count} bytes at {self.position} runs past the end, {len(self.data)}',
            )
        view = memoryview(self.data)[self.position : end]
        self.position = end
        return view

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """Read the fields of a layout, which are to lie as its alignment has them."""
        end = self.position + layout.size
        if end > len(self.data):
            self.take(layout.size)
        values = layout.unpack_from(self.data, self.position)
        self.position = end
        return values

    def uint8(self) -> int:
        """Read one byte."""
        return self.take(1)[0]

    def uint32(self) -> int:
        """Read an aligned unsigned integer of 32 bits."""
        self.align(4)
        value: int = struct.unpack(self.byte_order + 'I', self.take(4))[0]
        return value

    def int32(self) -> int:
        """Read an aligned signed integer of 32 bits."""
        self.align(4)
        value: int = struct.unpack(self.byte_order + 'i', self.take(4))[0]
        return value

    def string(self) -> str:
        """Read a string; bytes that are no UTF-8 are replaced, for names must never stop us."""
        length = self.uint32()
        return bytes(self.take(length)).rstrip(b'\0').decode('utf-8', 'replace')

    def octets(self) -> memoryview:
        """Read a ``uint8[]`` sequence without copying it."""
        return self.take(self.uint32())

    def sequence(self, size: int) -> memoryview:
        """Read a sequence of numbers of ``size`` bytes each, as bytes, without copying it."""
        count = self.uint32()
        if count:
            self.align(size)
        return self.take(count * size)

    def header(self) -> tuple[int, str]:
        """Read a ``std_msgs/Header``: stamp in nanoseconds, and frame without leading slash."""
        start = self.position
        if start % 4 == 0 and len(self.data) >= start + _HEADER_LITTLE.size:
            # Nearly every message begins so, and field by field it takes thrice as long.
            layout = _HEADER_LITTLE if self.byte_order == '<' else _HEADER_BIG
            seconds, nanoseconds, length = layout.unpack_from(self.data, start)
            end = start + layout.size + length
            if nanoseconds < _SECOND_NS and end <= len(self.data):
                self.position = end
                frame = _frame_id(bytes(self.data[start + layout.size : end]))
                return seconds * _SECOND_NS + nanoseconds, frame
        seconds, nanoseconds = self.int32(), self.uint32()
        if nanoseconds >= _SECOND_NS:
            raise DecodeError(
                'bad_stamp', f'header.stamp holds {nanoseconds} ns, more than a second'
            )
        return seconds * _SECOND_NS + nanoseconds, self.string().lstrip('/')


def read_stamp_ns(data: bytes) -> int:
    """Give the stamp of any message whose first field is a ``std_msgs/Header``."""
    if len(data) < _ENCAPSULATION_BYTES + _HEADER_LITTLE.size:
        raise DecodeError('truncated', f'a message of {len(data)} bytes cannot hold a header')
    layout = _HEADER_LITTLE if data[1] == _LITTLE_ENDIAN else _HEADER_BIG
    seconds, nanoseconds, _ = layout.unpack_from(data, _ENCAPSULATION_BYTES)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def rows_alike(
    messages: Sequence[bytes], same_until: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """Give the bytes (N, size) of messages of one size, at least one, and their stamps (N,).

    None where they differ before ``same_until`` in more than their stamps, or one of these cannot
    be used; they must begin with a ``std_msgs/Header`` of little-endian numbers.
    """
    size = len(messages[0])
    if size < max(same_until, _STAMP.stop) or any(len(each) != size for each in messages):
        return None
    rows = np.frombuffer(b''.join(messages), np.uint8).reshape(-1, size)
    words = np.ascontiguousarray(rows[:, _STAMP]).view('<u4')
    if (
        rows[0, 1] != _LITTLE_ENDIAN
        or (rows[:, : _STAMP.start] != rows[0, : _STAMP.start]).any()
        or (rows[:, _STAMP.stop : same_until] != rows[0, _STAMP.stop : same_until]).any()
        or (words[:, 1] >= _SECOND_NS).any()
    ):
        return None
    # NumPy 1 would multiply by a number of 64 bits in 32 of them.
    stamps_ns = words[:, 0].view('<i4').astype(np.int64) * _SECOND_NS + words[:, 1]
    return None if (stamps_ns <= 0).any() else (rows, stamps_ns)

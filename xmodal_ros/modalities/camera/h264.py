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

"""Read at which rate the pictures of a raw H.264 stream follow each other, where it says so.

ITU-T H.264, sections 7.3.2.1.1 (sequence parameter set) and E.1.1 (video usability information).
"""

import re
from typing import Final

_PARAMETER_SET: Final = re.compile(
    rb'\x00\x00\x01[\x07\x27\x47\x67](.*?)(?=\x00\x00[\x00\x01]|\Z)', re.DOTALL
)
_WITH_CHROMA: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_EXTENDED_ASPECT: Final = 255
# A finer tick is a clock, not a rate.
_FASTEST: Final = 240


class _Bits:
    """Bits of a parameter set, one after the other; raises IndexError past its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        value = self.golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def rate_of_h264(head: bytes) -> float | None:
    """Give pictures a second by the first bytes of a stream, None where they do not say it."""
    found = _PARAMETER_SET.search(head)
    if found is None:
        return None
    bits = _Bits(found[1].replace(b'\0\0\3', b'\0\0'))
    try:
        _skip_to_usability(bits)
        return _rate(bits)
    except IndexError:
        return None


def _skip_to_usability(bits: _Bits) -> None:
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in _WITH_CHROMA:
        _skip_chroma(bits)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    bits.take(1)
    bits.golomb()
    bits.golomb()
    if not bits.take(1):
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        for _ in range(4):
            bits.golomb()


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.golomb()
    bits.take(1 if chroma == 3 else 0)
    bits.golomb()
    bits.golomb()
    bits.take(1)
    if bits.take(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if index < 6 else 64)


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _rate(bits: _Bits) -> float | None:
    if not bits.take(1):
        return None
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):
        bits.golomb()
        bits.golomb()
    if not bits.take(1):
        return None
    tick, scale = bits.take(32), bits.take(32)
    return scale / (2 * tick) if tick and 2 * tick <= scale <= 2 * tick * _FASTEST else None

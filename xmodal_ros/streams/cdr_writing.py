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

"""Serialize the fields we need straight to CDR (XCDR1, little endian).

Tens of thousands of small messages make up a recording; packing their few fields ourselves takes
a tenth of the time of building message objects. The tests hold the bytes against rosbags'.
"""

import struct
from typing import Final

ENCAPSULATION: Final = b'\x00\x01\x00\x00'
LENGTH: Final = struct.Struct('<I')
_SECOND_NS: Final = 1_000_000_000
_STAMP: Final = struct.Struct('<II')


def padding(size: int, alignment: int) -> bytes:
    """Give what fills ``size`` bytes up to a multiple of ``alignment``."""
    return b'\0' * (-size % alignment)


def write_string(text: str) -> bytes:
    """Serialize a string."""
    data = text.encode() + b'\0'
    return LENGTH.pack(len(data)) + data


def write_header(stamp_ns: int, frame: str) -> bytes:
    """Serialize a ``std_msgs/Header``."""
    return _STAMP.pack(*divmod(stamp_ns, _SECOND_NS)) + write_string(frame)

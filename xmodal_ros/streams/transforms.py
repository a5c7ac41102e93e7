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

"""Read ``tf2_msgs/TFMessage``: how frames lie to each other."""

from dataclasses import dataclass
import struct
from typing import Final

from xmodal_ros.streams.cdr import CdrCursor

TRANSFORMS_TYPE: Final = 'tf2_msgs/msg/TFMessage'

# Translation (3) and rotation (4), all float64.
_LITTLE: Final = struct.Struct('<7d')
_BIG: Final = struct.Struct('>7d')
_ROTATION: Final = 3


@dataclass(frozen=True, slots=True)
class Transform:
    """The orientation of ``child`` in ``parent``, as a quaternion x, y, z, w of any length."""

    parent: str
    child: str
    quaternion: tuple[float, ...]


def read_transforms(data: bytes) -> list[Transform]:
    """Give the transforms of one serialized message; frames without leading slash.

    Stamps and translations are left out: static transforms hold at any time, and what is turned
    here are directions. Raises :class:`DecodeError` with reason ``truncated`` or
    ``encapsulation``.
    """
    cursor = CdrCursor(data)
    layout = _LITTLE if cursor.byte_order == '<' else _BIG
    transforms = []
    for _ in range(cursor.uint32()):
        cursor.int32()
        cursor.uint32()
        parent, child = (cursor.string().lstrip('/') for _ in range(2))
        cursor.align(8)
        values = layout.unpack(cursor.take(layout.size))
        transforms.append(Transform(parent, child, values[_ROTATION:]))
    return transforms

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

"""Serialized ``vision_msgs/Classification`` to labels; no bytes can do more than be refused."""

import struct
from typing import Final

from xmodal_ros.runtime.label import Label
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError

CLASSIFICATION_TYPE: Final = 'vision_msgs/msg/Classification'

# More activities than anybody tells apart; reading on would keep other sources waiting.
_MOST_RESULTS: Final = 4096


def decode_label(data: bytes) -> Label:
    """Read one message; raises :class:`DecodeError` with the reason where that is impossible."""
    cursor = CdrCursor(data)
    stamp_ns, frame_id = cursor.header()
    count = cursor.uint32()
    if count > _MOST_RESULTS:
        raise DecodeError('too_many_results', f'{count} results in one message')
    return Label(stamp_ns, frame_id, tuple(_result(cursor) for _ in range(count)))


def _result(cursor: CdrCursor) -> tuple[str, float]:
    name = cursor.string()
    cursor.align(8)
    score: float = struct.unpack(cursor.byte_order + 'd', cursor.take(8))[0]
    return name, score

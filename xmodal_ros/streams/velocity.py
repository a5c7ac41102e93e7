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

"""Decode how fast a robot moves, from the messages that robots say it with."""

import math
import struct
from typing import Final

from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError

ODOMETRY_TYPE: Final = 'nav_msgs/msg/Odometry'
TWIST_STAMPED_TYPE: Final = 'geometry_msgs/msg/TwistStamped'
TWIST_TYPE: Final = 'geometry_msgs/msg/Twist'
VELOCITY_TYPES: Final = (ODOMETRY_TYPE, TWIST_STAMPED_TYPE, TWIST_TYPE)

# A pose of 7 numbers with its covariance of 36 comes before the velocity.
_NUMBERS_OF_POSE: Final = 7 + 36


def read_speeds(msgtype: str, data: bytes) -> tuple[float, float]:
    """Give the speed in m/s and the rate of turning in rad/s, both without direction.

    Raises :class:`DecodeError` for bytes that are no such message, and numbers that are none.
    """
    cursor = CdrCursor(data)
    if msgtype != TWIST_TYPE:
        cursor.header()
    if msgtype == ODOMETRY_TYPE:
        cursor.string()
        _numbers(cursor, _NUMBERS_OF_POSE)
    velocity = _numbers(cursor, 6)
    if not all(map(math.isfinite, velocity)):
        raise DecodeError('not_finite', f'a velocity of {velocity} is none')
    return math.hypot(*velocity[:3]), math.hypot(*velocity[3:])


def _numbers(cursor: CdrCursor, count: int) -> tuple[float, ...]:
    cursor.align(8)
    return struct.unpack(f'{cursor.byte_order}{count}d', cursor.take(8 * count))

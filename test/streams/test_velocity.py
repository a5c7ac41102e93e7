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

"""How fast a robot moves, by the messages that say so."""

import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import EPOCH, header, serialize
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.streams.velocity import (
    ODOMETRY_TYPE,
    read_speeds,
    TWIST_STAMPED_TYPE,
    TWIST_TYPE,
    VELOCITY_TYPES,
)


def velocity_bytes(
    msgtype: str, linear: tuple[float, ...], angular: tuple[float, ...], *, little: bool = True
) -> bytes:
    types = TYPESTORE.types
    vector = types['geometry_msgs/msg/Vector3']
    twist = types['geometry_msgs/msg/Twist'](linear=vector(*linear), angular=vector(*angular))
    if msgtype == TWIST_TYPE:
        return serialize(twist, msgtype, little_endian=little)
    if msgtype == TWIST_STAMPED_TYPE:
        message = types[msgtype](header=header(EPOCH), twist=twist)
        return serialize(message, msgtype, little_endian=little)
    pose = types['geometry_msgs/msg/Pose'](
        position=types['geometry_msgs/msg/Point'](1.0, 2.0, 3.0),
        orientation=types['geometry_msgs/msg/Quaternion'](0.0, 0.0, 0.0, 1.0),
    )
    message = types[msgtype](
        header=header(EPOCH, 'odom'),
        child_frame_id='base_link',
        pose=types['geometry_msgs/msg/PoseWithCovariance'](pose, np.arange(36.0)),
        twist=types['geometry_msgs/msg/TwistWithCovariance'](twist, np.arange(36.0)),
    )
    return serialize(message, msgtype, little_endian=little)


@pytest.mark.parametrize('little', [True, False])
@pytest.mark.parametrize('msgtype', VELOCITY_TYPES)
def test_speeds_are_without_direction(msgtype: str, little: bool) -> None:
    data = velocity_bytes(msgtype, (-3.0, 4.0, 0.0), (0.0, 0.0, -0.5), little=little)
    assert read_speeds(msgtype, data) == (5.0, 0.5)


def test_a_velocity_that_is_none_is_refused() -> None:
    data = velocity_bytes(ODOMETRY_TYPE, (math.nan, 0.0, 0.0), (0.0, 0.0, 0.0))
    with pytest.raises(DecodeError, match='nan'):
        read_speeds(ODOMETRY_TYPE, data)


@pytest.mark.parametrize('msgtype', VELOCITY_TYPES)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_speeds_or_are_refused(msgtype: str, data: bytes) -> None:
    try:
        speed, turning = read_speeds(msgtype, data)
    except DecodeError:
        return
    assert speed >= 0 <= turning

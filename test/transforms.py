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

"""Builders of serialized transforms for tests, made by an implementation that is not ours."""

from collections.abc import Sequence

from scipy.spatial.transform import Rotation

from test.messages import EPOCH, header, serialize
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.streams.transforms import Transform, TRANSFORMS_TYPE


def turned(parent: str, child: str, *angles: float) -> Transform:
    """A child frame that is turned by roll, pitch and yaw in degrees against its parent."""
    quaternion = Rotation.from_euler('xyz', angles or (0, 0, 0), degrees=True).as_quat()
    return Transform(parent, child, tuple(quaternion.tolist()))


def transforms_bytes(transforms: Sequence[Transform], *, little_endian: bool = True) -> bytes:
    types = TYPESTORE.types
    make_vector = types['geometry_msgs/msg/Vector3']
    make_quaternion = types['geometry_msgs/msg/Quaternion']
    messages = [
        types['geometry_msgs/msg/TransformStamped'](
            header=header(EPOCH, transform.parent),
            child_frame_id=transform.child,
            transform=types['geometry_msgs/msg/Transform'](
                translation=make_vector(1.0, 2.0, 3.0),
                rotation=make_quaternion(*transform.quaternion),
            ),
        )
        for transform in transforms
    ]
    message = types[TRANSFORMS_TYPE](transforms=messages)
    return serialize(message, TRANSFORMS_TYPE, little_endian=little_endian)

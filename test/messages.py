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

"""Builders of serialized messages for tests, made by an implementation that is not ours."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xmodal_ros.bags.message_types import TYPESTORE

SECOND = 1_000_000_000
# A stamp that is a multiple of every hop in use.
EPOCH = 1_700_000_000 * SECOND


def header(stamp_ns: int, frame_id: str = 'imu_link') -> Any:
    types = TYPESTORE.types
    time = types['builtin_interfaces/msg/Time'](sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)
    return types['std_msgs/msg/Header'](stamp=time, frame_id=frame_id)


def serialize(message: Any, msgtype: str, *, little_endian: bool = True) -> bytes:
    return bytes(TYPESTORE.serialize_cdr(message, msgtype, little_endian=little_endian))


def imu_bytes(
    stamp_ns: int,
    acc: Sequence[float] = (0.0, 0.0, 9.81),
    gyro: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    frame_id: str = 'imu_link',
    has_gyro: bool = True,
    has_acc: bool = True,
    little_endian: bool = True,
) -> bytes:
    types = TYPESTORE.types
    vector = types['geometry_msgs/msg/Vector3']

    def covariance(*, measured: bool) -> np.ndarray:
        values = np.zeros(9)
        values[0] = 0 if measured else -1
        return values

    message = types['sensor_msgs/msg/Imu'](
        header=header(stamp_ns, frame_id),
        orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=covariance(measured=False),
        angular_velocity=vector(*map(float, gyro)),
        angular_velocity_covariance=covariance(measured=has_gyro),
        linear_acceleration=vector(*map(float, acc)),
        linear_acceleration_covariance=covariance(measured=has_acc),
    )
    return serialize(message, 'sensor_msgs/msg/Imu', little_endian=little_endian)


def image_bytes(
    stamp_ns: int,
    pixels: np.ndarray,
    encoding: str,
    *,
    padding: int = 0,
    little_endian: bool = True,
    big_endian_pixels: bool = False,
) -> bytes:
    row_bytes = pixels.nbytes // max(1, pixels.shape[0])
    rows = np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape[0], row_bytes)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    message = TYPESTORE.types['sensor_msgs/msg/Image'](
        header=header(stamp_ns, 'camera_link'),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian_pixels),
        step=rows.shape[1],
        data=rows.reshape(-1),
    )
    return serialize(message, 'sensor_msgs/msg/Image', little_endian=little_endian)


def compressed_bytes(stamp_ns: int, data: bytes, encoding: str = 'jpeg') -> bytes:
    message = TYPESTORE.types['sensor_msgs/msg/CompressedImage'](
        header=header(stamp_ns, 'camera_link'),
        format=encoding,
        data=np.frombuffer(data, np.uint8),
    )
    return serialize(message, 'sensor_msgs/msg/CompressedImage')


def pose_array_bytes(
    stamp_ns: int,
    positions: np.ndarray,
    *,
    frame_id: str = 'camera_link',
    little_endian: bool = True,
) -> bytes:
    """Poses at ``positions`` (joints, 3)."""
    types = TYPESTORE.types
    message = types['geometry_msgs/msg/PoseArray'](
        header=header(stamp_ns, frame_id),
        poses=[
            types['geometry_msgs/msg/Pose'](
                position=types['geometry_msgs/msg/Point'](*map(float, position)),
                orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
            )
            for position in positions
        ],
    )
    return serialize(message, 'geometry_msgs/msg/PoseArray', little_endian=little_endian)

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

"""Messages of what importers read: arrays in SI units to records of a bag."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.camera.messages import image_message
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.messages import imu_sample_message
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.modalities.skeleton.messages import pose_array_message


def imu_record(
    sensor: Sensor, stamp_ns: int, acceleration: NDArray[Any], rate: NDArray[Any] | None
) -> Record:
    """Give a ``sensor_msgs/Imu`` of acceleration (3,) in m/s² and angular rate (3,) in rad/s.

    Without a rate the message says that none was measured.
    """
    values = acceleration if rate is None else np.concatenate([acceleration, rate])
    return Record(
        stamp_ns, sensor.topic, IMU_TYPE, imu_sample_message(stamp_ns, sensor.frame, values)
    )


def image_record(
    sensor: Sensor, stamp_ns: int, picture: NDArray[np.uint8] | NDArray[np.uint16]
) -> Record:
    """Give a ``sensor_msgs/Image``: gray (H, W) uint8, or depth (H, W) uint16 in millimetres."""
    encoding = 'mono8' if picture.dtype == np.uint8 else '16UC1'
    height, width = picture.shape
    pixels = picture.astype(picture.dtype.newbyteorder('<')).tobytes()
    data = image_message(stamp_ns, sensor.frame, height, width, encoding, pixels)
    return Record(stamp_ns, sensor.topic, IMAGE_TYPE, data)


def skeleton_record(sensor: Sensor, stamp_ns: int, joints: NDArray[Any]) -> Record:
    """Give a ``geometry_msgs/PoseArray`` of joint positions (J, 3) in metres, not turned."""
    data = pose_array_message(stamp_ns, sensor.frame, joints)
    return Record(stamp_ns, sensor.topic, SKELETON_TYPE, data)

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

from typing import Any

import numpy as np
import pytest

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.modalities.audio.messages import audio_info_message, audio_message
from xmodal_ros.modalities.camera.messages import compressed_image_message, image_message
from xmodal_ros.modalities.imu.messages import imu_message

STAMP_NS = 1_700_000_123_456_789_012
TYPES: dict[str, Any] = TYPESTORE.types
FRAMES = ('', 'a', 'imu', 'link', 'imu_wrist_link')


def header(frame: str) -> Any:
    stamp = TYPES['builtin_interfaces/msg/Time'](sec=1_700_000_123, nanosec=456_789_012)
    return TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id=frame)


def serialized(message: Any) -> bytes:
    return bytes(TYPESTORE.serialize_cdr(message, message.__msgtype__))


@pytest.mark.parametrize('frame', FRAMES)
def test_imu_bytes_are_those_of_rosbags(frame: str) -> None:
    fields = np.arange(37.0) - 0.5
    vector, quaternion = TYPES['geometry_msgs/msg/Vector3'], TYPES['geometry_msgs/msg/Quaternion']
    message = TYPES['sensor_msgs/msg/Imu'](
        header=header(frame),
        orientation=quaternion(*fields[:4]),
        orientation_covariance=fields[4:13],
        angular_velocity=vector(*fields[13:16]),
        angular_velocity_covariance=fields[16:25],
        linear_acceleration=vector(*fields[25:28]),
        linear_acceleration_covariance=fields[28:37],
    )
    assert imu_message(STAMP_NS, frame, fields) == serialized(message)


@pytest.mark.parametrize('frame', FRAMES)
@pytest.mark.parametrize('encoding', ['jpeg', 'png', 'rgb8; jpeg compressed bgr8'])
def test_compressed_image_bytes_are_those_of_rosbags(frame: str, encoding: str) -> None:
    data = np.arange(13, dtype=np.uint8)
    message = TYPES['sensor_msgs/msg/CompressedImage'](header(frame), encoding, data)
    written = compressed_image_message(STAMP_NS, frame, encoding, data.tobytes())
    assert written == serialized(message)


@pytest.mark.parametrize('frame', FRAMES)
@pytest.mark.parametrize('encoding', ['rgb8', 'mono8', 'bgra8'])
def test_image_bytes_are_those_of_rosbags(frame: str, encoding: str) -> None:
    data = np.arange(2 * 9, dtype=np.uint8)
    message = TYPES['sensor_msgs/msg/Image'](header(frame), 2, 3, encoding, 0, 9, data)
    assert image_message(STAMP_NS, frame, 2, 3, encoding, data.tobytes()) == serialized(message)


@pytest.mark.parametrize('frame', FRAMES)
def test_audio_bytes_are_those_of_rosbags(frame: str) -> None:
    data = np.arange(31, dtype=np.uint8)
    audio = TYPES['audio_common_msgs/msg/AudioData'](data)
    message = TYPES['audio_common_msgs/msg/AudioDataStamped'](header(frame), audio)
    assert audio_message(STAMP_NS, frame, data.tobytes()) == serialized(message)


@pytest.mark.parametrize(('rate_hz', 'channels'), [(16_000, 1), (44_100, 2)])
def test_audio_info_bytes_are_those_of_rosbags(rate_hz: int, channels: int) -> None:
    message = TYPES['audio_common_msgs/msg/AudioInfo'](
        channels, rate_hz, 'S16LE', rate_hz * channels * 16, 'wave'
    )
    assert audio_info_message(rate_hz, channels) == serialized(message)

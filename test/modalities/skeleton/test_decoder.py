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

import numpy as np
import pytest

from test.messages import EPOCH, pose_array_bytes
from xmodal_ros.bags.importers.messages import skeleton_record
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.registry import make_decoder, modality_of_type
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import count_joints, SKELETON_TYPE, SkeletonDecoder
from xmodal_ros.modalities.skeleton.stream import SkeletonStream
from xmodal_ros.streams.sample import DecodeError

SENSOR = Sensor('skeleton', 'skeleton', '/skeleton', 'camera_link')
JOINTS = np.arange(60, dtype=np.float64).reshape(20, 3)


@pytest.mark.parametrize('little_endian', [True, False])
def test_positions_are_read_joint_by_joint(little_endian: bool) -> None:
    data = pose_array_bytes(EPOCH, JOINTS, frame_id='odd', little_endian=little_endian)
    sample = make_decoder(SkeletonStream(joints=20), SKELETON_TYPE)(data)
    assert (sample.stamp_ns, sample.frame_id) == (EPOCH, 'odd')
    # Relative to the mean of all joints, (28.5, 29.5, 30.5).
    assert sample.values[:4].tolist() == [-28.5, -28.5, -28.5, -25.5]
    assert sample.values.shape == SkeletonStream(joints=20).sample_shape
    assert count_joints(data) == 20


def test_what_importers_write_is_read_back() -> None:
    for frame in ('', 'odd', 'camera_link'):
        sensor = Sensor('skeleton', 'skeleton', '/skeleton', frame)
        assert skeleton_record(sensor, EPOCH, JOINTS).data == pose_array_bytes(
            EPOCH, JOINTS, frame_id=frame
        )
    record = skeleton_record(SENSOR, EPOCH + 5, JOINTS)
    sample = SkeletonDecoder(20)(record.data)
    assert (record.stamp_ns, sample.stamp_ns, sample.frame_id) == (
        EPOCH + 5,
        EPOCH + 5,
        'camera_link',
    )
    assert np.allclose(sample.values.reshape(20, 3), JOINTS - JOINTS.mean(axis=0))


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (pose_array_bytes(EPOCH, JOINTS[:19]), 'joints'),
        (pose_array_bytes(EPOCH, JOINTS[:0]), 'joints'),
        (pose_array_bytes(EPOCH, JOINTS * np.nan), 'not_finite'),
        (pose_array_bytes(EPOCH, JOINTS * 1e6), 'out_of_range'),
        (pose_array_bytes(0, JOINTS), 'zero_stamp'),
        (pose_array_bytes(EPOCH, JOINTS)[:-8], 'truncated'),
        (b'', 'truncated'),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        SkeletonDecoder(20)(data)
    assert caught.value.reason == reason


def test_poses_are_no_sensor_of_a_robot_and_feed_nothing_else() -> None:
    assert modality_of_type(SKELETON_TYPE) is None
    with pytest.raises(StreamError, match='a model for skeleton'):
        make_decoder(SkeletonStream(joints=20), 'sensor_msgs/msg/Imu')

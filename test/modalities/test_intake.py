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

"""Serialized messages to windows: whatever a message holds, it is used or counted."""

import pytest

from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.windows.windowing import WindowingSpec

IMU = 'sensor_msgs/msg/Imu'
SPEC = WindowingSpec(rate_hz=50)


def test_bad_messages_are_counted_by_reason_and_the_rest_goes_on():
    intake = SensorIntake(ImuStream(), SPEC, IMU)
    good = [imu_bytes(EPOCH + i * SECOND // 100) for i in range(400)]
    nan = imu_bytes(EPOCH + 2 * SECOND, (float('nan'), 0, 0))
    messages = [*good[:200], nan, b'junk', imu_bytes(0), good[199], *good[200:]]
    windows = list(intake.windows(messages))
    assert intake.received == 404
    assert intake.drops == {
        'not_finite': 1,
        'encapsulation': 1,
        'zero_stamp': 1,
        'duplicate': 1,
    }
    assert len(windows) == 3
    assert all(w.coverage == 1 for w in windows)


def test_the_last_complaint_is_in_words_until_a_good_message_comes():
    intake = SensorIntake(ImuStream(), SPEC, IMU)
    intake.push(imu_bytes(EPOCH, has_gyro=False))
    assert '--channels acc' in intake.complaint
    intake.push(imu_bytes(EPOCH))
    assert intake.complaint == ''


@pytest.mark.parametrize(
    ('stream', 'msgtype'),
    [
        (ImuStream(), 'sensor_msgs/msg/Image'),
        (CameraStream(pixels='gray', height=30, width=40), IMU),
        (ImuStream(), 'std_msgs/msg/String'),
    ],
)
def test_a_topic_of_another_type_is_refused_with_the_remedy(stream, msgtype):
    with pytest.raises(StreamError, match='choose another topic or another model'):
        SensorIntake(stream, SPEC, msgtype)

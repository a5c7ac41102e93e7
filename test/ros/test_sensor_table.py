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

"""What a table of sensors says that cannot be is refused, naming what can be."""

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.sensor_table import read_sensors


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'imu_wrist': '/imu'}, r'sensors\.imu_wrist says nothing of a sensor: write'),
        ({'imu_wrist.': '/imu'}, r'sensors\.imu_wrist\. says nothing of a sensor'),
        ({'imu wrist.topic': '/imu'}, "cannot be called 'imu wrist'"),
        ({'auto.modality': 'imu'}, "another word than 'auto'"),
        (
            {'imu.topik': '/imu'},
            r"sensors\.imu\.topik is nothing .*; closest is 'topic': modality",
        ),
        ({'imu.zzzzzzzz': 1}, r'sensors\.imu\.zzzzzzzz is nothing .* of modality imu: modality'),
        ({'nose.modality': 'smell'}, "modality = 'smell' is none of .*imu"),
        ({'nose.topic': '/nose'}, r"sensor 'nose' has no modality: set sensors\.nose\.modality"),
    ],
)
def test_what_cannot_be_said_of_a_sensor_is_refused_with_what_can(values, message):
    with pytest.raises(ConfigurationError, match=message):
        read_sensors(values)


def test_a_sensor_named_after_a_modality_is_of_it_and_keeps_what_is_said_to_whom():
    wrist, camera = read_sensors(
        {
            'wrist.modality': 'imu',
            'wrist.model': '/models/wrist',
            'wrist.topic': '/wrist',
            'camera.topic': '/image',
        }
    )
    assert (wrist.name, wrist.modality, wrist.model) == ('wrist', 'imu', '/models/wrist')
    assert (camera.modality, camera.model) == ('camera', '')
    assert camera.classifier == {'topic': '/image'}

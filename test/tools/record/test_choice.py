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

"""Which topics are recorded, of what is published."""

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.tools.record.choice import choose, Chosen, sensors_of, Wanted

IMU, CAMERA = 'sensor_msgs/msg/Imu', 'sensor_msgs/msg/Image'
GRAPH = {
    '/wrist/imu': [IMU],
    '/ankle/imu': [IMU],
    '/camera/image': [CAMERA],
    '/odom': ['nav_msgs/msg/Odometry'],
    '/r1/activity_label': ['std_msgs/msg/String'],
    '/tf_static': ['tf2_msgs/msg/TFMessage'],
    '/rosout': ['rcl_interfaces/msg/Log'],
}


def names(*wanted: Wanted) -> list[str]:
    choice = choose(wanted, GRAPH)
    assert not choice.missing
    return [each.topic for each in choice.topics]


def test_nothing_wanted_means_every_sensor_and_what_belongs_to_it() -> None:
    assert names() == [
        '/ankle/imu', '/camera/image', '/r1/activity_label', '/tf_static', '/wrist/imu',
    ]  # fmt: skip


def test_a_topic_that_is_named_is_recorded_whatever_it_is() -> None:
    assert names(Wanted('/odom')) == ['/odom', '/r1/activity_label', '/tf_static']


def test_a_sensor_is_found_by_its_modality_and_then_by_its_name() -> None:
    by_modality = choose([Wanted(sensor='front', modality='camera')], GRAPH).topics[0]
    assert (by_modality.topic, by_modality.sensor and by_modality.sensor.name) == (
        '/camera/image',
        'front',
    )
    assert '/wrist/imu' in names(Wanted(sensor='wrist', modality='imu'))
    with pytest.raises(ConfigurationError, match='--topic hip=TOPIC'):
        choose([Wanted(sensor='hip', modality='imu')], GRAPH)


def test_what_is_missing_is_told_with_what_is_close() -> None:
    choice = choose([Wanted('/wrist/imo'), Wanted(sensor='a', modality='audio')], GRAPH)
    close, none = choice.missing
    assert close == '/wrist/imo is not published; did you mean /wrist/imu?'
    assert 'modality audio for a is not published; published are /ankle/imu' in none
    assert '/rosout' not in none
    assert choose([], {}).missing == (
        'no topic of a sensor is published; nothing is published here',
    )


def test_of_a_topic_with_two_types_the_one_that_a_sensor_is_read_from_is_taken() -> None:
    graph = {'/x': ['std_msgs/msg/String', IMU]}
    assert choose([], graph).topics == (Chosen('/x', IMU),)


def test_where_one_sensor_is_named_all_are_declared() -> None:
    named = choose([Wanted('/wrist/imu', 'wrist'), Wanted('/camera/image')], GRAPH).topics
    declared = {each.name: (each.modality, each.topic) for each in sensors_of(named)}
    assert declared == {
        'wrist': ('imu', '/wrist/imu'),
        'camera': ('camera', '/camera/image'),
    }
    assert sensors_of(choose([Wanted('/wrist/imu')], GRAPH).topics) == ()


def test_a_name_is_for_what_a_sensor_is_read_from_and_for_one_only() -> None:
    with pytest.raises(ConfigurationError, match='no sensor here is read from'):
        choose([Wanted('/odom', 'odometer')], GRAPH)
    with pytest.raises(ConfigurationError, match="two topics are of the sensor 'imu'"):
        choose([Wanted('/wrist/imu', 'imu'), Wanted('/ankle/imu', 'imu')], GRAPH)

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

"""Static transforms are heard from every kind of publisher in a real graph."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
import sys

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from test.live.graph import BEST_EFFORT, LATCHED, RELIABLE, Watcher, watching
from test.transforms import transforms_bytes, turned
from xmodal_ros.ros.static_transforms import StaticTransforms
from xmodal_ros.streams.placement import rotation_from_angles

TOPIC = '/tf_static'
UPSIDE_DOWN = rotation_from_angles(180, 0, 0)


@pytest.fixture(scope='module')
def robot() -> Iterator[Watcher]:
    """A participant of its own, so that what is published crosses between two."""
    with watching() as robot:
        yield robot


@contextmanager
def listening(watcher: Watcher) -> Iterator[StaticTransforms]:
    transforms = StaticTransforms(watcher.node)
    try:
        yield transforms
    finally:
        transforms.close()


def test_latched_publishers_are_merged_by_whoever_comes_later(
    watcher: Watcher, robot: Watcher
) -> None:
    with ExitStack() as stack:
        for transform in (turned('/base', 'arm', 90, 0, 0), turned('arm', '/imu', 90, 0, 0)):
            publisher = stack.enter_context(robot.publisher(TFMessage, TOPIC, LATCHED))
            publisher.publish(transforms_bytes([transform]))
        with listening(watcher) as transforms:
            watcher.poll_for(
                lambda: transforms.rotation('base', 'imu') == UPSIDE_DOWN, 'no transform came'
            )
            assert transforms.problem('base', 'imu') == ''
            assert "closest is 'imu'" in transforms.problem('base', 'imu_')


@pytest.mark.parametrize('profile', [RELIABLE, BEST_EFFORT])
def test_publishers_that_are_not_latched_are_heard_when_they_speak_again(
    watcher: Watcher, robot: Watcher, profile: QoSProfile
) -> None:
    with robot.publisher(TFMessage, TOPIC, profile) as publisher, listening(watcher) as transforms:

        def heard() -> bool:
            publisher.publish(transforms_bytes([turned('base', 'imu', 180, 0, 0)]))
            return transforms.rotation('base', 'imu') == UPSIDE_DOWN

        watcher.poll_for(heard, 'no transform came')


def test_a_hundred_broadcasters_are_all_heard(watcher: Watcher, robot: Watcher) -> None:
    # As tf2's broadcasters, one message each; they all come at the moment we join.
    deep = QoSProfile(
        depth=200, reliability=ReliabilityPolicy.RELIABLE, durability=LATCHED.durability
    )
    with robot.publisher(TFMessage, TOPIC, deep) as publisher:
        for index in range(150):
            publisher.publish(transforms_bytes([turned('base', f'frame_{index}')]))
        with listening(watcher) as transforms:
            watcher.poll_for(
                lambda: all(transforms.rotation('base', f'frame_{index}') for index in range(150)),
                'some transforms were lost',
            )


def test_bytes_that_are_no_message_are_counted_and_the_rest_is_used(
    watcher: Watcher, robot: Watcher
) -> None:
    useless = turned('base', 'imu')
    with robot.publisher(TFMessage, TOPIC, LATCHED) as publisher, listening(watcher) as transforms:
        junk = transforms_bytes([useless])[:-5]

        def counted() -> bool:
            publisher.publish(junk)
            return transforms.ignored > 0

        watcher.poll_for(counted, 'nothing was counted')
        assert 'cannot be read' in transforms.problem('base', 'imu')
        publisher.publish(transforms_bytes([turned('base', 'imu', 180, 0, 0)]))
        watcher.poll_for(
            lambda: transforms.rotation('base', 'imu') == UPSIDE_DOWN, 'no transform came'
        )


def test_silence_and_another_type_are_told_apart(watcher: Watcher, robot: Watcher) -> None:
    # Frames of its own: a publisher ends when its executor wakes, and until then a test that comes
    # later may still hear what an earlier one latched.
    with listening(watcher) as transforms:
        watcher.poll_for(
            lambda: (
                'nobody publishes there: start robot_state_publisher'
                in transforms.problem('silent_base', 'silent_imu')
            ),
            'silence is not explained',
        )
        with robot.publisher(String, TOPIC, LATCHED):
            watcher.poll_for(
                lambda: (
                    'it carries std_msgs/msg/String instead of tf2_msgs/msg/TFMessage'
                    in transforms.problem('silent_base', 'silent_imu')
                ),
                'the type is not explained',
            )


def test_where_the_messages_are_not_installed_it_says_what_to_install(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', None)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    with listening(watcher) as transforms:
        assert transforms.rotation('base', 'imu') is None
        problem = transforms.problem('base', 'imu')
    assert 'sudo apt install ros-jazzy-tf2-msgs' in problem
    assert 'mounting_rotation' in problem

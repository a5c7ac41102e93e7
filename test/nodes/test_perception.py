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

"""The process that holds all classifiers, without its models."""

from collections.abc import Iterator
from pathlib import Path
import threading
import time

import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.nodes.perception_node import Perception
from xmodal_ros.ros.process_name import rename_only


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[list[str]]:
    """What a process is started with; ROS is shut down after."""
    yield ['-p', f'sensors.imu.model:={tmp_path}', '-p', 'autostart:=false']
    rclpy.try_shutdown()


def test_the_selector_follows_a_classifier_that_was_renamed(arguments: list[str]) -> None:
    renamed = ['-r', 'imu_classifier:__node:=wrist', '-r', '__ns:=/robot']
    rclpy.init(
        args=['perception', '--ros-args', *arguments, *renamed],
        signal_handler_options=SignalHandlerOptions.NO,
    )
    perception = Perception()
    try:
        names = {node.get_fully_qualified_name(): node for node in perception.members}
        assert names.keys() == {'/robot/perception', '/robot/wrist', '/robot/activity_selector'}
        selector = names['/robot/activity_selector']
        assert selector.get_parameter('sources.imu.topic').value == '/robot/wrist/activity'
        # There is no bundle: that must not keep the selector from choosing among others.
        assert selector.get_parameter('sources.imu.model').value == ''
        selector.configure()
    finally:
        perception.stop()
        perception.destroy_node()


def test_nodes_of_a_process_look_around_at_once_each_by_one_timer(arguments: list[str]) -> None:
    rclpy.init(
        args=['perception', '--ros-args', *arguments, '-p', 'diagnostics_period:=10.0'],
        signal_handler_options=SignalHandlerOptions.NO,
    )
    perception = Perception()
    try:
        # As if loading had taken a while.
        perception.members[-1].begin_period()
        time.sleep(0.2)
        perception.start()
        timers = [timer for node in perception.members for timer in node.timers]
        assert len(timers) == 2
        # On a busy machine some time passes between looking at one and at the other.
        looks = [[timer.time_until_next_call() for timer in timers] for _ in range(20)]
        assert min(max(due_ns) - min(due_ns) for due_ns in looks) < 150_000_000
        assert {timer.timer_period_ns for timer in timers} == {500_000_000}
    finally:
        perception.stop()
        perception.destroy_node()


@pytest.mark.parametrize('given', ['__node:=perception', '__node:=eyes', '__name:=eyes'])
def test_a_name_for_the_process_is_that_of_the_table_alone(
    arguments: list[str], given: str
) -> None:
    name = given.partition(':=')[2]
    own = ['perception', '--ros-args', *arguments, '-r', given, '-r', '__ns:=/robot']
    rclpy.init(args=rename_only('perception', own), signal_handler_options=SignalHandlerOptions.NO)
    perception = Perception()
    try:
        names = {node.get_fully_qualified_name() for node in perception.members}
        assert names == {f'/robot/{name}', '/robot/imu_classifier', '/robot/activity_selector'}
    finally:
        perception.stop()
        perception.destroy_node()


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (
            ['-r', 'perception:__node:=imu_classifier'],
            r'2 nodes .* called /imu_classifier: rename',
        ),
        (['-p', 'sensors.imu.model:=""'], 'no sensor has a model'),
        (['-p', 'sensors.imu:=/imu'], 'says nothing of a sensor'),
        (['-p', 'selector:=7'], 'selector'),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    arguments: list[str], given: list[str], words: str
) -> None:
    rclpy.init(
        args=['perception', '--ros-args', *arguments, *given],
        signal_handler_options=SignalHandlerOptions.NO,
    )
    threads = set(threading.enumerate())
    # Whoever keeps the error keeps what was being made, too.
    with pytest.raises(ConfigurationError, match=words) as kept:
        Perception()
    assert set(threading.enumerate()) <= threads
    # No node stays on the graph, where it would be taken for the next of its name.
    probe = rclpy.create_node('probe', use_global_arguments=False)
    assert probe.get_node_names() == ['probe'], kept
    probe.destroy_node()


@pytest.mark.parametrize(
    ('given', 'understood'),
    [
        (
            ['x', '--ros-args', '-r', '__node:=a', '--remap', '__name:=b'],
            ['x', '--ros-args', '-r', 'n:__node:=a', '--remap', 'n:__name:=b'],
        ),
        (['x', '--ros-args', '-r', 'm:__node:=a'], None),
        (['x', '--ros-args', '-r', '__ns:=/a', '-p', '__node:=a'], None),
        (['x', '-r', '__node:=a', '--ros-args', '--', '-r', '__node:=a'], None),
    ],
)
def test_only_a_name_for_every_node_is_understood_otherwise(
    given: list[str], understood: list[str] | None
) -> None:
    assert rename_only('n', given) == (understood or given)


def test_a_misspelt_parameter_is_told_and_one_of_another_node_of_the_process_is_not(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    given = ['-p', 'selecter:=false', '-p', 'device:=cpu', '-p', 'diagnostics_period:=2.0']
    rclpy.init(
        args=['perception', '--ros-args', *arguments, *given],
        signal_handler_options=SignalHandlerOptions.NO,
    )
    perception = Perception()
    perception.stop()
    perception.destroy_node()
    said = [line for line in capfd.readouterr().err.splitlines() if 'was given' in line]
    assert len(said) == 1
    assert "the parameter 'selecter' was given" in said[0]

"""The process that holds all classifiers, without its models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions

from xmodal_ros.nodes.perception import Perception


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

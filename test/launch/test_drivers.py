"""The drivers' launch file, run for real where ROS's launch packages are installed."""

from pathlib import Path

import pytest
from sensor_msgs.msg import CompressedImage
import yaml

from test.live.graph import Watcher
from test.videos import write_video

# First launch_ros: without ROS's own, the checkout's folder passes for a package called launch.
pytest.importorskip(
    'launch_ros', reason="ROS's launch packages are not installed, and are in no Python registry"
)
pytest.importorskip('launch')

from test.launch.starting import describe, launch_until

FILE = 'drivers.launch.py'


def test_every_argument_is_described() -> None:
    arguments = describe(FILE).get_launch_arguments()
    names = {argument.name for argument in arguments}
    assert {'microphone', 'camera', 'namespace', 'params_file', 'log_level'} <= names
    for argument in arguments:
        assert len(argument.description) > 10


def test_camera_and_microphone_start_in_a_namespace_with_a_file_of_parameters(
    watcher: Watcher, tmp_path: Path
) -> None:
    video = write_video(tmp_path / '12.avi', 10)
    parameters = tmp_path / 'mine.yaml'
    settings = {'frame_id': 'eye', 'diagnostics_period': 0.1}
    parameters.write_text(yaml.dump({'/**/camera': {'ros__parameters': settings}}))
    watcher.hear(CompressedImage, '/robot/camera/image/compressed')

    def look() -> None:
        watcher.wait_for(lambda: len(watcher.heard) > 15, 'no images')
        watcher.wait_for(lambda: '/robot/microphone' in watcher.statuses, 'no microphone')
        assert watcher.state('/robot/microphone') == 'active'

    code = launch_until(
        FILE,
        look,
        namespace='robot',
        camera_device=video,
        camera_loop='true',
        params_file=parameters,
    )
    assert code == 0
    assert {message.header.frame_id for _, message in watcher.heard} == {'eye'}


def test_one_of_the_two_may_be_left_out(watcher: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / '12.avi', 10)

    def look() -> None:
        watcher.wait_for(lambda: '/camera' in watcher.statuses, 'no camera')
        # Had the microphone been started, its topics would be known as early as the camera's.
        names = watcher.node.get_node_names()
        assert 'camera' in names
        assert 'microphone' not in names

    assert launch_until(FILE, look, microphone='false', camera_device=video) == 0

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

"""The drivers' launch file, run for real."""

from pathlib import Path

import pytest
from sensor_msgs.msg import CompressedImage
import yaml

from test.launch.starting import by_launch, run_until, Start
from test.live.graph import Watcher
from test.videos import write_video


def test_camera_and_microphone_start_in_a_namespace_with_a_file_of_parameters(
    start: Start, watcher: Watcher, tmp_path: Path
) -> None:
    video = write_video(tmp_path / '12.avi', 10)
    parameters = tmp_path / 'mine.yaml'
    settings = {'frame_id': 'eye', 'diagnostics_period': 0.1}
    parameters.write_text(yaml.dump({'/**/camera': {'ros__parameters': settings}}))
    watcher.hear(CompressedImage, '/robot/camera/image_raw/compressed')

    def look() -> None:
        watcher.wait_for(lambda: len(watcher.heard) > 15, 'no images')
        watcher.wait_for(lambda: '/robot/microphone' in watcher.statuses, 'no microphone')
        assert watcher.state('/robot/microphone') == 'active'

    arguments = {
        'namespace': 'robot',
        'camera_device': video,
        'camera_loop': 'true',
        'params_file': parameters,
    }
    assert run_until(start('drivers', arguments), look) == 0
    assert {message.header.frame_id for _, message in watcher.heard} == {'eye'}


def test_one_of_the_two_may_be_left_out(start: Start, watcher: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / '12.avi', 10)

    def look() -> None:
        watcher.wait_for(lambda: '/camera' in watcher.statuses, 'no camera')
        watcher.poll_for(lambda: 'camera' in watcher.node.get_node_names(), 'no such node')
        # Had the microphone been started, it would be known as early as the camera.
        assert 'microphone' not in watcher.node.get_node_names()

    arguments = {'microphone': 'false', 'camera_device': video}
    assert run_until(start('drivers', arguments), look) == 0


def test_flags_may_be_written_otherwise_but_have_to_mean_something(start: Start) -> None:
    assert start('drivers', {'microphone': 'False', 'camera': '0'}).run() == 0
    assert start('drivers', {'microphone': 'False', 'camera': 'maybe'}).run() != 0


@pytest.mark.usefixtures('launch_installed')
def test_a_driver_that_has_ended_is_started_again(watcher: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / '12.avi', 10)
    parameters = tmp_path / 'mine.yaml'
    settings = {'exit_at_end': True, 'wait_for_subscriber': True}
    parameters.write_text(yaml.dump({'/**/camera': {'ros__parameters': settings}}))
    watcher.hear(CompressedImage, '/camera/image_raw/compressed')

    def look() -> None:
        watcher.wait_for(lambda: len(watcher.heard) > 10, 'it played once')

    arguments = {'microphone': 'false', 'camera_device': video, 'params_file': parameters}
    assert run_until(by_launch('drivers', arguments), look) == 0

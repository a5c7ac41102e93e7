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

"""The camera in a real graph, with real files and a real stream over HTTP."""

from collections.abc import Iterator
from pathlib import Path
import signal
from typing import Any

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from test.live.graph import is_active, is_error, NodeProcess, running, Watcher
from test.videos import HEIGHT, number_of, serving, WIDTH, write_video
from xmodal_ros.ros.messages import to_nanoseconds

NAME = '/camera'
IMAGE, COMPRESSED = '/camera/image_raw', '/camera/image_raw/compressed'
INFO = '/camera/camera_info'
QUICKLY = {'diagnostics_period': 0.1, 'reconnect_period': 0.1}


def pixels(image: Any) -> Any:
    assert image.encoding == 'bgr8'
    return np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)


def picture(image: Any) -> Any:
    return cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)


def heard(watcher: Watcher, topic: str) -> list[Any]:
    return [message for name, message in watcher.heard if name == topic]


def ends_well(node: NodeProcess) -> bool:
    return node.end() == 0 and 'Traceback' not in node.log


@pytest.fixture
def viewer(watcher: Watcher) -> Iterator[Watcher]:
    kinds = {IMAGE: Image, COMPRESSED: CompressedImage, INFO: CameraInfo}
    subscriptions = [watcher.hear(kind, topic) for topic, kind in kinds.items()]
    yield watcher
    # What the node of this test has still sent is not for the next one.
    for subscription in subscriptions:
        watcher.node.destroy_subscription(subscription)
    watcher.heard.clear()


def test_every_frame_of_a_file_arrives_at_its_own_speed_and_the_process_ends(
    viewer: Watcher, tmp_path: Path
) -> None:
    # Digits in the name, which OpenCV might take for those of numbered pictures.
    video = write_video(tmp_path / 'clip01.avi', 30, fps=50)
    settings = {
        'device': str(video),
        'exit_at_end': True,
        'wait_for_subscriber': True,
        'frame_id': 'eye',
    }
    with running(tmp_path, 'camera', settings) as node:
        assert node.wait() == 0, node.log
        viewer.wait_for(lambda: len(heard(viewer, IMAGE)) >= 30, 'frames were lost')
    images = heard(viewer, IMAGE)
    assert [number_of(pixels(image)) for image in images] == list(range(30))
    assert {(image.width, image.height, image.step) for image in images} == {
        (WIDTH, HEIGHT, 3 * WIDTH)
    }
    assert {image.header.frame_id for image in images} == {'eye'}
    infos = heard(viewer, INFO)
    assert {(info.width, info.height, info.k[0]) for info in infos} == {(WIDTH, HEIGHT, 0.0)}
    assert {info.header.frame_id for info in infos} == {'eye'}
    stamps = [to_nanoseconds(image.header.stamp) for image in images]
    assert {to_nanoseconds(info.header.stamp) for info in infos} <= set(stamps)
    assert stamps == sorted(stamps)
    # Late frames there may be, but none is early: half leaves room for a late first one.
    assert stamps[-1] - stamps[0] > 29 * 20_000_000 / 2
    assert 'is over after 30 frames' in node.log


def test_a_file_may_be_looped_scaled_and_compressed(viewer: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / 'clip.avi', 10)
    settings = {**QUICKLY, 'device': str(video), 'loop': True, 'rate': 40.0, 'width': 80}
    with running(tmp_path, 'camera', settings) as node:
        viewer.wait_for(lambda: len(heard(viewer, COMPRESSED)) >= 25, 'it did not begin again')
        assert ends_well(node)
    images = heard(viewer, COMPRESSED)
    assert {image.format for image in images} == {'bgr8; jpeg'}
    frames = [picture(image) for image in images]
    assert {frame.shape for frame in frames} == {(HEIGHT, 80, 3)}
    first = number_of(frames[0])
    assert [number_of(frame) for frame in frames] == [
        (first + index) % 10 for index in range(len(frames))
    ]


def test_after_the_end_of_a_file_the_node_stays_and_says_so(
    viewer: Watcher, tmp_path: Path
) -> None:
    video = write_video(tmp_path / 'clip.avi', 5)
    with running(tmp_path, 'camera', {**QUICKLY, 'device': str(video)}) as node:
        _, _, values = viewer.wait_for_status(NAME, lambda s: 'is over' in s[1])
        assert values['frames'] == '5'
        assert viewer.change(NAME, 'deactivate')
        assert viewer.change(NAME, 'activate')
        _, _, values = viewer.wait_for_status(NAME, lambda s: 'is over' in s[1])
        assert values['frames'] == '5'
        assert ends_well(node)


def test_a_stream_that_breaks_is_an_error_until_it_returns(
    viewer: Watcher, tmp_path: Path
) -> None:
    with serving() as server:
        port = server.port
        with running(tmp_path, 'camera', {**QUICKLY, 'device': server.url}) as node:
            viewer.wait_for(lambda: len(heard(viewer, COMPRESSED)) > 5, 'no frames')
            before = [number_of(picture(image)) for image in heard(viewer, COMPRESSED)]
            assert before == list(range(before[0], before[0] + len(before)))
            server.close()
            _, text, _ = viewer.wait_for_status(NAME, is_error)
            assert f'http://127.0.0.1:{port}/live' in text
            assert 'trying again in' in text
            viewer.heard.clear()
            with serving(port):
                viewer.wait_for(lambda: len(heard(viewer, COMPRESSED)) > 5, 'it did not return')
                status = viewer.wait_for_status(NAME, lambda s: not is_error(s))
                assert status[2]['times the source has gone'] == '1'
                assert ends_well(node)
        assert 'secret' not in node.log


def test_a_stream_that_stalls_does_not_hold_the_node_up(viewer: Watcher, tmp_path: Path) -> None:
    with (
        serving() as server,
        running(tmp_path, 'camera', {**QUICKLY, 'device': server.url}) as node,
    ):
        viewer.wait_for_status(NAME, lambda s: int(s[2].get('frames', 0)) > 5)
        server.stall()
        viewer.wait_for_status(NAME, is_error)
        assert viewer.set_parameter(NAME, 'jpeg_quality', 50) == (True, '')
        assert viewer.change(NAME, 'deactivate')
        assert viewer.change(NAME, 'cleanup')
        assert viewer.state(NAME) == 'unconfigured'
        assert node.end(signal.SIGTERM) == 0
        assert 'Traceback' not in node.log


@pytest.mark.parametrize(
    ('device', 'words'),
    [
        (87, 'there is no camera /dev/video87'),
        ('/dev/video87', 'there is no camera /dev/video87'),
        ('nowhere.mp4', 'there is no video file nowhere.mp4'),
        ('setup.py', 'setup.py cannot be read as a video'),
        ('http://127.0.0.1:9/live', 'the stream http://127.0.0.1:9/live cannot be opened'),
    ],
)
def test_what_cannot_be_opened_is_explained_and_may_be_replaced(
    viewer: Watcher, tmp_path: Path, device: object, words: str
) -> None:
    video = write_video(tmp_path / 'clip.avi', 5)
    with running(tmp_path, 'camera', {**QUICKLY, 'device': device, 'loop': True}) as node:
        _, text, _ = viewer.wait_for_status(NAME, is_error)
        assert words in text
        for transition in ('deactivate', 'cleanup'):
            assert viewer.change(NAME, transition)
        assert viewer.set_parameter(NAME, 'device', str(video)) == (True, '')
        for transition in ('configure', 'activate'):
            assert viewer.change(NAME, transition)
        status = viewer.wait_for_status(NAME, lambda s: int(s[2].get('frames', 0)) > 5)
        assert is_active(status)
        assert not is_error(status)
        assert ends_well(node)

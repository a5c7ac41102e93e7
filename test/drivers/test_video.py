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

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from test.videos import HEIGHT, number_of, write_video
from xmodal_ros.drivers import video as of_video
from xmodal_ros.drivers.video import OpenVideo, Video
from xmodal_ros.errors import DriverError


@pytest.mark.parametrize(
    ('source', 'kind'),
    [
        ('0', 'device'),
        ('/dev/video3', 'device'),
        ('/dev/v4l/by-id/usb-camera', 'device'),
        ('clip.mp4', 'file'),
        ('2024/clip', 'file'),
        ('rtsp://camera/live', 'stream'),
        ('http://127.0.0.1:8080/', 'stream'),
    ],
)
def test_a_source_is_what_it_looks_like(source: str, kind: str) -> None:
    assert Video(source).kind == kind


@pytest.mark.parametrize(
    ('source', 'shown'),
    [
        ('rtsp://me:secret@camera:554/live?x=1', 'rtsp://camera:554/live?x=1'),
        ('rtsp://me:se@cret@camera/live', 'rtsp://camera/live'),
        ('http://camera/', 'http://camera/'),
        ('http://[me:secret/', 'the URL'),
        ('me@home.mp4', 'me@home.mp4'),
    ],
)
def test_a_password_is_not_shown(source: str, shown: str) -> None:
    assert Video(source).shown == shown


def test_frames_of_a_file_are_bgr_and_scaled(tmp_path: Path) -> None:
    video = OpenVideo(Video(str(write_video(tmp_path / 'clip.avi', 3, fps=10)), width=80))
    assert video.fps == 10
    numbers = []
    while video.grab():
        frame = video.retrieve()
        assert frame is not None
        assert frame.shape == (HEIGHT, 80, 3)
        assert frame.dtype == np.uint8
        numbers.append(number_of(frame))
    video.close()
    assert numbers == [0, 1, 2]


@pytest.mark.parametrize(
    ('source', 'words'),
    [
        ('77', r'there is no camera /dev/video77; there (is|are) .*plug it in'),
        ('/dev/v4l/by-id/none', 'there is no camera /dev/v4l/by-id/none'),
        ('none.avi', 'there is no video file none.avi'),
        ('~/none.avi', 'there is no video file /'),
        ('http://me:secret@127.0.0.1:9/x', 'the stream http://127.0.0.1:9/x cannot be opened'),
    ],
)
def test_what_cannot_be_opened_is_explained(source: str, words: str) -> None:
    with pytest.raises(DriverError, match=words) as refusal:
        OpenVideo(Video(source))
    assert 'secret' not in str(refusal.value)


@pytest.mark.parametrize('content', [b'', b'x' * 1000, b'RIFF\xff\xff\xff\xffAVI LIST'])
def test_a_file_that_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'clip01.avi'
    path.write_bytes(content)
    with pytest.raises(DriverError, match='cannot be read as a video'):
        OpenVideo(Video(str(path)))


def test_a_device_that_is_no_camera_is_refused_with_what_to_look_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(DriverError, match=r'/dev/null gives no pictures: end what else uses it'):
        OpenVideo(Video('/dev/null'))
    monkeypatch.setattr(os, 'access', lambda *_: False)
    with pytest.raises(DriverError, match=r"/dev/null may not be used .* the group 'video'"):
        OpenVideo(Video('/dev/null'))


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(
    'given', [GREY, GREY[..., None], np.dstack([GREY] * 3), np.dstack([GREY] * 4)]
)
def test_a_camera_is_asked_for_what_is_wanted_and_its_frames_become_bgr(
    monkeypatch: pytest.MonkeyPatch, given: Any
) -> None:
    """A double of the camera: there is none on a machine that tests."""
    asked: dict[int, float] = {}

    class Capture:
        frames = iter([(True, given), (False, None), (True, given[:0])])

        def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
            return True

        def set(self, name: int, value: float) -> None:
            asked[name] = value

        def get(self, _name: int) -> float:
            return float('nan')

        def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
            return 'DOUBLE'

        def retrieve(self) -> Any:
            return next(self.frames)

    monkeypatch.setattr(of_video, '_open', lambda _: Capture())
    video = OpenVideo(Video('0', width=4, rate_hz=15.0))
    assert asked == {cv2.CAP_PROP_FRAME_WIDTH: 4, cv2.CAP_PROP_FPS: 15.0}
    assert video.fps > 0
    frame = video.retrieve()
    assert frame is not None
    assert (frame == np.dstack([GREY] * 3)).all()
    # What is damaged, or holds nothing, is none.
    assert video.retrieve() is None
    assert video.retrieve() is None

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

from pathlib import Path

import numpy as np
import pytest

from test.videos import HEIGHT, number_of, write_video
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

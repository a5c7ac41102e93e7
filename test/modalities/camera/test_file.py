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

"""A video is as long as its pictures say, whatever its header says or leaves out."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
import struct

import cv2
import pytest

from test.videos import number_of, numbered_frame, write_video
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.file import VideoFile
from xmodal_ros.modalities.camera.h264 import rate_of_h264
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE

MS = 1_000_000
# The parameter sets of x264 at 30 pictures a second.
AT_30 = '6764000dacd94141fb0110000003001000000303c0f14299600000000168ebe3cb22c0'


def jpeg(number: int) -> bytes:
    return cv2.imencode('.jpg', numbered_frame(number))[1].tobytes()


def element(name: bytes, content: bytes) -> bytes:
    return name + (1 << 56 | len(content)).to_bytes(8, 'big') + content


def write_matroska(path: Path, times_ms: Sequence[int], stated_ms: float | None = None) -> Path:
    """Write MJPEG as a live recorder does: with times, without a rate, a duration or an index."""
    video = element(b'\xb0', b'\xa0') + element(b'\xba', b'\x78')
    track = b''.join(
        (
            element(b'\xd7', b'\x01'),
            element(b'\x73\xc5', b'\x01'),
            element(b'\x83', b'\x01'),
            element(b'\x86', b'V_MJPEG'),
            element(b'\xe0', video),
        )
    )
    duration = b'' if stated_ms is None else element(b'\x44\x89', struct.pack('>d', stated_ms))
    clusters = b''.join(
        element(
            b'\x1f\x43\xb6\x75',
            element(b'\xe7', time_ms.to_bytes(4, 'big'))
            + element(b'\xa3', b'\x81\0\0\x80' + jpeg(number)),
        )
        for number, time_ms in enumerate(times_ms)
    )
    head = element(b'\x1a\x45\xdf\xa3', element(b'\x42\x82', b'matroska'))
    info = element(b'\x15\x49\xa9\x66', element(b'\x2a\xd7\xb1', b'\x0f\x42\x40') + duration)
    tracks = element(b'\x16\x54\xae\x6b', element(b'\xae', track))
    path.write_bytes(head + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + info + tracks + clusters)
    return path


def times_of(file: VideoFile) -> list[int]:
    decode = CameraDecoder(COMPRESSED_TYPE, 'rgb', 120, 160)
    samples = [decode(record.data) for record in file.records('/camera', 'camera', 1)]
    assert [number_of(sample.values) for sample in samples] == [*range(len(samples))]
    return [sample.stamp_ns - 1 for sample in samples]


@pytest.mark.parametrize(
    'times_ms',
    [
        [67 * index for index in range(20)],
        # A camera that takes fewer pictures in the dark.
        [*range(0, 330, 33), *range(330, 1600, 166)],
        # A stream that was joined ten hours after it had begun.
        [36_000_000 + 40 * index for index in range(10)],
    ],
)
@pytest.mark.parametrize('stated_ms', [None, 1.0, 400.0])
def test_pictures_have_their_own_times_and_the_video_ends_with_the_last(
    tmp_path: Path, times_ms: list[int], stated_ms: float | None
) -> None:
    file = VideoFile(write_matroska(tmp_path / 'a.mkv', times_ms, stated_ms))
    since = [time - times_ms[0] for time in times_ms]
    assert [round(time / MS) for time in times_of(file)] == since
    assert round(file.duration_ns / MS) == 2 * since[-1] - since[-2]


def test_pictures_of_one_time_follow_each_other(tmp_path: Path) -> None:
    times = [0, 40, 80, 80, 120, 160, 200, 240]
    found = times_of(VideoFile(write_matroska(tmp_path / 'a.mkv', times)))
    assert len(found) == len(times)
    assert all(before < after for before, after in pairwise(found))


def test_a_video_that_ends_long_before_its_header_says_is_refused(tmp_path: Path) -> None:
    bag = write_matroska(tmp_path / 'a.mkv', [40 * index for index in range(25)], 9000.0)
    with pytest.raises(BagError, match=r'a\.mkv. breaks off after 1\.000 of 9\.000 s'):
        VideoFile(bag)


def test_raw_pictures_need_a_rate_and_are_then_as_long_as_it_says(tmp_path: Path) -> None:
    raw = tmp_path / 'a.mjpeg'
    raw.write_bytes(b''.join(map(jpeg, range(30))))
    with pytest.raises(
        BagError, match=r"not when they were taken \(a raw stream\).*'--video-fps'"
    ):
        VideoFile(raw)
    file = VideoFile(raw, fps=30)
    assert file.duration_ns == pytest.approx(1_000 * MS, abs=10)
    assert times_of(file)[:2] == [0, round(1e9 / 30)]


def test_a_rate_that_is_given_wins(tmp_path: Path) -> None:
    file = VideoFile(write_video(tmp_path / 'a.avi', 20, 25.0), fps=10)
    assert file.duration_ns == 2_000 * MS


@pytest.mark.parametrize(
    ('stream', 'rate'),
    [
        (b'\0\0\0\1' + bytes.fromhex(AT_30), 30.0),
        (b'\0\0\0\1\x09\x10\0\0\1' + bytes.fromhex(AT_30), 30.0),
        (b'\0\0\0\1' + bytes.fromhex(AT_30)[:12], None),
        (b'\0\0\0\1\x67\x42\0\x1e', None),
        (b'\0\0\0\1\x40\1\x0c', None),
        (b'', None),
    ],
)
def test_a_raw_h264_stream_may_say_its_rate(stream: bytes, rate: float | None) -> None:
    assert rate_of_h264(stream) == rate


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'', r'is empty \(0 bytes\)'),
        (b'no video at all' * 9, 'convert it, for example to MP4'),
        (struct.pack('>I4s8s', 16, b'ftyp', b'isom') + struct.pack('>I4s', 999, b'mdat'), 'moov'),
    ],
)
def test_a_file_that_is_no_video_is_refused_by_what_is_wrong_with_it(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(BagError, match=words):
        VideoFile(tmp_path / 'a.mp4')
    with pytest.raises(BagError, match='there is no video file'):
        VideoFile(tmp_path / 'b.mp4')

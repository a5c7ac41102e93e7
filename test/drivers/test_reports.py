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

import pytest

from xmodal_ros.drivers.capture import AudioCounters
from xmodal_ros.drivers.grabber import VideoCounters
from xmodal_ros.drivers.portaudio import Microphone
from xmodal_ros.drivers.reports import audio_report, video_report
from xmodal_ros.drivers.video import Video

SECOND = 1_000_000_000
NOW = 100 * SECOND


@pytest.mark.parametrize(
    ('counters', 'level', 'words'),
    [
        (AudioCounters(), 'warning', 'no sound has come yet'),
        (AudioCounters(problem='unplugged'), 'error', 'unplugged'),
        (AudioCounters('usb', newest_ns=NOW - 3 * SECOND), 'warning', 'gives nothing'),
        (AudioCounters('usb', newest_ns=NOW, overflows=2, peak=0.5), 'warning', 'lost 2 times'),
        (AudioCounters('usb', newest_ns=NOW), 'warning', 'muted'),
        (AudioCounters('usb', newest_ns=NOW, peak=0.5), 'ok', "recording from 'usb'"),
    ],
)
def test_a_microphone_says_how_it_is(counters: AudioCounters, level: str, words: str) -> None:
    report = audio_report(Microphone(), AudioCounters(), counters, SECOND, NOW)
    assert report.level == level
    assert words in report.message


def test_rate_and_level_of_the_sound_are_told() -> None:
    before = AudioCounters('usb', samples=1000)
    now = AudioCounters('usb', samples=9000, peak=0.1, newest_ns=NOW)
    values = dict(audio_report(Microphone(), before, now, SECOND // 2, NOW).values)
    assert values['samples a second'] == '16000 Hz'
    assert values['peak'] == '-20 dBFS'
    assert values['age of the newest chunk'] == '0.00 s'


@pytest.mark.parametrize(
    ('counters', 'level', 'words'),
    [
        (VideoCounters(), 'warning', 'no frame has come yet from rtsp://camera'),
        (VideoCounters(problem='broken'), 'error', 'broken'),
        (VideoCounters('FFMPEG', over=True), 'warning', 'is over'),
        (VideoCounters('FFMPEG', newest_ns=NOW - 3 * SECOND), 'warning', 'gives no frames'),
        (VideoCounters('FFMPEG', damaged=3, newest_ns=NOW), 'warning', '3 frames'),
        (
            VideoCounters('FFMPEG', frames=30, width=6, height=4, newest_ns=NOW),
            'ok',
            '6x4 pixels at 30.0 Hz from rtsp://camera',
        ),
    ],
)
def test_a_camera_says_how_it_is(counters: VideoCounters, level: str, words: str) -> None:
    wanted = Video('rtsp://me:secret@camera')
    report = video_report(wanted, VideoCounters(), counters, SECOND, NOW)
    assert report.level == level
    assert words in report.message
    assert 'secret' not in str(report)

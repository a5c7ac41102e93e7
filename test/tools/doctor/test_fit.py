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

"""Whether a topic fits a model, answered with the model's own decoder and windows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from test.bundles import make_camera_bundle, make_imu_bundle
from test.messages import EPOCH, SECOND
from test.tools.doctor.robots import (
    audio,
    camera,
    grid,
    imu,
    jpeg,
    levels,
    SPEECH,
    tone,
    topic,
)
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.tools.doctor.expectation import Expectation, read_expectation
from xmodal_ros.tools.doctor.facts import Endpoint, TopicFacts
from xmodal_ros.tools.doctor.fit import check_fit, coverage
from xmodal_ros.tools.doctor.measurement import Measurement
from xmodal_ros.windows.windowing import WindowingSpec

IMU = Expectation(
    Path('/models/imu'), 'imu', ('sit', 'walk'), ImuStream(), WindowingSpec(rate_hz=50)
)
ACCELERATION = Expectation(
    Path('/models/acc'),
    'imu',
    ('sit', 'walk'),
    ImuStream(channels='acc'),
    WindowingSpec(rate_hz=50),
)
GRAY = Expectation(
    Path('/models/camera'),
    'camera',
    ('sit', 'walk'),
    CameraStream(pixels='gray', height=16, width=16),
    WindowingSpec(rate_hz=10, margin_ns=SECOND // 5),
)
DEPTH = Expectation(
    Path('/models/depth'),
    'camera',
    ('sit', 'walk'),
    CameraStream(pixels='depth', height=16, width=16),
    GRAY.window,
)
SOUND = Expectation(
    Path('/models/audio'), 'audio', ('clap', 'talk'), AudioStream(), WindowingSpec(rate_hz=16_000)
)
STRING = [Endpoint('/robot', 'std_msgs/msg/String')]


def with_rms(rms: float) -> Expectation:
    return replace(IMU, statistics={'acceleration_rms': rms})


@pytest.mark.parametrize(
    ('expectation', 'facts'),
    [
        (IMU, imu()),
        (IMU, imu(grid(45))),
        (with_rms(12.0), imu()),
        (ACCELERATION, imu(has_gyro=False)),
        (GRAY, camera()),
        (GRAY, jpeg()),
        (DEPTH, camera(encoding='32FC1')),
        (SOUND, audio()),
        (SOUND, audio(tone(960), AudioFormat(48_000, 1, 'S16LE'))),
    ],
    ids=['imu', 'slow imu', 'units', 'acc', 'gray', 'jpeg', 'depth', 'audio', 'fast audio'],
)
def test_a_topic_that_fits_gives_no_finding(expectation: Expectation, facts: TopicFacts) -> None:
    assert list(check_fit(expectation, facts)) == []


def test_a_rate_is_compared_with_that_of_the_recordings_learnt_from() -> None:
    assert levels(check_fit(GRAY, camera(5))) == [('warning', 'low-rate')]
    slow = replace(GRAY, learnt_rate_hz=5.0)
    assert levels(check_fit(slow, camera(5))) == []
    (found,) = check_fit(slow, camera(3))
    assert found.code == 'low-rate'
    assert 'the model learnt from 5 Hz' in found.problem
    (found,) = check_fit(slow, camera(1))
    assert found.code == 'coverage'
    assert found.remedy.startswith('raise the rate of the driver to 5 Hz and')
    (found,) = check_fit(replace(IMU, learnt_rate_hz=1600.0), imu())
    assert 'the model learnt from 1600 Hz' in found.problem


@pytest.mark.parametrize(
    ('expectation', 'facts', 'level', 'code', 'words'),
    [
        (IMU, camera(), 'error', 'other-modality', 'the model wants imu'),
        (IMU, topic('/imu', IMU_TYPE, Measurement(), STRING), 'error', 'unpublished', 'nobody'),
        (IMU, topic('/imu', IMU_TYPE, Measurement()), 'error', 'silent', '/imu is silent'),
        (IMU, imu(has_gyro=False), 'error', 'no-gyro', '6 channels are wanted'),
        (IMU, imu([0] * 200), 'error', 'zero-stamp', 'not set'),
        (with_rms(9.9), imu(acc=(0, 0, 1)), 'error', 'units', '9.9 m/s²'),
        (with_rms(9.9), imu(acc=(0, 0, 980)), 'error', 'units', '980'),
        (IMU, imu(grid(4, 100)), 'error', 'coverage', 'its answer will be unknown'),
        (IMU, imu(grid(20, 20)), 'warning', 'low-rate', '20.0 Hz'),
        (IMU, imu([*grid(100)[:200], *grid(100)[250:]]), 'warning', 'coverage', 'without data'),
        (GRAY, camera(1), 'error', 'coverage', '1.0 Hz'),
        (GRAY, camera(5), 'warning', 'low-rate', '10 Hz'),
        (GRAY, camera(encoding='32FC1'), 'error', 'encoding', "'32FC1'"),
        (DEPTH, camera(), 'error', 'encoding', "'bgr8'"),
        (SOUND, audio(tone(), None), 'error', 'no-format', 'not known'),
        (SOUND, audio(b'ID3\x04' + bytes(96), None), 'error', 'compressed', 'mp3'),
        (
            SOUND,
            audio(tone(160), AudioFormat(8_000, 1, 'S16LE')),
            'warning',
            'low-rate',
            'the high notes are missing',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_what_does_not_fit_is_the_only_finding(
    expectation: Expectation, facts: TopicFacts, level: str, code: str, words: str
) -> None:
    (found,) = check_fit(expectation, facts, '/classifier')
    assert (found.level, found.code, found.subject) == (level, code, '/classifier')
    assert words in found.problem
    assert found.remedy


def test_a_format_that_the_classifier_was_told_makes_up_for_a_missing_info() -> None:
    facts = audio(tone(), None)
    assert list(check_fit(SOUND, facts, audio_format=SPEECH)) == []
    low = AudioFormat(8_000, 1, 'S16LE')
    assert levels(check_fit(SOUND, facts, audio_format=low)) == [('warning', 'low-rate')]


def test_coverage_is_that_of_the_windows_the_model_cuts() -> None:
    stamps = grid(100)
    facts = imu([*stamps[:200], *stamps[300:]])
    assert facts.measurement is not None
    # A second of four is missing, but for what lies within reach of its ends.
    found = coverage(IMU, facts.measurement)
    assert found == pytest.approx(0.75, abs=0.06)


def test_one_message_covers_nothing_that_could_be_told() -> None:
    facts = imu([EPOCH])
    assert facts.measurement is not None
    assert coverage(IMU, facts.measurement) is None
    assert list(check_fit(IMU, facts)) == []


def test_a_jump_of_years_does_not_make_a_grid_of_years() -> None:
    facts = imu([SECOND, *grid(100)])
    assert facts.measurement is not None
    found = coverage(IMU, facts.measurement)
    assert found is not None
    assert found < 0.2


@pytest.mark.parametrize(
    ('make', 'facts'), [(make_imu_bundle, imu()), (make_camera_bundle, camera())]
)
def test_a_bundle_as_training_writes_it_fits_its_sensor(
    make: Callable[[Path], Path], facts: TopicFacts, tmp_path: Path
) -> None:
    assert levels(check_fit(read_expectation(make(tmp_path / 'bundle')), facts)) == []

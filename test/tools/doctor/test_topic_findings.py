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

"""Each thing that can be wrong with a topic: only that one is found, in words that name it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from test.tools.doctor.robots import (
    audio,
    camera,
    codes,
    grid,
    heard,
    imu,
    jpeg,
    plain_audio_bytes,
    SPEECH,
    tone,
    topic,
)
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.tools.doctor.facts import ClockFacts, Endpoint, Mismatch, TopicFacts
from xmodal_ros.tools.doctor.finding import Finding
from xmodal_ros.tools.doctor.measurement import Measurement
from xmodal_ros.tools.doctor.topic_findings import check_topic, unusable

STAMPS = grid(100)
BEST_EFFORT = [Endpoint('/driver', IMU_TYPE, 'best effort')]
HOUR = 3600 * SECOND


def lossy(keep: float) -> Sequence[int]:
    return [t for t in STAMPS if np.random.default_rng(t).random() < keep]


def findings(facts: TopicFacts, clock: ClockFacts | None = None) -> list[Finding]:
    return [*unusable(facts, 'error'), *check_topic(facts, clock)]


def in_heaps() -> list[int]:
    return [EPOCH + block * SECOND // 20 + k for block in range(80) for k in range(5)]


@pytest.mark.parametrize(
    'facts',
    [imu(), camera(), camera(encoding='32FC1'), jpeg(), audio(), imu(STAMPS[:1])],
    ids=['imu', 'camera', 'depth', 'jpeg', 'audio', 'one message'],
)
def test_nothing_is_wrong_with_a_healthy_topic(facts: TopicFacts) -> None:
    assert findings(facts) == []


@pytest.mark.parametrize(
    ('facts', 'code', 'words'),
    [
        (imu([0] * 300), 'unset-stamps', '300 of 300'),
        (imu(has_acc=False), 'no-acceleration', 'not measure acceleration'),
        (imu(acc=(np.nan, 0, 0)), 'not-finite', 'NaN'),
        (camera(encoding='nv12'), 'encoding', "'nv12'"),
        (audio(b'ID3\x04' + bytes(96), None), 'compressed', 'mp3'),
        (topic('/imu', IMU_TYPE, Measurement()), 'silent', '/driver publishes on /imu'),
        (topic('/x', IMU_TYPE, None, problem='no type X: install X'), 'not-heard', 'no type X'),
    ],
    ids=lambda value: value if isinstance(value, str) and '-' in value else '',
)
def test_what_makes_a_topic_useless_is_told_at_the_level_asked_for(
    facts: TopicFacts, code: str, words: str
) -> None:
    for level in ('error', 'warning'):
        (found, *others) = unusable(facts, level)
        assert (found.level, found.code, others) == (level, code, [])
        assert words in found.problem
        assert found.remedy


def test_a_topic_that_nobody_publishes_is_not_useless_by_itself() -> None:
    assert findings(topic('/imu', IMU_TYPE, Measurement(), [])) == []
    other = [Endpoint('/robot', 'std_msgs/msg/String')]
    assert list(unusable(topic('/imu', IMU_TYPE, Measurement(), other), 'error')) == []


def test_a_compressing_capture_node_is_told_by_its_info() -> None:
    facts = topic(
        '/audio', 'audio_common_msgs/msg/AudioData', None, problem='mp3', problem_code='compressed'
    )
    assert codes(unusable(facts, 'error')) == ['compressed']


@pytest.mark.parametrize(
    ('facts', 'code', 'words'),
    [
        (imu(delay_ns=5 * SECOND), 'clock', '5.0 s behind'),
        (imu(delay_ns=-3 * HOUR), 'clock', '3.0 h ahead of'),
        (imu(delay_ns=10 * 60 * SECOND), 'clock', '10 min behind'),
        (imu([t - EPOCH + SECOND for t in STAMPS], delay_ns=EPOCH), 'clock', 'not from 1970'),
        (imu(sorted([*STAMPS, *STAMPS[200:210]])), 'repeated', '10 of 410'),
        (imu([*STAMPS[:200], STAMPS[150], *STAMPS[200:]]), 'backwards', 'back in time 1 times'),
        (imu([*STAMPS[:200], *STAMPS[230:]]), 'gap', '0.31 s at 100.0 Hz'),
        (imu(lossy(0.7)), 'loss', 'are missing'),
        (imu(in_heaps()), 'heaped-stamps', 'in heaps'),
        (imu(has_gyro=False), 'no-gyro', 'models of acceleration alone'),
        (imu(acc=(0, 0, 1)), 'gravity', 'in g'),
        (imu(acc=(0, 0, 1000)), 'gravity', 'in mg'),
        (imu(acc=(0, 0, 0.05)), 'gravity', 'taken out'),
        (imu(acc=(30, 0, 0)), 'gravity', 'neither rest nor motion'),
        (imu(gyro=(0, 0, 90)), 'gyro-units', '°/s'),
        (audio(tone(), None), 'no-format', 'no AudioInfo'),
        (audio(tone(160)), 'sample-rate', '8000 samples a second come, 16000 are stated'),
        (audio(bytes(640)), 'mute', 'all zeros'),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_what_is_doubtful_is_told(facts: TopicFacts, code: str, words: str) -> None:
    (found,) = findings(facts)
    assert found.code == code
    assert found.level == ('note' if code == 'no-gyro' else 'warning')
    assert found.subject == facts.name
    assert words in found.problem
    assert found.remedy


def test_a_few_messages_that_cannot_be_used_are_told_with_the_last_reason() -> None:
    healthy = imu()
    assert healthy.measurement is not None
    contents = replace(
        healthy.measurement.contents, refused={'not_finite': 3}, complaint='it holds NaN'
    )
    facts = replace(healthy, measurement=replace(healthy.measurement, contents=contents))
    (found,) = findings(facts)
    assert found.code == 'refused'
    assert '3 of 400' in found.problem
    assert 'it holds NaN' in found.problem


def test_audio_without_stamps_may_arrive_in_heaps() -> None:
    arrivals = [EPOCH + block * SECOND // 20 + k for block in range(80) for k in range(2)]
    messages = [(plain_audio_bytes(tone(400)), t) for t in arrivals]
    found = heard(PLAIN_TYPE, messages, audio_format=SPEECH)
    assert found.timing is not None
    assert found.timing.heaped
    assert findings(topic('/audio', PLAIN_TYPE, found)) == []


def test_losses_of_a_best_effort_publisher_are_mended_by_reliability() -> None:
    (found,) = findings(imu(lossy(0.6), publishers=BEST_EFFORT))
    assert 'best effort' in found.problem
    assert 'reliably' in found.remedy
    assert 'fastdds.xml' not in found.remedy


def test_losses_of_best_effort_images_need_the_profile_too() -> None:
    facts = replace(imu(lossy(0.6)), msgtype=IMAGE_TYPE, modality='camera')
    facts = replace(facts, publishers=(Endpoint('/driver', IMAGE_TYPE, 'best effort'),))
    found = next(each for each in findings(facts) if each.code == 'loss')
    assert 'fastdds.xml' in found.remedy


def test_stamps_of_simulated_time_are_right_beside_the_clock() -> None:
    clock = ClockFacts(('/player',), 10)
    facts = imu(delay_ns=24 * HOUR, clock_offset_ns=-24 * HOUR)
    assert codes(findings(facts)) == ['clock']
    assert findings(facts, clock) == []
    # Somebody announced a clock, but it stands.
    assert codes(findings(facts, ClockFacts(('/player',), 0))) == ['clock']


def test_stamps_of_the_system_beside_simulated_time_are_wrong() -> None:
    facts = imu(clock_offset_ns=-2 * HOUR)
    (found,) = findings(facts, ClockFacts(('/player',), 10))
    assert found.code == 'clock'
    assert 'ahead of simulated time' in found.problem
    assert 'use_sim_time' in found.remedy


def test_several_types_on_a_topic_do_not_hear_each_other() -> None:
    publishers = [Endpoint('/robot', 'std_msgs/msg/String'), Endpoint('/driver', IMU_TYPE)]
    (found,) = findings(imu(publishers=publishers))
    assert found.code == 'mixed-types'
    assert 'std_msgs/msg/String by /robot' in found.problem


@pytest.mark.parametrize('ours', [False, True])
def test_a_type_that_others_define_differently_is_misread(*, ours: bool) -> None:
    driver = Endpoint('/driver', IMU_TYPE, type_hash='RIHS01_a')
    reader = Endpoint('/reader', IMU_TYPE, type_hash='RIHS01_a' if ours else 'RIHS01_b')
    facts = imu(publishers=[driver])
    facts = replace(facts, subscribers=(reader,), own_type_hash='RIHS01_b' if ours else '')
    assert codes(findings(facts)) == ['other-definition']
    same = replace(facts, subscribers=(driver,), own_type_hash='RIHS01_a')
    assert findings(same) == []


def test_two_publishers_are_not_one_sensor() -> None:
    publishers = [Endpoint('/left', IMU_TYPE), Endpoint('/right', IMU_TYPE)]
    (found,) = findings(imu(publishers=publishers))
    assert found.code == 'several-publishers'
    assert '/left, /right' in found.problem


def test_quality_of_service_that_does_not_fit_names_both_sides() -> None:
    mismatch = Mismatch('/driver', '/rviz', 'Best effort publisher and reliable subscription')
    (found,) = findings(imu(facts={'mismatches': (mismatch,)}))
    assert found.code == 'qos'
    assert '/rviz hears nothing of /driver' in found.problem
    assert 'Best effort publisher' in found.problem


def test_a_rate_that_is_stated_wrong_by_little_is_let_pass() -> None:
    near = AudioFormat(16_200, 1, 'S16LE')
    assert findings(audio(tone(), near)) == []
    assert SPEECH.rate_hz == 16_000

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

from typing import Any

from hypothesis import given, strategies
import numpy as np
import pytest

from test.messages import EPOCH, imu_bytes, SECOND
from test.tools.doctor.robots import (
    audio,
    DELAY,
    grid,
    heard,
    imu,
    plain_audio_bytes,
    tone,
)
from xmodal_ros.modalities.audio.decoder import AUDIO_TYPES, PLAIN_TYPE
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.tools.doctor.measurement import Measurement, TopicRecorder


def measured(stamps: list[int], **options: Any) -> Measurement:
    found = imu(stamps, **options).measurement
    assert found is not None
    return found


def test_nothing_heard_is_nothing_measured() -> None:
    assert TopicRecorder(IMU_TYPE).measure() == Measurement()


def test_a_regular_stream_has_its_rate_and_no_gaps() -> None:
    found = measured(grid(100))
    assert found.count == 400
    assert found.timing is not None
    assert found.timing.rate_hz == pytest.approx(100)
    assert found.timing.by_stamp
    assert found.timing.jitter_s == pytest.approx(0)
    assert found.timing.largest_gap_s == pytest.approx(0.01)
    assert (found.timing.missing, found.timing.heaped) == (0, False)
    assert (found.unset, found.backwards, found.repeated) == (0, 0, 0)
    assert found.offset_s == pytest.approx(DELAY / SECOND)
    assert found.clock_offset_s is None


def test_jitter_is_that_of_stamps() -> None:
    stamps = [t + (2_000_000 if k % 2 else 0) for k, t in enumerate(grid(100))]
    found = measured(stamps)
    assert found.timing is not None
    assert found.timing.jitter_s == pytest.approx(0.004)


def test_lost_messages_are_told_by_their_stamps() -> None:
    stamps = grid(100)
    found = measured(stamps[:100] + stamps[140:])
    assert found.timing is not None
    assert found.timing.missing == 40
    assert found.timing.largest_gap_s == pytest.approx(0.41)
    assert found.timing.rate_hz == pytest.approx(100)


def test_the_rate_is_that_of_the_sensor_though_most_messages_are_lost() -> None:
    rng = np.random.default_rng(0)
    stamps = [t for t in grid(100) if rng.random() < 0.4]
    found = measured(stamps)
    assert found.timing is not None
    assert found.timing.rate_hz == pytest.approx(100)
    assert found.count + found.timing.missing == pytest.approx(400, abs=10)


def test_stamps_in_heaps_are_told_from_losses() -> None:
    stamps = [EPOCH + block * SECOND // 10 + k for block in range(40) for k in range(8)]
    found = measured(stamps)
    assert found.timing is not None
    assert found.timing.heaped
    assert found.timing.missing == 0
    assert found.timing.rate_hz == pytest.approx(80, rel=0.05)


def test_messages_that_come_by_fits_and_starts_are_lost_not_heaped() -> None:
    stamps = [t for k, t in enumerate(grid(100, 20)) if k % 50 < 4]
    found = measured(stamps)
    assert found.timing is not None
    assert not found.timing.heaped
    assert found.timing.rate_hz == pytest.approx(100)
    assert found.count + found.timing.missing == pytest.approx(2000, abs=50)


def test_only_sensors_are_recorded() -> None:
    with pytest.raises(ValueError, match='std_msgs/msg/String'):
        TopicRecorder('std_msgs/msg/String')


def test_one_long_gap_makes_no_heaps() -> None:
    stamps = grid(100)
    found = measured(stamps[:100] + [t + 60 * SECOND for t in stamps[100:]])
    assert found.timing is not None
    assert not found.timing.heaped
    assert found.timing.rate_hz == pytest.approx(100)


def test_stamps_that_are_not_set_are_counted_and_arrivals_taken_instead() -> None:
    found = measured([0] * 200)
    assert found.unset == 200
    assert found.offset_s is None
    assert found.timing is not None
    assert not found.timing.by_stamp
    assert found.timing.rate_hz == pytest.approx(100)
    assert found.contents.refused == {}


def test_stamps_that_go_back_or_repeat_are_counted() -> None:
    stamps = grid(100)
    found = measured([*stamps[:50], *stamps[40:45], stamps[44], *stamps[50:]])
    assert (found.backwards, found.repeated) == (1, 1)


def test_simulated_time_is_compared_with_stamps_too() -> None:
    found = measured(grid(100), delay_ns=3600 * SECOND, clock_offset_ns=-3599 * SECOND)
    assert found.offset_s == pytest.approx(3600)
    assert found.clock_offset_s == pytest.approx(1)


def test_audio_without_stamps_goes_by_arrival() -> None:
    found = heard(PLAIN_TYPE, [(plain_audio_bytes(tone()), t) for t in grid(50)])
    assert found.unset == 0
    assert found.offset_s is None
    assert found.timing is not None
    assert found.timing.rate_hz == pytest.approx(50)


def test_a_long_recording_keeps_the_newest_messages_only() -> None:
    recorder = TopicRecorder('audio_common_msgs/msg/AudioDataStamped')
    pcm = bytes(1_000_000)
    template = audio(pcm, None).measurement
    assert template is not None
    for k in range(50):
        recorder.note(template.newest, EPOCH + k * SECOND)
    found = recorder.measure()
    assert found.count == 50
    assert 1 <= found.contents.looked_at <= 8


def test_a_message_cut_short_counts_as_refused() -> None:
    good = imu_bytes(EPOCH)
    found = heard(IMU_TYPE, [(good, EPOCH), (good[:10], EPOCH + 1), (b'', EPOCH + 2)])
    assert found.count == 3
    assert found.contents.refused == {'truncated': 2}


@given(
    msgtype=strategies.sampled_from([IMU_TYPE, IMAGE_TYPE, COMPRESSED_TYPE, *AUDIO_TYPES]),
    messages=strategies.lists(strategies.binary(max_size=80), min_size=1, max_size=4),
    header=strategies.booleans(),
)
def test_no_bytes_raise(msgtype: str, messages: list[bytes], *, header: bool) -> None:
    start = imu_bytes(EPOCH)[:20] if header else b''
    found = heard(msgtype, [(start + data, EPOCH + k) for k, data in enumerate(messages)])
    assert found.count == len(messages)
    assert np.isfinite(found.timing.rate_hz if found.timing else 0)

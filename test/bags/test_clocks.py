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

"""Clocks of sensors are compared by the times of receipt, and corrected for every reader."""

import numpy as np
import pytest

from test.bags.recordings import WRIST, write_imu_bag
from test.messages import EPOCH, SECOND
from xmodal_ros.bags.clock_fit import fit_receipt
from xmodal_ros.bags.clocks import clock_file, ClockCorrection, StampShift, write_clocks
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.streams.cdr import read_stamp_ns


def received(offset_s: float, drift_ppm: float, *, minutes: float = 10.0, seed: int = 0):
    """Times of receipt by a clock that runs right, of messages that another clock stamps.

    Transport takes 2 ms and more: one in ten messages waits for up to a second.
    """
    rng = np.random.default_rng(seed)
    true = np.arange(0, minutes * 60, 0.1)
    late = np.where(rng.random(len(true)) < 0.1, rng.random(len(true)), 0)
    delay = 0.002 + rng.exponential(0.003, len(true)) + late
    stamps = true - offset_s - drift_ppm * 1e-6 * true
    received_ns = EPOCH + np.round((true + delay) * SECOND).astype(np.int64)
    return received_ns, received_ns - (EPOCH + np.round(stamps * SECOND).astype(np.int64))


@pytest.mark.parametrize(
    ('offset_s', 'drift_ppm'), [(0.0, 0.0), (0.25, 30.0), (-3600.0, -80.0), (7.0, 500.0)]
)
def test_offset_and_drift_are_found_behind_delays(offset_s, drift_ppm):
    fit = fit_receipt(*received(offset_s, drift_ppm))
    assert fit is not None
    # The least delay, 2 ms, cannot be told from an offset.
    start_ns = EPOCH - round(offset_s * SECOND)
    drifted_s = fit.drift_ppm * 1e-6 * (start_ns - fit.reference_ns) / SECOND
    assert fit.offset_s + drifted_s == pytest.approx(offset_s + 0.002, abs=1e-3)
    assert fit.drift_ppm == pytest.approx(drift_ppm, abs=max(0.5, 4 * fit.drift_error_ppm))


def test_of_a_moment_there_is_an_offset_but_no_drift():
    fit = fit_receipt(np.array([EPOCH], np.int64), np.array([SECOND], np.int64))
    assert fit is not None
    assert (fit.offset_s, fit.drift_ppm, fit.drift_error_ppm) == (1.0, 0.0, np.inf)


def stamps(bag) -> list[int]:
    with BagReader(bag) as reader:
        return [read_stamp_ns(message.data) for message in reader.messages([WRIST.topic])]


def test_whoever_reads_a_recording_reads_corrected_stamps(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', sensors=[WRIST])
    before = stamps(bag)
    file = write_clocks(bag, {'imu_wrist': ClockCorrection(offset_s=-0.5, drift_ppm=1000.0)})
    assert file == bag / 'clocks.yaml'
    shifted = [before[0] - SECOND // 2, before[50] - SECOND // 2 + SECOND // 1000]
    assert [stamps(bag)[0], stamps(bag)[50]] == shifted
    file.unlink()
    assert stamps(bag) == before


def test_a_stamp_that_cannot_be_is_left_to_the_decoder():
    shift = StampShift.of(ClockCorrection(offset_s=-10.0), 0)
    for data in (b'', b'\0\1\0\0\1', b'\0\1\0\0' + 8 * b'\0', b'\0\1\0\0\5\0\0\0\0\0\0\0'):
        assert shift.apply(data) == data


def test_stamps_since_a_machine_was_started_can_be_corrected():
    shift = StampShift.of(ClockCorrection(offset_s=EPOCH / SECOND), 0)
    assert shift.shifted(5 * SECOND) == EPOCH + 5 * SECOND


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('imu_wirst: {offset_s: 1}', "'imu_wirst' is no sensor.*closest is 'imu_wrist'"),
        ('imu_wrist: {offset: 1}', 'imu_wrist.offset: .*{offset_s: 0.25, drift_ppm: 12}`'),
        ('imu_wrist: {offset_s: .nan}', 'imu_wrist.offset_s'),
        ('imu_wrist: {offset_s: 7e9}', r'imu_wrist.offset_s: .* 7e\+09 s leaves no stamp'),
        ('imu_wrist: {offset_s: -1e10}', 'at most 2147483648 s either way'),
        ('imu_wrist: {}\n/imu_wrist: {}', 'corrected twice'),
        ('[', 'cannot be read'),
        ('imu_wrist: {offset_s: 2025-13-45}', 'cannot be read'),
    ],
)
def test_corrections_that_mean_nothing_are_refused(tmp_path, text, message):
    bag = write_imu_bag(tmp_path / 'bag', sensors=[WRIST])
    clock_file(bag).write_text(text)
    with pytest.raises(BagError, match=message):
        BagReader(bag)

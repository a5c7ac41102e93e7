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

"""What is proposed for a clock can be written and read again."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.bags.clocks import ClockCorrection, StampShift
from xmodal_ros.data.clock_report import compare_clocks
from xmodal_ros.data.recording import RecordingWindows


def recorded(clocks: dict[str, StampShift] | None = None, **behind_s: float) -> RecordingWindows:
    """A recording of sensors whose corrected stamps are so far behind the times of receipt."""
    received_ns = EPOCH + np.arange(20) * SECOND
    windows = {
        name: SimpleNamespace(
            cut=SimpleNamespace(
                index=SimpleNamespace(
                    received_ns=received_ns, delays_ns=np.full(20, int(s * SECOND), np.int64)
                )
            )
        )
        for name, s in behind_s.items()
    }
    facts = SimpleNamespace(start_ns=EPOCH, end_ns=EPOCH + 20 * SECOND, clocks=clocks or {})
    return cast('RecordingWindows', SimpleNamespace(windows=windows, facts=facts))


def test_a_clock_that_counts_from_the_start_of_its_machine_is_corrected():
    found = compare_clocks(recorded(imu=0.0, camera=1.7e9), {})
    assert found.corrections['camera'].offset_s == pytest.approx(1.7e9)


def test_times_of_receipt_that_cannot_be_are_told_and_not_corrected():
    found = compare_clocks(recorded(imu=0.0, camera=7e9), {})
    assert 'camera: its stamps are 7000000000.000 s behind' in found.reports[1].complaint
    assert not found.corrections


def test_a_corrected_clock_is_not_compared_with_times_of_receipt_that_were_its_own_stamps():
    shift = StampShift.of(ClockCorrection(offset_s=-41.7), EPOCH)
    found = compare_clocks(recorded({'thigh': shift}, imu=0.0, thigh=41.7), {})
    assert [report.behind_s for report in found.reports] == [0.0, 0.0]
    assert not any(report.complaint for report in found.reports)
    assert not found.corrections
    robot = compare_clocks(recorded({'thigh': shift}, imu=0.0, thigh=41.8), {})
    assert robot.corrections['thigh'].offset_s == pytest.approx(41.8)

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

"""Stamps that begin anew within a recording are put where they belong."""

import numpy as np
import pytest

from xmodal_ros.windows.epochs import changes_in_one_time, in_one_time
from xmodal_ros.windows.windowing import SECOND_NS

HOP = SECOND_NS // 2
T0 = 1_700_000_000 * SECOND_NS


def hops(first: int, last: int) -> list[int]:
    return [T0 + k * HOP for k in range(2 * first, 2 * last)]


@pytest.mark.parametrize('ahead', [-30.0, -3600.0, 45.0, 3600.0, -1.7e9])
def test_the_part_that_is_of_another_time_is_moved_to_when_it_was_received(ahead: float) -> None:
    times = np.array(hops(0, 60), dtype=np.int64)
    stamps = times.copy()
    stamps[60:] += round(ahead * SECOND_NS)
    received = times + 120_000_000
    assert in_one_time(stamps, received, HOP).tolist() == times.tolist()
    # Whichever part comes first.
    stamps = times.copy()
    stamps[:60] += round(ahead * SECOND_NS)
    assert in_one_time(stamps, received, HOP).tolist() == times.tolist()


def test_stamps_that_begin_anew_several_times_all_follow_each_other() -> None:
    stamps = [*hops(0, 20), *hops(0, 20), *hops(5, 20)]
    received = [T0 + k * HOP + 2_000_000 for k in range(len(stamps))]
    placed = in_one_time(stamps, received, HOP)
    assert placed.tolist() == hops(0, 55)


def test_gaps_bursts_and_a_clock_of_its_own_leave_stamps_as_they_are() -> None:
    steady = hops(0, 10)
    gap = [*hops(0, 10), *hops(25, 30)]
    burst = hops(0, 30)
    # Windows of a gap are all due when it is over.
    came = [max(T0 + 20 * SECOND_NS, at) if at > T0 + 10 * SECOND_NS else at for at in burst]
    # A recorder that begins by catching up.
    stall = [max(T0 + 5 * SECOND_NS, at) for at in steady]
    for stamps, received in [(steady, steady), (gap, gap), (burst, came), (steady, stall)]:
        for offset_ns in (0, 90 * SECOND_NS, -90 * SECOND_NS):
            moved = [at + offset_ns for at in received]
            assert in_one_time(stamps, moved, HOP).tolist() == stamps
    assert in_one_time([], [], HOP).tolist() == []


def test_labels_are_moved_with_time_but_not_where_they_were_written_afterwards() -> None:
    starts = [0, 10, 20]
    stamps = [T0 + s * SECOND_NS for s in [*starts, *starts]]
    received = [T0 + k * 10 * SECOND_NS + 3_000_000 for k in range(6)]
    expected = [T0 + k * 10 * SECOND_NS for k in range(6)]
    assert changes_in_one_time(stamps, received).tolist() == expected
    afterwards = [T0 + 100 * SECOND_NS + k for k in range(6)]
    assert changes_in_one_time(stamps, afterwards).tolist() == stamps
    assert changes_in_one_time([], []).tolist() == []

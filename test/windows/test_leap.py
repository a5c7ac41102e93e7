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

"""A wrong stamp costs no window; time that leaps is followed."""

from collections import Counter

import numpy as np
import pytest

from xmodal_ros.streams.sample import Sample
from xmodal_ros.windows.assembler import WindowAssembler
from xmodal_ros.windows.leap import LeapGuard
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

SPEC = WindowingSpec(rate_hz=10)
EPOCH = 1_700_000_000 * SECOND_NS


def sample(seconds: float) -> Sample:
    return Sample(EPOCH + round(seconds * SECOND_NS), 'imu', np.array([seconds % 7, 1.0]))


def windows(seconds: list[float]) -> tuple[list[tuple[float, float]], Counter[str]]:
    """Give the ends and the coverage of the windows of samples at these times."""
    assembler = WindowAssembler(SPEC, 'linear')
    found = [each for at in seconds for each in assembler.push(sample(at))]
    ends = [((each.end_ns - EPOCH) / SECOND_NS, each.coverage) for each in found]
    return ends, assembler.clock.counts


def regular(first: float, last: float) -> list[float]:
    return [first + k / 10 for k in range(round((last - first) * 10))]


@pytest.mark.parametrize('leap', [2.9, 30.0, 3600.0, -3.0, -30.0, -1e9])
def test_one_wrong_stamp_costs_one_sample_and_no_window(leap: float) -> None:
    right = regular(0, 12)
    wrong = [at + leap if k == 60 else at for k, at in enumerate(right)]
    expected, _ = windows(right)
    found, counts = windows(wrong)
    assert [end for end, _ in found] == [end for end, _ in expected]
    assert min(coverage for _, coverage in found) > 0.9
    assert counts == {'leap': 1}


@pytest.mark.parametrize('leap', [30.0, 3600.0, -30.0])
def test_time_that_leaps_and_goes_on_there_is_followed(leap: float) -> None:
    found, counts = windows([*regular(0, 6), *(at + leap for at in regular(6, 12))])
    assert found[-1] == (11.5 + leap, 1.0)
    assert counts['leap'] == 0
    assert counts['reset'] == (abs(leap) > 60 or leap < 0)


def test_a_gap_is_told_with_the_second_sample_after_it() -> None:
    assembler = WindowAssembler(SPEC, 'linear')
    for at in regular(0, 5):
        assembler.push(sample(at))
    assert assembler.push(sample(15.0)) == []
    late = assembler.push(sample(15.1))
    assert [(each.end_ns - EPOCH) / SECOND_NS for each in late] == [5 + k / 2 for k in range(21)]


def test_of_two_clocks_that_take_turns_the_first_one_counts() -> None:
    counts: Counter[str] = Counter()
    guard: LeapGuard[str] = LeapGuard(SECOND_NS, counts)
    given = []
    for k in range(20):
        at = k * SECOND_NS // 10
        given += guard.admit('one', at, at)
        given += guard.admit('other', at + 30 * SECOND_NS, at + 30 * SECOND_NS)
    assert given == ['one'] * 20
    assert counts == {'leap': 19}


def test_what_comes_seldom_is_given_with_the_next() -> None:
    guard: LeapGuard[int] = LeapGuard(SECOND_NS, Counter())
    given = [guard.admit(k, 5 * k * SECOND_NS, 5 * k * SECOND_NS) for k in range(4)]
    assert given == [[0], [], [1], [2]]

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

"""Smoothing and minimum dwell."""

import pytest

from test.runtime.selector_script import NOTHING, SECOND, SIT, UNSURE, WALK
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.label import Scores
from xmodal_ros.runtime.smoothing import Dwell, Smoother, SmoothingMethod


def smooth(
    method: SmoothingMethod, *spoken: Scores, length: float = 10, step: float = 1
) -> list[Scores]:
    smoother = Smoother(round(length * SECOND), method)
    return [smoother.apply(round((k + 1) * step * SECOND), each) for k, each in enumerate(spoken)]


def decisions(given: list[Scores]) -> list[str]:
    return [each[0][0] for each in given]


def test_a_length_of_zero_changes_nothing() -> None:
    assert smooth('mean', WALK, SIT, UNSURE, length=0) == [WALK, SIT, UNSURE]


def test_the_mean_of_probabilities_decides() -> None:
    weakly: Scores = (('walk', 0.55), ('sit', 0.45))
    *_, last = smooth('mean', weakly, weakly, SIT)
    assert [name for name, _ in last] == ['sit', 'walk']
    assert [score for _, score in last] == pytest.approx([1.8 / 3, 1.2 / 3])


def test_the_majority_of_decisions_decides_and_the_newest_of_equals() -> None:
    weakly: Scores = (('walk', 0.55), ('sit', 0.45))
    assert decisions(smooth('majority', weakly, weakly, SIT)) == ['walk', 'walk', 'walk']
    assert decisions(smooth('majority', WALK, SIT)) == ['walk', 'sit']


@pytest.mark.parametrize('method', ['mean', 'majority'])
def test_what_is_older_than_the_length_is_forgotten(method: SmoothingMethod) -> None:
    given = smooth(method, *[WALK] * 5, *[SIT] * 3, length=3)
    assert decisions(given)[-1] == 'sit'
    assert dict(given[-1]) == pytest.approx(dict(SIT))


@pytest.mark.parametrize('method', ['mean', 'majority'])
def test_mostly_unknown_is_unknown(method: SmoothingMethod) -> None:
    given = smooth(method, WALK, NOTHING, NOTHING)
    assert given[-1][0][0] == UNKNOWN
    assert given[-1][0][1] == pytest.approx(0.3)
    assert smooth(method, NOTHING, NOTHING)[-1] == NOTHING
    assert decisions(smooth(method, WALK, WALK, UNSURE))[-1] == 'walk'


def test_label_sets_may_differ() -> None:
    jump: Scores = (('jump', 1.0),)
    assert dict(smooth('mean', WALK, jump)[-1]) == pytest.approx(
        {'jump': 0.5, 'walk': 0.35, 'sit': 0.15}
    )


def dwell(minimum: float, *spoken: Scores) -> list[Scores]:
    held = Dwell(round(minimum * SECOND))
    return [held.apply(k * SECOND, each) for k, each in enumerate(spoken)]


def test_an_activity_stays_for_the_minimum_dwell() -> None:
    given = dwell(3, WALK, SIT, SIT, SIT, WALK)
    assert decisions(given) == ['walk', 'walk', 'walk', 'sit', 'sit']
    assert given[1] == (('walk', 0.1), ('sit', 0.9))


def test_unknown_is_never_held_back() -> None:
    assert decisions(dwell(9, WALK, NOTHING, SIT)) == ['walk', UNKNOWN, 'sit']

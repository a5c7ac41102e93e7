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

"""Intervals and comparisons rest on people, or on recordings where there is one person."""

from dataclasses import replace

import numpy as np
import pytest

from test.evaluation.made_up import decide, make_evaluation
from test.messages import EPOCH, SECOND
from xmodal_ros.bags.segment import Segment
from xmodal_ros.evaluation.comparison import compare_bundles, COMPARED
from xmodal_ros.metrics.intervals import draw
from xmodal_ros.metrics.measure import measure

RIGHT = ['sit'] * 16 + ['walk'] * 16
TRUTH = ['sit', 'walk']


def wrong(windows: int) -> list[str]:
    """A bag of which so many windows are wrong: of the clip of sitting first."""
    return ['wave'] * windows + RIGHT[windows:]


def test_subjects_are_drawn_and_their_recordings_within_them():
    resampling = draw(['1', '2', '1', '3'])
    assert resampling is not None
    assert (resampling.over, resampling.units) == ('subjects', 3)
    weights = resampling.weights
    # Every draw of three subjects gives as many recordings as those have.
    drawn = weights[:, 1] + weights[:, 3] + (weights[:, 0] + weights[:, 2]) / 2
    assert np.allclose(drawn, 3)
    # The recordings of one subject are drawn too, not only the subject.
    assert (weights[:, 0] != weights[:, 2]).any()
    assert weights.mean(axis=0) == pytest.approx([1, 1, 1, 1], abs=0.1)


def test_what_may_be_more_than_one_is_told_where_a_share_could_be_anything():
    # Detected at once, or after a few seconds: from nothing to more than a second.
    bags = [decide('s' * 20, 'v' * late + 's' * (20 - late)) for late in (0, 1, 9)]
    found = measure(bags, list('123')).intervals['detection_delay_s']
    assert found.low == 0
    assert found.high > 1
    assert found.words == f'0.000, {found.high:.3f}'
    assert replace(found, most=1.0).words == '3 subjects: too few to tell'


def test_of_one_subject_recordings_are_drawn_and_of_one_recording_nothing():
    resampling = draw(['1', '1', '1'])
    assert resampling is not None
    assert (resampling.over, resampling.units) == ('recordings', 3)
    assert (resampling.weights.sum(axis=1) == 3).all()
    assert draw(['1']) is None
    assert draw([]) is None


def test_intervals_hold_the_value_are_within_bounds_and_repeat():
    bags = [decide('s' * 10 + 'w' * 10, 's' * (10 - n) + 'v' * n + 'w' * 10) for n in range(5)]
    measures = measure(bags, list('12345'))
    again = measure(bags, list('12345'))
    assert measures.intervals == again.intervals
    for name, interval in measures.intervals.items():
        value = measures.scalars[name]
        assert value is not None
        assert 0 <= interval.low <= value <= interval.high
        assert name == 'detection_delay_s' or interval.high <= 1
        assert (interval.over, interval.units) == ('subjects', 5)
    # Nobody was ever unknown: that tells nothing of how far this may be off.
    assert 'macro_f1_window' in measures.intervals
    assert 'unknown_rate' not in measures.intervals


def test_of_two_people_who_differ_much_bounds_are_not_shown():
    bags = [decide('s' * 10, 's' * 10), decide('s' * 10, 'v' * 8 + 's' * 2)]
    found = measure(bags, list('ab')).intervals['accuracy_window']
    assert (found.low, found.high) == (0, 1)
    assert found.words == '2 subjects: too few to tell'
    closer = [decide('s' * 10, 's' * 10), decide('s' * 10, 'v' + 's' * 9)]
    assert measure(closer, list('ab')).intervals['accuracy_window'].words.endswith(', 1.000')


def test_fewer_people_make_wider_intervals():
    bags = [decide('s' * 10, 's' * (10 - n % 2 * 4) + 'v' * (n % 2 * 4)) for n in range(12)]
    few = measure(bags[:4], list('abcd')).intervals['accuracy_window']
    many = measure(bags, list('abcdefghijkl')).intervals['accuracy_window']
    assert many.high - many.low < few.high - few.low


def test_a_recording_without_truth_is_no_unit():
    labelled = [decide('ssss', 'sssw'), decide('ssss', 'ssww')]
    measures = measure([*labelled, decide('....', 'ssss')], ['1', '2', '3'])
    assert {each.units for each in measures.intervals.values()} == {2}


def test_what_needs_no_truth_is_of_all_recordings():
    labelled = [decide('ssss', 'sssw'), decide('ssss', 'ssw?')]
    measures = measure([*labelled, decide('....', '????'), decide('....', '????')], list('1234'))
    interval, value = measures.intervals['unknown_rate'], measures.scalars['unknown_rate']
    assert interval.units == 4
    assert value is not None
    assert interval.low <= value <= interval.high


def test_segments_too_short_for_a_window_count_where_detection_is_told():
    seen = [decide('s' * 8, 's' * 8), decide('s' * 8, 's' * 8)]
    short = replace(
        decide('.' * 8, 's' * 8),
        segments=(
            Segment(EPOCH, EPOCH + SECOND, 'walk'),
            Segment(EPOCH + SECOND, EPOCH + 2 * SECOND, 'wave'),
        ),
    )
    measures = measure([*seen, short], list('123'))
    interval, value = measures.intervals['detection_rate'], measures.scalars['detection_rate']
    assert value is not None
    assert interval.low <= value <= interval.high


def test_a_clear_difference_is_told_from_chance_and_corrected_for_being_one_of_many():
    good = make_evaluation([wrong(n % 3) for n in range(8)], TRUTH, list('12345678'), name='good')
    bad = make_evaluation(
        [wrong(10 + n % 3) for n in range(8)], TRUTH, list('12345678'), name='bad'
    )
    comparison = compare_bundles([good, bad])
    assert comparison is not None
    assert (comparison.over, comparison.units, comparison.recordings) == ('subjects', 8, 8)
    of_metric = {each.metric: each for each in comparison.differences}
    assert tuple(of_metric) == COMPARED
    window = of_metric['macro_f1_window']
    ours, theirs = (each.measures.scalars['macro_f1_window'] or 0 for each in (good, bad))
    assert window.difference == pytest.approx(ours - theirs)
    assert window.low is not None
    assert window.high is not None
    assert 0 < window.low < window.difference < window.high
    assert window.p is not None
    assert window.p_holm is not None
    assert window.p <= window.p_holm < 0.01


def test_a_bundle_does_not_differ_from_itself():
    twice = [
        make_evaluation([wrong(n) for n in range(4)], TRUTH, list('1234'), name=name)
        for name in ('one', 'other')
    ]
    comparison = compare_bundles(twice)
    assert comparison is not None
    for each in comparison.differences:
        assert (each.difference, each.low, each.high, each.p_holm) == (0, 0, 0, 1)


def test_swapping_two_bundles_turns_the_signs():
    one = make_evaluation([wrong(n) for n in range(5)], TRUTH, list('12345'), name='one')
    other = make_evaluation([wrong(2 * n) for n in range(5)], TRUTH, list('12345'), name='other')
    there, back = compare_bundles([one, other]), compare_bundles([other, one])
    assert there is not None
    assert back is not None
    for mine, yours in zip(there.differences, back.differences, strict=True):
        assert mine.difference == pytest.approx(-yours.difference)
        assert mine.p == pytest.approx(yours.p)


def test_only_recordings_that_all_have_decided_on_are_compared():
    one = make_evaluation([RIGHT, RIGHT], TRUTH, ['1', '2'], name='one')
    other = make_evaluation([wrong(9)], TRUTH, ['1'], name='other')
    comparison = compare_bundles([one, other])
    assert comparison is not None
    assert comparison.recordings == 1
    assert {each.p for each in comparison.differences} == {None}
    assert compare_bundles([one]) is None


def test_the_interval_of_a_difference_ends_where_differences_do():
    people = [
        make_evaluation([wrong(first), wrong(second)], TRUTH, ['1', '2'], name=name)
        for name, first, second in (('one', 0, 16), ('other', 12, 0))
    ]
    comparison = compare_bundles(people)
    assert comparison is not None
    # Two people who disagree tell nothing: Student's t alone would reach beyond 1.
    window = next(each for each in comparison.differences if each.metric == 'macro_f1_window')
    assert (window.low, window.high) == (-1, 1)

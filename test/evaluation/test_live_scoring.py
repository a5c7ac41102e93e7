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

"""Labels scored as they come are worth what they are worth in a recording."""

from collections.abc import Sequence
import math

import pytest

from xmodal_ros.bags.segment import Segment
from xmodal_ros.evaluation.live_scoring import Following
from xmodal_ros.runtime.label import Label

SECOND = 1_000_000_000
TOPIC = '/activity'


def label(stamp_ns: int, name: str, score: float = 0.8) -> Label:
    other = 'sit' if name != 'sit' else 'walk'
    return Label(stamp_ns, '', ((name, score), (other, 1 - score)))


def told(
    names: Sequence[str], *, truth: Sequence[tuple[int, str]] = ((0, 'walk'), (4, 'sit'))
) -> Following:
    """One label a second from 1 s on, windows of one second, truth at the seconds given."""
    following = Following(SECOND)
    for second, name in truth:
        following.note_truth(second * SECOND, name)
    for index, name in enumerate(names, start=1):
        following.note(TOPIC, label(index * SECOND, name))
    return following


def test_right_labels_score_one_and_wrong_ones_what_they_miss() -> None:
    perfect = told(['walk'] * 4 + ['sit'] * 4).measure(TOPIC).scalars
    assert perfect['macro_f1_window'] == perfect['accuracy'] == 1
    assert perfect['detection_delay_s'] == 1
    late = told(['walk'] * 6 + ['sit'] * 2).measure(TOPIC)
    assert late.scalars['accuracy_window'] == 6 / 8
    assert [each.delay_s for each in late.detections] == [1, 3]


def test_unknown_is_counted_with_or_without_truth() -> None:
    names = ['walk', 'unknown', 'walk', 'unknown']
    assert told(names).measure(TOPIC).scalars['unknown_rate'] == 0.5
    without = told(names, truth=()).measure(TOPIC).scalars
    assert without['unknown_rate'] == 0.5
    assert without['macro_f1'] is None
    nothing = Following(SECOND).measure(TOPIC).scalars
    assert nothing['macro_f1'] is None


def test_truth_that_ends_leaves_labels_unscored() -> None:
    following = told(['walk'] * 6, truth=((0, 'walk'), (3, '')))
    assert following.segments == (Segment(0, 3 * SECOND, 'walk'),)
    ((_, decided),) = following.decided(TOPIC)
    assert decided.true_labels == ['walk'] * 3 + [None] * 3
    assert following.truth_now() is None
    assert told(['walk']).truth_now() == 'walk'
    assert told([]).truth_now() is None


def test_truth_may_come_late_and_repeat_itself() -> None:
    following = told(['sit'] * 4, truth=((2, 'sit'), (2, 'sit')))
    following.note_truth(2 * SECOND - SECOND // 2, 'walk')
    assert [each.label for each in following.segments] == ['walk', 'sit']


def test_truth_known_beforehand_wins() -> None:
    following = Following(SECOND, [Segment(0, 9 * SECOND, 'sit')])
    following.note(TOPIC, label(SECOND, 'sit'))
    assert following.measure(TOPIC).scalars['accuracy_window'] == 1


def test_a_jump_back_begins_another_take_and_all_are_scored() -> None:
    following = Following(SECOND)
    for _ in range(2):
        following.note_truth(0, 'walk')
        for second in range(1, 5):
            following.note(TOPIC, label(second * SECOND, 'walk'))
            following.note('/other', label(second * SECOND, 'sit'))
    assert following.takes == 2
    assert following.count(TOPIC) == following.count('/other') == 8
    assert following.measure(TOPIC).scalars['accuracy_window'] == 1
    assert following.measure('/other').scalars['accuracy_window'] == 0


def test_truth_that_jumps_back_begins_another_take_only_where_labels_were_told() -> None:
    following = told([], truth=((10, 'walk'), (20, 'sit')))
    following.note_truth(0, 'sit')
    following.note(TOPIC, label(2 * SECOND, 'sit'))
    assert following.measure(TOPIC).scalars['accuracy_window'] == 1
    following.note_truth(12 * SECOND, 'walk')
    assert following.takes == 1
    following.note_truth(0, 'walk')
    following.note(TOPIC, label(2 * SECOND, 'walk'))
    assert following.takes == 2
    assert following.measure(TOPIC).scalars['accuracy_window'] == 1


def test_labels_that_come_after_others_have_jumped_belong_to_the_time_before() -> None:
    following = told(['walk'] * 4)
    following.note('/other', label(10 * SECOND, 'walk'))
    following.note(TOPIC, label(SECOND, 'walk'))
    following.note('/other', label(11 * SECOND, 'walk'))
    following.note('/other', label(SECOND, 'walk'))
    assert following.takes == 2
    stamps = [[each.stamp_ns // SECOND for each in got] for got, _ in following.decided('/other')]
    assert stamps == [[10, 11], [1]]


@pytest.mark.parametrize(
    ('bad', 'why'),
    [
        (Label(9 * SECOND, '', ()), 'no results'),
        (label(9 * SECOND, 'walk', math.nan), 'scores outside 0 to 1'),
        (label(9 * SECOND, 'walk', 7.0), 'scores outside 0 to 1'),
        (label(4 * SECOND, 'walk'), 'older than the newest one'),
    ],
)
def test_what_cannot_be_scored_is_counted(bad: Label, why: str) -> None:
    following = told(['walk'] * 4)
    following.note(TOPIC, bad)
    assert following.refused == {why: 1}
    assert following.count(TOPIC) == 4


def test_unknown_is_no_truth() -> None:
    following = told(['walk'] * 2, truth=((0, 'unknown'),))
    assert following.segments == ()
    assert following.refused == {'truth cannot be unknown': 1}


def test_truth_in_another_spelling_is_told_or_taken_for_the_label():
    names, truth = ['walk'] * 4 + ['sit'] * 4, ((0, 'Walk '), (4, 'SIT'))
    apart = told(names, truth=truth)
    assert apart.measure(TOPIC).scalars['accuracy_window'] == 0
    assert {frozenset(each) for each in apart.other_spellings(TOPIC)} == {
        frozenset({'Walk', 'walk'}),
        frozenset({'SIT', 'sit'}),
    }
    merging = Following(SECOND, apart.segments, merge_labels=True)
    for index, name in enumerate(names, start=1):
        merging.note(TOPIC, label(index * SECOND, name))
    assert merging.measure(TOPIC).scalars['accuracy_window'] == 1
    assert not merging.other_spellings(TOPIC)
    assert not told(names).other_spellings(TOPIC)

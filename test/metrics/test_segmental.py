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

"""Segmental F1 and edit score, by hand and by what must always hold."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from xmodal_ros.metrics.segmental import (
    cut_stretches,
    edit_score,
    LabelRun,
    overlap_counts,
    runs_of,
    Stretch,
)

SEQUENCES = st.lists(st.sampled_from(['a', 'b', 'c', 'unknown']), min_size=1, max_size=30)


def stretch(truth: str, said: str) -> Stretch:
    names = {'?': 'unknown'}
    return Stretch(tuple(truth), tuple(names.get(letter, letter) for letter in said))


def test_runs_join_equal_neighbours_and_unknown_is_none():
    assert runs_of(['a', 'a', 'unknown', 'b', 'a']) == [
        LabelRun(0, 2, 'a'),
        LabelRun(3, 4, 'b'),
        LabelRun(4, 5, 'a'),
    ]


def test_a_decided_segment_is_right_at_the_overlaps_it_reaches():
    # a: 3 of 10 windows (0.3), b: all 4 of its 10 within 11 (10/11 of them right).
    found = overlap_counts([stretch('a' * 10 + 'b' * 10, 'aaac' + '?' * 6 + 'b' * 10)])
    # At 10 % and 25 % both are right, at 50 % b alone; c is always wrong.
    assert found.tolist() == [[2, 1, 0], [2, 1, 0], [1, 2, 1]]


def test_a_true_segment_that_is_found_in_pieces_is_found_once():
    found = overlap_counts([stretch('a' * 10, 'aaaabaaaaa')])
    # Two pieces of 0.4 and 0.5: one is right, the other too many; b is wrong.
    assert found.tolist() == [[1, 2, 0], [1, 2, 0], [1, 2, 0]]


def test_edit_score_counts_segments_however_long():
    assert edit_score([stretch('aaaabb', 'abbbbb')]) == 1
    # a b c against a c: one is missing of three.
    assert edit_score([stretch('aabbcc', 'aaaccc')]) == pytest.approx(2 / 3)
    # a against a b a: two too many of three.
    assert edit_score([stretch('aaaaaa', 'aabbaa')]) == pytest.approx(1 / 3)
    assert edit_score([stretch('aaa', '???')]) == 0
    assert edit_score([]) is None


def test_stretches_end_where_truth_or_windows_are_missing():
    stamps = [1, 2, 3, 4, 6, 7]
    found = cut_stretches(stamps, ['a', 'a', None, 'a', 'a', 'b'], list('aabaab'), 1)
    assert found == [stretch('aa', 'aa'), stretch('a', 'a'), stretch('ab', 'ab')]


def test_time_that_jumps_back_begins_a_stretch():
    found = cut_stretches([5, 6, 2, 3], list('aaaa'), list('aaaa'), 1)
    assert [len(each.truth) for each in found] == [2, 2]


def edit_distance(one: list[str], other: list[str]) -> int:
    """The textbook's, to compare with."""
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    table[:, 0], table[0] = range(len(one) + 1), range(len(other) + 1)
    for i, a in enumerate(one, start=1):
        for j, b in enumerate(other, start=1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b)
            )
    return int(table[-1, -1])


@given(SEQUENCES, st.data())
def test_scores_are_bounded_and_perfect_for_the_truth_alone(said, data):
    truth = [data.draw(st.sampled_from('abc')) for _ in said]
    given_stretch = [Stretch(tuple(truth), tuple(said))]
    counts = overlap_counts(given_stretch)
    true, mine = [[r.label for r in runs_of(each)] for each in (truth, said)]
    assert (counts >= 0).all()
    assert (counts[:, 0] + counts[:, 2] == len(true)).all()
    assert (counts[:, 0] + counts[:, 1] == len(mine)).all()
    # A stricter overlap never finds more.
    assert (np.diff(counts[:, 0]) <= 0).all()
    edit = edit_score(given_stretch)
    assert edit == pytest.approx(1 - edit_distance(true, mine) / max(len(true), len(mine)))
    assert overlap_counts([Stretch(tuple(truth), tuple(truth))])[:, 1:].sum() == 0
    assert edit_score([Stretch(tuple(truth), tuple(truth))]) == 1


@given(SEQUENCES, st.data(), st.permutations(['a', 'b', 'c']))
def test_names_do_not_matter(said, data, others):
    truth = [data.draw(st.sampled_from('abc')) for _ in said]
    rename = {**dict(zip('abc', others, strict=True)), 'unknown': 'unknown'}
    plain = [Stretch(tuple(truth), tuple(said))]
    renamed = [Stretch(*(tuple(rename[each] for each in labels) for labels in (truth, said)))]
    assert overlap_counts(plain).tolist() == overlap_counts(renamed).tolist()
    assert edit_score(plain) == edit_score(renamed)

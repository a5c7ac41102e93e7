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

"""Scores per window and per clip."""

from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from xmodal_ros.errors import TrainingError
from xmodal_ros.metrics.scores import score

LABELS = ('sit', 'walk', 'wave')
SIT, WALK, WAVE, NOTHING = (1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (0.0, 0, 0)


def test_a_clip_is_decided_by_the_mean_of_its_windows():
    chances = np.array([(0.4, 0.6, 0), (0.4, 0.6, 0), (1.0, 0, 0), WALK])
    scores = score(LABELS, chances, ['sit'] * 3 + ['walk'], [0, 0, 0, 1])
    assert scores.accuracy == 1.0
    assert scores.accuracy_window == 0.5
    assert (scores.clips, scores.windows) == (2, 4)


def test_macro_f1_is_the_mean_over_the_activities_that_occur():
    chances = np.array([SIT, SIT, SIT, WALK])
    scores = score(LABELS, chances, ['sit', 'sit', 'walk', 'walk'], range(4))
    # sit: precision 2/3, recall 1; walk: precision 1, recall 1/2; wave does not occur.
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores.f1_by_label == pytest.approx({'sit': 0.8, 'walk': 2 / 3})
    assert scores.labels == ('sit', 'walk')
    assert scores.confusion.tolist() == [[2, 0], [1, 1]]


def test_a_window_without_evidence_is_wrong_but_does_not_vote():
    chances = np.array([SIT, NOTHING, NOTHING])
    scores = score(LABELS, chances, ['sit', 'sit', 'walk'], [0, 0, 1])
    assert scores.accuracy == 0.5
    assert scores.accuracy_window == pytest.approx(1 / 3)
    assert scores.labels == ('sit', 'walk', 'unknown')
    assert scores.confusion.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_published_unknowns_count_per_window_and_not_per_clip():
    chances = np.array([SIT, SIT, WALK])
    scores = score(LABELS, chances, ['sit', 'sit', 'walk'], [0, 0, 1], ['sit', 'unknown', 'walk'])
    assert scores.macro_f1 == 1.0
    assert scores.accuracy_window == pytest.approx(2 / 3)
    assert scores.confusion_window[scores.labels.index('sit')].tolist() == [1, 0, 1]


def test_an_activity_the_model_does_not_know_counts_as_missed():
    scores = score(LABELS, np.array([SIT, SIT]), ['sit', 'fall'], [0, 1])
    assert scores.f1_by_label['fall'] == 0
    assert scores.labels == ('sit', 'fall')


def test_without_a_window_there_is_nothing_to_score():
    with pytest.raises(TrainingError, match='nothing to score'):
        score(LABELS, np.zeros((0, 3)), [], [])


def test_each_activity_has_precision_recall_and_support():
    chances = np.array([SIT, SIT, SIT, WALK])
    scores = score(LABELS, chances, ['sit', 'sit', 'walk', 'walk'], range(4))
    sit, walk = (astuple(scores.by_label[name]) for name in ('sit', 'walk'))
    assert sit == pytest.approx((2 / 3, 1.0, 0.8, 2))
    assert walk == pytest.approx((1.0, 0.5, 2 / 3, 2))
    assert scores.by_label_window == scores.by_label
    assert scores.balanced_accuracy == scores.balanced_accuracy_window == 0.75


@pytest.mark.parametrize('seed', range(20))
def test_all_are_those_of_scikit_learn_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    names = [f'activity {number}' for number in range(rng.integers(2, 9))]
    # The model does not know the last of them.
    known = names[:-1]
    truth = rng.choice(names, 80).tolist()
    chances = rng.dirichlet(np.ones(len(known)), 80) * (rng.random((80, 1)) < 0.9)
    decisions = [known[row.argmax()] if row.any() else 'unknown' for row in chances]
    scores = score(known, chances, truth, range(80))
    assert scores.accuracy == scores.accuracy_window == accuracy_score(truth, decisions)
    expected = confusion_matrix(truth, decisions, labels=list(scores.labels))
    assert np.array_equal(scores.confusion, expected)
    assert np.array_equal(scores.confusion_window, expected)
    present = [name for name in scores.labels if name in truth]
    columns = precision_recall_fscore_support(truth, decisions, labels=present, zero_division=0)
    rows = [astuple(each) for each in scores.by_label.values()]
    assert list(scores.by_label) == present
    assert rows == list(zip(*(column.tolist() for column in columns), strict=True))


def test_one_activity_alone_is_scored():
    scores = score(LABELS, np.array([SIT, SIT]), ['sit', 'sit'], [0, 1])
    assert scores.confusion.tolist() == [[2]]
    assert scores.macro_f1 == scores.balanced_accuracy == 1

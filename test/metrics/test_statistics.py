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

"""Figures by hand, and intervals that hold what they promise on made-up data."""

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.metrics import f1_score

from xmodal_ros.metrics.macro_f1 import counts_of_confusion, macro_f1
from xmodal_ros.metrics.statistics import (
    Difference,
    difference_of,
    holm,
    mean_score,
    paired_difference,
    score_interval,
)


def test_macro_f1_by_hand_and_as_scikit_learn_has_it():
    # a: 2 right of 3, 1 taken for it: 4/6. b: 1 right of 2, 1 taken for it: 2/4.
    counts = counts_of_confusion([[2, 1], [1, 1]], ('a', 'b'), ('a', 'b'))
    assert macro_f1(counts) == pytest.approx((4 / 6 + 2 / 4) / 2)
    truth, decided = [0, 0, 0, 1, 1], [0, 0, 1, 0, 1]
    assert macro_f1(counts) == pytest.approx(f1_score(truth, decided, average='macro'))


def test_a_class_nobody_shows_counts_for_nothing_and_one_nobody_names_as_missed():
    # b is shown and never named, c is neither.
    counts = counts_of_confusion([[3, 0], [1, 0]], ('b', 'a'), ('a', 'b', 'c'))
    assert counts.tolist() == [[0, 1, 0], [3, 3, 4], [0, 0, 0]]
    assert macro_f1(counts) == pytest.approx((0 + 6 / 7) / 2)


def test_subjects_are_added_up_before_and_seeds_averaged_after():
    perfect = counts_of_confusion([[2, 0], [0, 2]], 'ab', 'ab')
    wrong = counts_of_confusion([[0, 2], [2, 0]], 'ab', 'ab')
    assert mean_score(np.array([[perfect, wrong], [perfect, perfect]])) == pytest.approx(0.75)


def test_the_interval_of_a_score_ends_where_scores_do():
    perfect = counts_of_confusion([[2, 0], [0, 2]], 'ab', 'ab')
    wrong = counts_of_confusion([[0, 2], [2, 0]], 'ab', 'ab')
    assert score_interval(np.array([[perfect, wrong]])) == (0.0, 1.0)
    assert score_interval(np.array([[perfect]])) is None
    likely = score_interval(answers(np.random.default_rng(0), np.full((3, 6), 0.7)))
    assert likely is not None
    assert 0 < likely[0] < 0.7 < likely[1] < 1


def answers(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Class counts (seeds, subjects, 2, 3) of answers that are right so often."""
    right = rng.binomial(40, np.clip(chances, 0, 1)[..., None], size=(*chances.shape, 2))
    decided = right + 40 - right[..., ::-1]
    return np.stack([right, np.full_like(right, 40), decided], axis=-1).astype(float)


def sample(rng: np.random.Generator, gain: float, seeds: int = 5, subjects: int = 6):
    """Two rows of the same subjects and seeds; the gain differs by both."""
    base = 0.6 + rng.normal(0, 0.08, subjects) + rng.normal(0, 0.03, (seeds, 1))
    gains = gain + rng.normal(0, 0.05, subjects) + rng.normal(0, 0.03, (seeds, 1))
    return answers(rng, base + gains), answers(rng, base)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    # For two classes shown alike, with alike errors, macro-F1 is close to the share of right ones.
    found = [paired_difference(*sample(rng, 0.1), resamples=300) for _ in range(300)]
    held = np.mean([d.low < 0.1 < d.high for d in found if d.low is not None and d.high])
    assert 0.91 <= held <= 0.995
    assert np.mean([d.p < 0.05 for d in found if d.p is not None]) > 0.6


def test_without_a_difference_one_in_twenty_is_called_one():
    rng = np.random.default_rng(1)
    found = [paired_difference(*sample(rng, 0.0), resamples=300) for _ in range(300)]
    assert np.mean([d.p < 0.05 for d in found if d.p is not None]) <= 0.08
    for difference in found:
        assert difference.p is not None
        assert difference.low is not None
        assert difference.high is not None
        # The interval and p say the same.
        assert (difference.p < 0.05) == (difference.low > 0 or difference.high < 0)


def test_of_few_seeds_a_gain_that_is_none_is_not_called_one_for_their_luck():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        base = np.full((3, 20), 0.6)
        # Two trainings of a row differ by more than people do.
        luck = rng.normal(0, 0.05, (3, 1))
        found.append(
            paired_difference(answers(rng, base + luck), answers(rng, base), resamples=300)
        )
    assert np.mean([d.p < 0.05 for d in found if d.p is not None]) <= 0.08


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(2)
    base = np.full((4, 8), 0.6)
    swing = np.array([[-0.2], [0.2], [-0.2], [0.2]])
    steady = paired_difference(answers(rng, base + 0.1), answers(rng, base))
    unsteady = paired_difference(answers(rng, base + 0.1 + swing), answers(rng, base))
    assert steady.low is not None
    assert steady.high is not None
    assert unsteady.low is not None
    assert unsteady.high is not None
    assert unsteady.high - unsteady.low > 2 * (steady.high - steady.low)


def test_the_same_row_differs_by_nothing():
    ours, _ = sample(np.random.default_rng(3), 0)
    assert paired_difference(ours, ours) == Difference(0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize('units', [2, 3, 30])
def test_interval_and_p_are_those_of_students_t(units):
    drawn = np.array([-0.1, 0.0, 0.1, 0.3])
    found = difference_of(0.2, drawn, units)
    error = drawn.std(ddof=1) * (units / (units - 1)) ** 0.5
    assert (found.low, found.high) == pytest.approx(
        student.interval(0.95, units - 1, 0.2, error), rel=1e-12
    )
    assert found.p == pytest.approx(2 * student.sf(0.2 / error, units - 1), rel=1e-12)


def test_of_one_subject_nothing_is_known():
    ours, theirs = sample(np.random.default_rng(4), 0.3, subjects=1)
    difference = paired_difference(ours, theirs)
    assert difference.mean > 0
    assert (difference.low, difference.high, difference.p) == (None, None, None)


def test_holm_by_hand():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03 and 1 x 0.04, which must not fall below the one before.
    corrected = holm({'a': 0.01, 'b': 0.04, 'c': 0.03, 'd': 0.005})
    assert corrected == pytest.approx({'d': 0.02, 'a': 0.03, 'c': 0.06, 'b': 0.06})
    assert holm({'a': 0.7, 'b': 0.9}) == {'a': 1.0, 'b': 1.0}
    assert holm({}) == {}

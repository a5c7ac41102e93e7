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

"""Fusion never trusts all sources alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from numpy.typing import NDArray
import pytest

from xmodal_ros.runtime.fusion import fuse, Opinion, reliability

CLASSES = 27
_CLIPS = 1500


@dataclass(frozen=True)
class Classifier:
    """Right in this share of cases, and surer of itself than it should be (1: exactly as sure)."""

    accuracy: float
    overconfidence: float


def answers(
    classifier: Classifier, truth: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Probabilities (N, K), from one Gaussian measurement a class."""
    noise = rng.normal(0, 1, (len(truth), CLASSES))
    signal = np.eye(CLASSES)[truth]
    low, high = 0.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        good = ((noise + middle * signal).argmax(1) == truth).mean() >= classifier.accuracy
        low, high = (low, middle) if good else (middle, high)
    logits = (noise + high * signal) * high * classifier.overconfidence
    chances = np.exp(logits - logits.max(1, keepdims=True))
    shares: NDArray[np.float64] = chances / chances.sum(1, keepdims=True)
    return shares


def share_right(chances: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return float((chances.argmax(1) == truth).mean())


def fused_rows(
    classifiers: Sequence[Classifier], chances: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    names = [str(k) for k in range(CLASSES)]
    rows = []
    for each in zip(*chances, strict=True):
        opinions = [
            Opinion(dict(zip(names, row.tolist(), strict=True)), classifier.accuracy)
            for row, classifier in zip(each, classifiers, strict=True)
        ]
        together = fuse(opinions)
        rows.append([together[name] for name in names])
    return np.array(rows)


@pytest.mark.parametrize('depth', [1, 5, 20])
@pytest.mark.parametrize('imu', [0.5, 1, 5])
def test_a_poor_source_never_spoils_a_good_one_however_sure_they_are(
    imu: float, depth: float
) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, _CLIPS)
    classifiers = Classifier(0.85, imu), Classifier(0.48, depth)
    chances = [answers(each, truth, rng) for each in classifiers]
    best = max(share_right(each, truth) for each in chances)
    assert share_right(fused_rows(classifiers, chances), truth) >= best


def test_trusting_all_alike_is_the_trap_that_it_avoids() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, _CLIPS)
    classifiers = Classifier(0.85, 1), Classifier(0.48, 20)
    imu, depth = (answers(each, truth, rng) for each in classifiers)
    assert share_right(imu + depth, truth) < share_right(imu, truth) - 0.1
    assert share_right(imu * depth, truth) < share_right(imu, truth) - 0.1


def test_sources_of_equal_worth_are_better_together() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, _CLIPS)
    classifiers = Classifier(0.7, 1), Classifier(0.65, 1)
    chances = [answers(each, truth, rng) for each in classifiers]
    best = max(share_right(each, truth) for each in chances)
    assert share_right(fused_rows(classifiers, chances), truth) > best + 0.1


def test_agreement_makes_surer_than_either() -> None:
    one = Opinion({'walk': 0.7, 'sit': 0.3}, 0.9)
    assert fuse([one, one])['walk'] > 0.7


def test_a_source_no_better_than_chance_changes_nothing_of_the_order() -> None:
    good = Opinion({'walk': 0.6, 'sit': 0.3, 'lie': 0.1}, 0.8)
    fused = fuse([good, Opinion({'walk': 0.0, 'sit': 1.0, 'lie': 0.0}, 1 / 3)])
    assert sorted(fused, key=lambda name: -fused[name]) == ['walk', 'sit', 'lie']


def test_one_opinion_is_returned_as_it_is() -> None:
    assert fuse([Opinion({'walk': 0.7, 'sit': 0.3}, 0.4)]) == {'walk': 0.7, 'sit': 0.3}


def test_classes_that_only_some_know_keep_what_those_give_them() -> None:
    imu = Opinion({'walk': 0.6, 'sit': 0.2, 'clap': 0.2}, 0.9)
    camera = Opinion({'walk': 0.6, 'sit': 0.4}, 0.9)
    fused = fuse([imu, camera])
    assert sum(fused.values()) == pytest.approx(1)
    # 0.2 of what imu knows, beside the mass of both on what they share.
    shared = fused['walk'] + fused['sit']
    assert 0.1 < fused['clap'] / (shared + fused['clap']) < 0.2
    assert fused['walk'] / fused['sit'] > 1.5


def test_sources_with_nothing_in_common_are_mixed() -> None:
    fused = fuse([Opinion({'walk': 1.0}, 0.8), Opinion({'clap': 0.6, 'snap': 0.4}, 0.8)])
    assert fused == pytest.approx({'walk': 0.5, 'clap': 0.3, 'snap': 0.2})


@pytest.mark.parametrize(
    ('accuracy', 'classes', 'expected'),
    [(0.25, 4, 0.0), (0.1, 4, 0.0), (1.0, 4, 0.995), (0.625, 4, 0.5), (1.0, 1, 0.0)],
)
def test_reliability_is_what_goes_beyond_chance(
    accuracy: float, classes: int, expected: float
) -> None:
    assert reliability(accuracy, classes) == pytest.approx(expected)


chances = st.dictionaries(st.sampled_from('abcdef'), st.floats(0, 1), min_size=1).filter(
    lambda each: sum(each.values()) > 1e-6
)
opinions = st.builds(
    Opinion,
    probabilities=chances.map(lambda p: {k: v / sum(p.values()) for k, v in p.items()}),
    accuracy=st.floats(0, 1),
)


@given(st.lists(opinions, min_size=1, max_size=4))
def test_the_result_is_a_distribution_over_all_classes(given_opinions: list[Opinion]) -> None:
    fused = fuse(given_opinions)
    assert set(fused) == {name for each in given_opinions for name in each.probabilities}
    assert all(0 <= value <= 1 + 1e-9 for value in fused.values())
    assert sum(fused.values()) == pytest.approx(1)


def test_sources_of_which_none_is_trusted_count_alike() -> None:
    one = Opinion({'a': 0.6, 'b': 0.4}, accuracy=0.0)
    other = Opinion({'a': 0.2, 'b': 0.6, 'c': 0.2}, accuracy=0.0)
    fused = fuse([one, other])
    # What both know has 1.0 and 0.8 of their probability.
    assert fused['c'] == pytest.approx(0.2 / (0.9 + 0.2))

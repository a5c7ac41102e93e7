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

"""How much each of several answers counts in their common one.

Stacking (Wolpert 1992) with weights that are not negative (Breiman 1996), by the answers to
windows of groups, people as a rule, that no member had learnt from. One answer alone is taken
where it is better than all together, for weights are those of the greatest likelihood, which is
not the most right decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from xmodal_ros.methods.verdict import compare, Scores, UnitDifference
from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1
from xmodal_ros.training.ridge import balanced_weights

# Draws weights towards each other's mean: where nothing speaks against it members count the same.
# What few groups say of others is little: it is the larger of the two, the second over the square
# of their number.
_LEAST_SHRINKAGE: Final = 1e-3
_SHRINKAGE: Final = 3.0
# Of fewer groups none tells whether one alone is better.
ENOUGH_GROUPS: Final = 5
# Below this share of the common answer a member costs more than it says.
_LEAST_SHARE: Final = 0.02
# What differs by less from window to window is rounding, and says nothing.
_LEAST_SPREAD: Final = 1e-3
# By so much macro-F1 over all windows one is clearly better, however few the groups are.
_CLEARLY: Final = 0.02


@dataclass(frozen=True, eq=False)
class Stacked:
    """The ``weights`` of answers by name, zero for those without a part.

    ``together`` (N, classes) is the common answer and ``score`` its macro-F1 over all windows;
    ``alone`` are those of each.
    """

    weights: Mapping[str, float]
    together: NDArray[np.float64]
    score: float
    alone: Mapping[str, float]


def choose_weights(
    answers: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> Stacked:
    """Weigh answers (N, classes) of each member, or take the best alone.

    That is where its macro-F1 is clearly above that of all together, or by more than the standard
    error over ``groups`` (N,), where these are not few.
    """
    names = list(answers)
    count = len(np.unique(groups))
    found = stack([answers[name] for name in names], labels, count)
    weights = dict(zip(names, found, strict=True))
    together = np.sum([weights[name] * answers[name] for name in names], axis=0)
    score = score_of(together, labels)
    alone = {name: score_of(answers[name], labels) for name in names}
    best = max(names, key=lambda name: alone[name])
    lost = compare_by_group(answers[best], together, labels, groups)
    clearly = alone[best] > score + _CLEARLY or lost.gain > lost.error
    if count >= ENOUGH_GROUPS and alone[best] > score and clearly:
        # How sure it is, calibration sets.
        weights = {name: float(name == best) for name in names}
        together, score = answers[best], alone[best]
    return Stacked(weights, together, score, alone)


def score_of(answers: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Give the macro-F1 of answers (N, classes) over the activities that windows (N,) show."""
    decided = answers.argmax(axis=1).tolist()
    counts = count_by_class(labels.tolist(), decided, np.unique(labels).tolist())
    return float(macro_f1(counts))


def compare_by_group(
    answers: NDArray[np.float64],
    reference: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> UnitDifference:
    """Compare answers (N, classes) with others by the macro-F1 of each group."""
    return compare(_by_group(answers, labels, groups), _by_group(reference, labels, groups))


def _by_group(
    answers: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> Scores:
    """Give each group's macro-F1 over the activities that it shows."""
    return {
        str(group): score_of(answers[groups == group], labels[groups == group])
        for group in np.unique(groups)
    }


def stack(
    answers: Sequence[NDArray[np.float64]], labels: NDArray[np.int64], groups: int
) -> list[float]:
    """Weigh answers (N, classes) of each member; a weight of zero leaves it out.

    The fewer ``groups`` the windows are of, the more they weigh the same. The weighted sum are
    logits whose probabilities mean what they say, each class counting the same.
    """
    spread = [max(float(answer.std()), _LEAST_SPREAD) for answer in answers]
    kept = list(range(len(answers)))
    shrinkage = max(_LEAST_SHRINKAGE, _SHRINKAGE / groups**2)
    while True:
        scaled = np.stack([answers[number] / spread[number] for number in kept])
        weights = _minimise(scaled, labels, shrinkage)
        small = [n for n, w in zip(kept, weights, strict=True) if w < _LEAST_SHARE * sum(weights)]
        if not small or len(small) == len(kept):
            break
        kept = [number for number in kept if number not in small]
    found = dict(zip(kept, weights, strict=True))
    return [float(found.get(number, 0.0) / spread[number]) for number in range(len(answers))]


def _minimise(
    answers: NDArray[np.float64], labels: NDArray[np.int64], shrinkage: float
) -> NDArray[np.float64]:
    rows = np.arange(len(labels))
    balance = balanced_weights(labels, answers.shape[2])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(np.tensordot(weights, answers, axes=1), axis=1)
        errors = np.exp(logs)
        errors[rows, labels] -= 1
        errors *= balance[:, None]
        uneven = weights - weights.mean()
        value = -(balance * logs[rows, labels]).mean() + shrinkage * np.square(uneven).sum()
        slope = np.einsum('nc,mnc->m', errors, answers) / len(labels)
        return float(value), slope + 2 * shrinkage * uneven

    # Here, for it takes as long to import as all else beside torch, and few processes come here.
    from scipy.optimize import minimize

    start = np.full(len(answers), 1.0)
    bounds = [(0.0, 100.0)] * len(answers)
    found: NDArray[np.float64] = minimize(loss, start, jac=True, bounds=bounds).x
    return found

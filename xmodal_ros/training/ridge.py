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

"""Ridge regression of classes on features in closed form, and how strong to make it.

Each class is a regression of its own on ±1, windows weighing so that all classes count the same.
The strength is chosen by how likely it makes what groups left out of the regression did.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_softmax

from xmodal_ros.errors import TrainingError

# Of the mean of the squares of the features.
_STRENGTHS: Final = tuple(10.0**exponent for exponent in range(-4, 3))
# A constant feature, large enough for its weight to be free.
_ONE: Final = 10.0
# Of a sensor that always says the same all features are zero, and still it has to be solved.
_LEAST_SQUARE: Final = 1e-4
# Losses that count as no worse than the least.
_NEAR: Final = 1.03
_TEMPERATURES: Final = np.geomspace(0.02, 2.0, 15)

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Weights (K, classes) and offsets (classes,), and scores (N, classes) of left-out windows."""

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]
    held_out: NDArray[np.float64]
    strength: float


def fit_ridge(
    features: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    folds: Sequence[NDArray[np.int64]],
    classes: int,
    judged: NDArray[np.bool_] | None = None,
    strength: float | None = None,
    tell: Callable[[int, str], None] = lambda _fit, _what: None,
) -> RidgeFit:
    """Fit features (N, K), and choose the strength by ``folds`` of ``groups`` (N,) left out.

    All are learnt from, and by those that are ``judged`` (N,) the strength is chosen: by all
    without, and not at all where one is given. ``tell`` hears which of the fits is at work, those
    of the folds and then that of all windows, and how far it is.
    """
    strengths = _STRENGTHS if strength is None else (strength,)
    rows = slice(None) if judged is None else judged
    inputs = np.concatenate(
        [features, np.full((len(features), 1), _ONE, features.dtype)], axis=1
    ).astype(np.float64)
    weights = balanced_weights(labels[rows], classes)
    scores = {each: np.zeros((len(labels), classes)) for each in strengths}
    for number, fold in enumerate(folds):
        out = np.isin(groups, fold)
        tell(number, f'1 of {len(strengths)} strengths')
        learnt = _solutions(inputs[~out], labels[~out], classes, strengths)
        for count, (each, solution) in enumerate(zip(strengths, learnt, strict=True), 1):
            tell(number, f'{count} of {len(strengths)} strengths')
            scores[each][out] = inputs[out] @ solution
    losses = {each: _loss(scores[each][rows], labels[rows], weights) for each in strengths}
    if not all(math.isfinite(loss) for loss in losses.values()):
        raise TrainingError(
            'what is known of some windows is not finite: look at the recordings with '
            '`xmodal dataset` for values far out of range'
        )
    # The least loss is that of caution, which decisions lose by.
    chosen = min(each for each in losses if losses[each] <= _NEAR * min(losses.values()))
    tell(len(folds), 'the chosen strength')
    (solution,) = _solutions(inputs, labels, classes, (chosen,))
    return RidgeFit(solution[:-1], solution[-1] * _ONE, scores[chosen], chosen)


def balanced_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Weigh windows so that each class counts the same; they are 1 in the mean."""
    counts = np.bincount(labels, minlength=classes)
    weights: NDArray[np.float64] = 1.0 / counts[labels]
    weights /= weights.mean()
    return weights


def _solutions(
    inputs: NDArray[np.float64],
    labels: NDArray[np.int64],
    classes: int,
    strengths: Sequence[float],
) -> Iterator[NDArray[np.float64]]:
    """Give the weights (K, classes) for each strength, by the smaller of two systems."""
    root = np.sqrt(balanced_weights(labels, classes))[:, None]
    rows = inputs * root
    wanted = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0) * root
    dual = len(rows) < rows.shape[1]
    system = rows @ rows.T if dual else rows.T @ rows
    size = max(float(np.square(inputs[:, :-1]).mean()), _LEAST_SQUARE) * len(rows)
    for strength in strengths:
        regular = system + strength * size * np.eye(len(system))
        factor = cho_factor(regular, overwrite_a=True, check_finite=False)
        if dual:
            yield rows.T @ cho_solve(factor, wanted, check_finite=False)
        else:
            yield cho_solve(factor, rows.T @ wanted, check_finite=False)


def _loss(
    scores: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> float:
    rows = np.arange(len(labels))
    return min(
        float(-(weights * log_softmax(scores / t, axis=1)[rows, labels]).mean())
        for t in _TEMPERATURES
    )

"""How much each of several answers counts in their common one.

Stacking (Wolpert 1992) with weights that are not negative (Breiman 1996), by the answers to
windows of groups, people as a rule, that no member had learnt from.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from xmodal_ros.training.ridge import balanced_weights

# Draws weights towards each other's mean: where nothing speaks against it members count the same.
_SHRINKAGE: Final = 1e-3
# Below this share of the common answer a member costs more than it says.
_LEAST_SHARE: Final = 0.02


def stack(answers: Sequence[NDArray[np.float64]], labels: NDArray[np.int64]) -> list[float]:
    """Weigh answers (N, classes) of each member; a weight of zero leaves it out.

    The weighted sum are logits whose probabilities mean what they say, each class counting the
    same.
    """
    spread = [max(float(answer.std()), 1e-9) for answer in answers]
    kept = list(range(len(answers)))
    while True:
        scaled = np.stack([answers[number] / spread[number] for number in kept])
        weights = _minimise(scaled, labels)
        small = [n for n, w in zip(kept, weights, strict=True) if w < _LEAST_SHARE * sum(weights)]
        if not small or len(small) == len(kept):
            break
        kept = [number for number in kept if number not in small]
    found = dict(zip(kept, weights, strict=True))
    return [float(found.get(number, 0.0) / spread[number]) for number in range(len(answers))]


def _minimise(answers: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    rows = np.arange(len(labels))
    balance = balanced_weights(labels, answers.shape[2])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(np.tensordot(weights, answers, axes=1), axis=1)
        errors = np.exp(logs)
        errors[rows, labels] -= 1
        errors *= balance[:, None]
        uneven = weights - weights.mean()
        value = -(balance * logs[rows, labels]).mean() + _SHRINKAGE * np.square(uneven).sum()
        slope = np.einsum('nc,mnc->m', errors, answers) / len(labels)
        return float(value), slope + 2 * _SHRINKAGE * uneven

    start = np.full(len(answers), 1.0)
    bounds = [(0.0, 100.0)] * len(answers)
    found: NDArray[np.float64] = minimize(loss, start, jac=True, bounds=bounds).x
    return found

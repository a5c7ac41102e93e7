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

"""Make probabilities mean what they say, and choose below which one the answer is ``unknown``."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1

_TEMPERATURES: Final = np.geomspace(0.2, 5.0, 161)
_THRESHOLDS: Final = np.linspace(0.0, 0.5, 51)
# What macro-F1 on validation may lose to answers withheld.
_TOLERATED_LOSS: Final = 0.005


@dataclass(frozen=True)
class Calibration:
    """``temperature`` divides the logits, ``unknown_threshold`` is the least p_max to answer."""

    temperature: float
    unknown_threshold: float


def calibrate(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Calibration:
    """Choose both on validation windows: logits (N, classes), class indices (N,).

    The temperature is the one of least negative log-likelihood (Guo et al., ICML 2017). The
    threshold is the largest, up to 0.5, that lowers the windows' macro-F1 by no more than half a
    point when an ``unknown`` counts as wrong; above 0.5 a majority would be overruled.
    """
    losses = [_loss(logits, labels, each) for each in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(losses))])
    chances = softmax(logits / temperature, axis=1)
    decided, best = chances.argmax(axis=1), chances.max(axis=1)
    classes = np.unique(labels).tolist()

    def score(threshold: float) -> float:
        answers = np.where(best >= threshold, decided, -1)
        return float(macro_f1(count_by_class(labels.tolist(), answers.tolist(), classes)))

    least = score(0.0) - _TOLERATED_LOSS
    unhurt = [t for t in _THRESHOLDS if score(t) >= least]
    return Calibration(round(temperature, 4), round(float(unhurt[-1]), 2))


def calibrated_loss(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Give the mean negative log-likelihood of windows at the temperature that suits them best.

    It compares models that are sure of themselves in different measure. Logits (N, classes),
    class indices (N,).
    """
    first, last = 0, len(_TEMPERATURES) - 1
    # It is convex in 1 / temperature: where it no longer falls is the least.
    while first < last:
        middle = (first + last) // 2
        here, next_one = (_loss(logits, labels, t) for t in _TEMPERATURES[middle : middle + 2])
        first, last = (first, middle) if here <= next_one else (middle + 1, last)
    return _loss(logits, labels, _TEMPERATURES[first])


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> float:
    rows = np.arange(len(labels))
    return float(-log_softmax(logits / temperature, axis=1)[rows, labels].mean())

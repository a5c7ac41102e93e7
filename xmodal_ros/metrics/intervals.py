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

"""How far scalars over few recordings may be off: a bootstrap over the people in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.metrics.measures import Interval, Unit
from xmodal_ros.metrics.statistics import difference_of, RESAMPLES
from xmodal_ros.metrics.tally import point, scalars, Tally

# All other scalars are at most one, none is below zero.
_MOST: Final = {'detection_delay_s': math.inf, 'brier': 2.0}
# Differences that come from the order of additions alone.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Resampling:
    """Weights (resamples, recordings), and how many of what was drawn."""

    weights: NDArray[np.float64]
    over: Unit
    units: int


def draw(subjects: Sequence[str], seed: int = 0) -> Resampling | None:
    """Draw subjects with replacement, and for each one drawn that subject's recordings.

    ``subjects`` names each recording's. With one subject its recordings alone are drawn; with one
    recording nothing can be said, and None is given.
    """
    names = list(dict.fromkeys(subjects))
    if len(subjects) < 2:
        return None
    rng = np.random.default_rng(seed)
    weights = np.zeros((RESAMPLES, len(subjects)))
    if len(names) == 1:
        copies = np.ones((RESAMPLES, 1), dtype=np.int64)
    else:
        copies = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    for column, name in enumerate(names):
        mine = [index for index, subject in enumerate(subjects) if subject == name]
        # A subject drawn k times gives k draws of all its recordings: one multinomial.
        weights[:, mine] = rng.multinomial(
            copies[:, column] * len(mine), np.full(len(mine), 1 / len(mine))
        )
    if len(names) == 1:
        return Resampling(weights, 'recordings', len(subjects))
    return Resampling(weights, 'subjects', len(names))


def intervals(tally: Tally, resampling: Resampling | None) -> Mapping[str, Interval]:
    """Give the interval of every scalar over all recordings, by the bootstrap's spread.

    As wide as :func:`~xmodal_ros.metrics.statistics.difference_of` has it for few subjects, and
    within what the scalar can be. Resamples in which a scalar has no value, for want of a single
    segment say, are left out; one in which all agree has no interval, for they tell nothing of
    the error.
    """
    if resampling is None:
        return {}
    values = point(tally)
    found: dict[str, Interval] = {}
    for name, drawn in scalars(tally.weighted(resampling.weights)).items():
        value, known = values[name], drawn[~np.isnan(drawn)]
        if value is None or len(known) <= RESAMPLES // 2 or np.ptp(known) < _NOTHING:
            continue
        spread = difference_of(value, known, resampling.units)
        if spread.low is not None and spread.high is not None:
            most = _MOST.get(name, 1.0)
            low, high = max(spread.low, 0.0), min(spread.high, most)
            found[name] = Interval(low, high, resampling.over, resampling.units, most)
    return found

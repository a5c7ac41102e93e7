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

"""Scores of repeated runs, and whether a difference between two rows is more than chance.

Subjects and seeds are both a sample: other people and other seeds would give other figures. The
hierarchical bootstrap draws subjects, and seeds, with replacement, the same for both rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from xmodal_ros.metrics.macro_f1 import macro_f1

RESAMPLES: Final = 2000
_LEVEL: Final = 0.95
# Differences that come from the order of additions alone.
_NOTHING: Final = 1e-12


@dataclass(frozen=True)
class Difference:
    """By how much a row is above the other, with its 95 % interval and two-sided p.

    Where only one subject was tested, or all resamples agree on a difference, nothing is known
    of its error: ``low``, ``high`` and ``p`` are None.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None


def mean_score(counts: NDArray[np.float64]) -> float:
    """Give the mean over seeds of macro-F1 over all subjects, of (seeds, subjects, classes, 3)."""
    return float(macro_f1(counts.sum(axis=1)).mean())


def paired_difference(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Compare two rows by their class counts (seeds, subjects, classes, 3), in the same order.

    Of one seed it is not known what another would give: then interval and p are of subjects alone.
    """
    seeds, subjects = ours.shape[:2]
    mean = mean_score(ours) - mean_score(theirs)
    if subjects < 2:
        return Difference(mean, None, None, None)
    generator = np.random.default_rng(seed)
    subject_weights = generator.multinomial(subjects, np.full(subjects, 1 / subjects), resamples)
    seed_weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    drawn, of_seeds = np.zeros(resamples), np.zeros(seeds)
    for number in range(seeds):
        per_seed = [
            macro_f1(np.tensordot(subject_weights, counts[number], axes=1))
            for counts in (ours, theirs)
        ]
        drawn += seed_weights[:, number] * (per_seed[0] - per_seed[1])
        whole = (macro_f1(counts[number].sum(axis=0)) for counts in (ours, theirs))
        of_seeds[number] = np.subtract(*whole)
    return difference_of(mean, drawn, subjects, of_seeds)


def score_interval(counts: NDArray[np.float64]) -> tuple[float, float] | None:
    """Give the 95 % interval of a row's score, within what that can be; None where not known."""
    # Its difference to nothing at all.
    score = paired_difference(counts, np.zeros_like(counts))
    if score.low is None or score.high is None:
        return None
    return max(score.low, 0.0), min(score.high, 1.0)


def difference_of(
    mean: float,
    drawn: NDArray[np.float64],
    units: int,
    of_seeds: NDArray[np.float64] | None = None,
) -> Difference:
    """Judge a difference by its bootstrap over ``units`` subjects, two at least.

    The interval is ``d ± t s √(n / (n − 1))`` for n subjects, where s is the standard deviation of
    the bootstrap's differences ``drawn`` (resamples) and t Student's with n − 1 degrees of
    freedom: a bootstrap of few subjects is too narrow otherwise (Hesterberg, The American
    Statistician, 2015). Where seeds were drawn, too, ``of_seeds`` (S,) are their differences:
    their part is S / (S − 1) of what the bootstrap gives it in the same way, and the degrees of
    freedom are those of the sum (Satterthwaite, 1946). p is that of the same t.
    """
    subjects, seeds = float(drawn.var(ddof=1)), 0.0
    freedom: float = units - 1
    if of_seeds is not None and len(of_seeds) > 1:
        subjects = max(subjects - float(of_seeds.var()) / len(of_seeds), 0.0)
        seeds = float(of_seeds.var(ddof=1)) / len(of_seeds)
    subjects *= units / (units - 1)
    error = (subjects + seeds) ** 0.5
    if error < _NOTHING:
        same = abs(mean) < _NOTHING
        return Difference(0.0, 0.0, 0.0, 1.0) if same else Difference(mean, None, None, None)
    if of_seeds is not None and len(of_seeds) > 1:
        parts = subjects**2 / (units - 1) + seeds**2 / (len(of_seeds) - 1)
        freedom = (subjects + seeds) ** 2 / parts
    reach = float(stdtrit(freedom, 0.5 + _LEVEL / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(mean) / error))
    return Difference(mean, mean - reach, mean + reach, p)


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Correct p values for being many, by Holm's step-down procedure (1979)."""
    corrected: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(values, key=lambda name: values[name])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[name]))
        corrected[name] = largest
    return corrected

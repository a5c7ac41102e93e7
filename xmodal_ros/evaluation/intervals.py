"""How far scalars over few recordings may be off: a bootstrap over the people in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from xmodal_ros.evaluation.measures import Interval, Unit
from xmodal_ros.evaluation.tally import scalars, Tally

RESAMPLES: Final = 2000
_LEVEL: Final = 0.95


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
    """Give the expanded percentile interval of every scalar (Hesterberg, Am. Stat., 2015, § 4.5).

    Percentiles of few units are too narrow; they are taken further out, as far as Student's t of
    n - 1 degrees of freedom and n / (n - 1) say. Resamples in which a scalar has no value, for
    want of a single segment say, are left out; one without any variation to go by has no interval.
    """
    if resampling is None:
        return {}
    units = resampling.units
    tail = float(student.ppf((1 - _LEVEL) / 2, units - 1)) * (units / (units - 1)) ** 0.5
    share = float(norm.cdf(tail))
    found: dict[str, Interval] = {}
    for name, drawn in scalars(tally.weighted(resampling.weights)).items():
        known = drawn[~np.isnan(drawn)]
        if len(known) > RESAMPLES // 2:
            low, high = np.quantile(known, [share, 1 - share])
            found[name] = Interval(float(low), float(high), resampling.over, units)
    return found

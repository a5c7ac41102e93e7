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

"""Whether one bundle is better than another, by what both say of the same recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from xmodal_ros.evaluation.scoring import BagEvaluation, decided, Evaluation
from xmodal_ros.evaluation.trial import Comparison, PairedDifference
from xmodal_ros.metrics.intervals import draw, Resampling
from xmodal_ros.metrics.statistics import Difference, difference_of, holm
from xmodal_ros.metrics.tally import point, scalars, Tally

# Few, for each makes the correction harder on all others.
COMPARED: Final = ('macro_f1', 'macro_f1_window', 'segmental_f1_50', 'ece')


def compare_bundles(evaluations: Sequence[Evaluation]) -> Comparison | None:
    """Compare every pair of bundles over the labelled recordings that all have decided on.

    Subjects, and recordings within them, are drawn with replacement, the same for both; Holm's
    correction is over all pairs and metrics. None with fewer than two bundles, or without such a
    recording.
    """
    labelled = [_labelled(each) for each in evaluations]
    shared = [path for path in labelled[0] if all(path in bags for bags in labelled)]
    if len(evaluations) < 2 or not shared:
        return None
    subjects = [labelled[0][path].subject for path in shared]
    resampling = draw(subjects)
    tallies = {
        each.name: Tally.of([decided(each.info, bags[path]) for path in shared])
        for each, bags in zip(evaluations, labelled, strict=True)
    }
    differences = [
        _difference(ours, theirs, metric, tallies, resampling)
        for ours, theirs in combinations(tallies, 2)
        for metric in COMPARED
    ]
    return Comparison(
        over=resampling.over if resampling else 'recordings',
        units=resampling.units if resampling else len(shared),
        recordings=len(shared),
        differences=tuple(_corrected([each for each in differences if each is not None])),
    )


def _labelled(evaluation: Evaluation) -> dict[Path, BagEvaluation]:
    return {bag.path: bag for bag in evaluation.bags if any(each >= 0 for each in bag.truth)}


def _difference(
    ours: str,
    theirs: str,
    metric: str,
    tallies: Mapping[str, Tally],
    resampling: Resampling | None,
) -> PairedDifference | None:
    values = [point(tallies[name])[metric] for name in (ours, theirs)]
    if values[0] is None or values[1] is None:
        return None
    found = Difference(values[0] - values[1], None, None, None)
    if resampling is not None:
        drawn = [
            scalars(tallies[name].weighted(resampling.weights))[metric] for name in (ours, theirs)
        ]
        both = drawn[0] - drawn[1]
        both = both[~np.isnan(both)]
        if len(both) > len(drawn[0]) // 2:
            found = _possible(difference_of(found.mean, both, resampling.units))
    return PairedDifference(
        ours, theirs, metric, found.mean, found.low, found.high, found.p, p_holm=None
    )


def _possible(difference: Difference) -> Difference:
    """Cut the interval at what a difference of two figures between 0 and 1 can be."""
    low, high = difference.low, difference.high
    return replace(
        difference,
        low=None if low is None else max(low, -1.0),
        high=None if high is None else min(high, 1.0),
    )


def _corrected(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    values = {str(index): each.p for index, each in enumerate(differences) if each.p is not None}
    corrected = holm(values)
    return [
        replace(each, p_holm=corrected.get(str(index))) for index, each in enumerate(differences)
    ]

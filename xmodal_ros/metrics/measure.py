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

"""Measure decisions over recordings: scalars, their intervals, and what they are made of."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from xmodal_ros.metrics.intervals import draw, intervals
from xmodal_ros.metrics.measures import Detection, Interval, Measures, ReliabilityBin
from xmodal_ros.metrics.tally import BINS, Decided, delays_s, point, Tally

_NEEDS_NO_TRUTH: Final = 'unknown_rate'


def measure(recordings: Sequence[Decided], subjects: Sequence[str]) -> Measures:
    """Measure the recordings together; ``subjects`` names the person of each."""
    tally = Tally.of(recordings)
    delays = [delays_s(recording) for recording in recordings]
    # A recording without truth says nothing of how people differ. Segments too short to fill half
    # a window are truth as well: whether they were detected counts.
    scored = [
        index
        for index, recording in enumerate(recordings)
        if delays[index] or any(segment >= 0 for segment in recording.truth)
    ]
    found = dict(_intervals(tally, subjects, scored))
    if len(scored) < len(recordings):
        # That of all windows, which needs no truth.
        everywhere = _intervals(tally, subjects, range(len(recordings)))
        found.pop(_NEEDS_NO_TRUTH, None)
        found |= {name: each for name, each in everywhere.items() if name == _NEEDS_NO_TRUTH}
    return Measures(
        scalars=point(tally),
        intervals=found,
        detections=tuple(
            Detection(number, index, recording.segments[index].label, delay)
            for number, recording in enumerate(recordings)
            for index, delay in delays[number].items()
        ),
        reliability=_reliability(tally),
    )


def _intervals(
    tally: Tally, subjects: Sequence[str], recordings: Sequence[int]
) -> Mapping[str, Interval]:
    return intervals(tally.take(recordings), draw([subjects[index] for index in recordings]))


def _reliability(tally: Tally) -> tuple[ReliabilityBin, ...]:
    bins = tally.weighted(np.ones(len(tally.bins))).bins.tolist()
    return tuple(
        ReliabilityBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            count=int(count),
            confidence=confidence / count if count else None,
            accuracy=right / count if count else None,
        )
        for index, (count, confidence, right) in enumerate(bins)
    )

"""Measure decisions over recordings: scalars, their intervals, and what they are made of."""

from collections.abc import Sequence

import numpy as np

from xmodal_ros.evaluation.intervals import draw, intervals
from xmodal_ros.evaluation.measures import Detection, Measures, ReliabilityBin
from xmodal_ros.evaluation.tally import BINS, Decided, delays_s, point, Tally


def measure(recordings: Sequence[Decided], subjects: Sequence[str]) -> Measures:
    """Measure the recordings together; ``subjects`` names the person of each."""
    tally = Tally.of(recordings)
    # A recording without truth says nothing of how people differ.
    scored = [
        index
        for index, recording in enumerate(recordings)
        if any(segment >= 0 for segment in recording.truth)
    ]
    resampling = draw([subjects[index] for index in scored])
    values = point(tally)
    return Measures(
        scalars=values,
        intervals=intervals(tally.take(scored), resampling),
        detections=tuple(
            Detection(number, index, recording.segments[index].label, delay)
            for number, recording in enumerate(recordings)
            for index, delay in delays_s(recording).items()
        ),
        reliability=_reliability(tally),
    )


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

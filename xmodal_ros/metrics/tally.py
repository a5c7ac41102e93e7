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

"""Counts of each recording that add up, and every scalar made of their sums.

As all of them are sums over recordings, a bootstrap only weights recordings: the same code gives
a scalar and each of its resamples.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.segment import Segment
from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1
from xmodal_ros.metrics.scores import decide_clips
from xmodal_ros.metrics.segmental import cut_stretches, edit_score, overlap_counts, OVERLAPS

Array = NDArray[np.float64]

BINS: Final = 15
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Decided:
    """One recording's decisions in order of time, beside its truth.

    ``probabilities`` (N, classes) follow ``classes``, all zero where there was too little
    evidence; ``truth`` gives for each decision the index of its segment, -1 for none.
    ``step_ns`` is the usual time between decisions.
    """

    stamps_ns: Sequence[int]
    labels: Sequence[str]
    classes: Sequence[str]
    probabilities: Array
    truth: Sequence[int]
    segments: Sequence[Segment]
    step_ns: int

    @property
    def true_labels(self) -> list[str | None]:
        """The activity that each decision should name, None where none is known."""
        return [None if index < 0 else self.segments[index].label for index in self.truth]


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums; leading axes are recordings, or resamples of them.

    ``clips`` and ``windows`` (activities, 3): right, true, decided. ``runs`` (overlaps, 3): right,
    wrong, missed segments. ``edit`` (2): sum of edit scores, recordings. ``delays`` (3): segments,
    those detected, sum of seconds. ``bins`` (15, 3): windows, sum of confidence, right ones.
    ``brier`` (2): sum, windows. ``said`` (2): ``unknown``, all decisions. ``chosen`` (2): right,
    all of the decisions with truth that are not ``unknown``.
    """

    clips: Array
    windows: Array
    runs: Array
    edit: Array
    delays: Array
    bins: Array
    brier: Array
    said: Array
    chosen: Array

    def weighted(self, weights: Array) -> 'Tally':
        """Sum over recordings with ``weights`` (..., recordings)."""
        return Tally(
            *(np.tensordot(weights, getattr(self, each.name), axes=1) for each in fields(self))
        )

    def take(self, recordings: Sequence[int]) -> 'Tally':
        """Give these recordings alone, in this order."""
        return Tally(*(getattr(self, each.name)[list(recordings)] for each in fields(self)))

    @classmethod
    def of(cls, recordings: Sequence[Decided]) -> Self:
        """Count each recording."""
        true = {label for each in recordings for label in each.true_labels if label is not None}
        rows = [_count(each, sorted(true)) for each in recordings]
        shape = [getattr(_count(_NOTHING, sorted(true)), each.name).shape for each in fields(cls)]
        return cls(
            *(
                np.stack([getattr(row, each.name) for row in rows])
                if rows
                else np.zeros((0, *size))
                for each, size in zip(fields(cls), shape, strict=True)
            )
        )


_NOTHING: Final = Decided((), (), (), np.zeros((0, 0)), (), (), 1)


def scalars(tally: Tally) -> dict[str, Array]:
    """Give every scalar (...) of sums, in the order of display; NaN where nothing was counted.

    ``macro_f1``, ``accuracy`` and ``balanced_accuracy`` are per clip, those that end in
    ``_window`` per window. ``ece`` is the expected calibration error over 15 bins of equal width
    (Guo et al., ICML 2017), ``brier`` Brier's score summed over the classes, in [0, 2].
    """
    clips, windows = _of_classes(tally.clips), _of_classes(tally.windows)
    found: dict[str, Array] = {}
    for name in clips:
        found[name], found[f'{name}_window'] = clips[name], windows[name]
    right, wrong, missed = np.moveaxis(tally.runs, -1, 0)
    known = (right + missed) > 0
    f1 = np.where(known, _ratio(2 * right, 2 * right + wrong + missed), np.nan)
    for index, overlap in enumerate(OVERLAPS):
        found[f'segmental_f1_{overlap:.0%}'.rstrip('%')] = f1[..., index]
    found['edit'] = _ratio(tally.edit[..., 0], tally.edit[..., 1])
    found['detection_rate'] = _ratio(tally.delays[..., 1], tally.delays[..., 0])
    found['detection_delay_s'] = _ratio(tally.delays[..., 2], tally.delays[..., 1])
    count, confidence, hits = np.moveaxis(tally.bins, -1, 0)
    found['ece'] = _ratio(np.abs(hits - confidence).sum(axis=-1), count.sum(axis=-1))
    found['brier'] = _ratio(tally.brier[..., 0], tally.brier[..., 1])
    found['unknown_rate'] = _ratio(tally.said[..., 0], tally.said[..., 1])
    found['selective_accuracy'] = _ratio(tally.chosen[..., 0], tally.chosen[..., 1])
    return found


def _of_classes(counts: Array) -> dict[str, Array]:
    right, true, _ = np.moveaxis(counts, -1, 0)
    shown = true > 0
    recalls = _ratio(right, true, empty=0.0).sum(axis=-1)
    return {
        'macro_f1': np.where(shown.any(axis=-1), macro_f1(counts), np.nan),
        'accuracy': _ratio(right.sum(axis=-1), true.sum(axis=-1)),
        'balanced_accuracy': _ratio(recalls, shown.sum(axis=-1).astype(float)),
    }


def point(tally: Tally) -> Mapping[str, float | None]:
    """Give every scalar over all recordings; None where it cannot be measured."""
    total = tally.weighted(np.ones(len(tally.edit)))
    return {
        name: None if np.isnan(value) else float(value) for name, value in scalars(total).items()
    }


def delays_s(recording: Decided) -> dict[int, float | None]:
    """Give for each segment the seconds from its start to the first decision that names it.

    By stamps; None where none does before the segment ends. Segments during which nothing was
    decided at all are left out.
    """
    # After a jump back of time stamps are not in order.
    order = sorted(zip(recording.stamps_ns, recording.labels, strict=True))
    stamps = [stamp_ns for stamp_ns, _ in order]
    found: dict[int, float | None] = {}
    for index, segment in enumerate(recording.segments):
        during = order[
            bisect_right(stamps, segment.start_ns) : bisect_right(stamps, segment.end_ns)
        ]
        if during:
            named = (stamp_ns for stamp_ns, label in during if label == segment.label)
            first_ns = next(named, None)
            found[index] = None if first_ns is None else (first_ns - segment.start_ns) / _SECOND_NS
    return found


def _count(recording: Decided, activities: Sequence[str]) -> Tally:
    true_labels = recording.true_labels
    rows = [row for row, label in enumerate(true_labels) if label is not None]
    truth = [label for label in true_labels if label is not None]
    decided = [recording.labels[row] for row in rows]
    chances = recording.probabilities[rows]
    clips = decide_clips(recording.classes, chances, truth, [recording.truth[row] for row in rows])
    stretches = cut_stretches(
        recording.stamps_ns, true_labels, recording.labels, recording.step_ns
    )
    edit = edit_score(stretches)
    delays = delays_s(recording)
    detected = [delay for delay in delays.values() if delay is not None]
    firm = [(mine, true) for mine, true in zip(decided, truth, strict=True) if mine != UNKNOWN]
    return Tally(
        clips=count_by_class(*clips, activities),
        windows=count_by_class(truth, decided, activities),
        runs=overlap_counts(stretches),
        edit=np.array([edit or 0.0, edit is not None], dtype=float),
        delays=np.array([len(delays), len(detected), sum(detected)]),
        bins=_bins(recording.classes, chances, truth),
        brier=_brier(recording.classes, chances, truth),
        said=np.array(
            [sum(label == UNKNOWN for label in recording.labels), len(true_labels)], float
        ),
        chosen=np.array([sum(mine == true for mine, true in firm), len(firm)], dtype=float),
    )


def _bins(classes: Sequence[str], chances: Array, truth: Sequence[str]) -> Array:
    counts = np.zeros((BINS, 3))
    for row, true in zip(chances, truth, strict=True):
        if row.any():
            best = int(row.argmax())
            confidence = float(row[best])
            # Bins are open below and closed above, as in the paper.
            place = min(max(int(np.ceil(confidence * BINS)) - 1, 0), BINS - 1)
            counts[place] += 1, confidence, classes[best] == true
    return counts


def _brier(classes: Sequence[str], chances: Array, truth: Sequence[str]) -> Array:
    total, count = 0.0, 0
    for row, true in zip(chances, truth, strict=True):
        if row.any():
            # An activity that the model does not know had probability 0.
            hit = row[classes.index(true)] if true in classes else 0.0
            total += float(np.square(row).sum() - 2 * hit + 1)
            count += 1
    return np.array([total, count], dtype=float)


def _ratio(above: Array, below: Array, empty: float = np.nan) -> Array:
    quotient: Array = np.divide(above, below, out=np.full(below.shape, empty), where=below > 0)
    return quotient


SCALARS: Final = tuple(scalars(Tally.of([]).weighted(np.zeros(0))))
"""The names of all scalars, in the order of display."""

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

"""Scores of a sequence of decisions as segments (Lea et al., CVPR 2017).

A stretch is a run of consecutive windows with known truth; its segments are runs of equal labels
in it, counted in windows. ``unknown`` stands for no segment: it is missed, never wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN

OVERLAPS: Final = (0.10, 0.25, 0.50)


@dataclass(frozen=True)
class LabelRun:
    """The windows ``[first, last)`` of one label."""

    first: int
    last: int
    label: str


@dataclass(frozen=True)
class Stretch:
    """The true and the decided label of consecutive windows."""

    truth: tuple[str, ...]
    decided: tuple[str, ...]


def cut_stretches(
    stamps_ns: Sequence[int], truth: Sequence[str | None], decided: Sequence[str], step_ns: int
) -> list[Stretch]:
    """Cut decisions in order of time where the truth is None or more than ``step_ns`` is missing.

    All three have the same length; windows without truth are in no stretch.
    """
    stretches: list[Stretch] = []
    group: list[tuple[str, str]] = []

    def close() -> None:
        if group:
            true, mine = zip(*group, strict=True)
            stretches.append(Stretch(true, mine))
            group.clear()

    before_ns: int | None = None
    for stamp_ns, label, decision in zip(stamps_ns, truth, decided, strict=True):
        if before_ns is not None and not 0 < stamp_ns - before_ns <= step_ns:
            close()
        before_ns = stamp_ns
        if label is None:
            close()
        else:
            group.append((label, decision))
    close()
    return stretches


def runs_of(labels: Sequence[str]) -> list[LabelRun]:
    """Join equal neighbours; ``unknown`` gives no run."""
    runs: list[LabelRun] = []
    first = 0
    for index in range(1, len(labels) + 1):
        if index == len(labels) or labels[index] != labels[first]:
            if labels[first] != UNKNOWN:
                runs.append(LabelRun(first, index, labels[first]))
            first = index
    return runs


def overlap_counts(stretches: Sequence[Stretch]) -> NDArray[np.float64]:
    """Count decided segments that are right, wrong, and true ones that are missed: (3, 3).

    A row for each of :data:`OVERLAPS`. A decided segment is right when its intersection over
    union with a true one of its label, the best of them, reaches the overlap and none before has
    taken that.
    """
    counts = np.zeros((len(OVERLAPS), 3))
    for stretch in stretches:
        true, mine = runs_of(stretch.truth), runs_of(stretch.decided)
        matches = [_best_match(run, true) for run in mine]
        for row, overlap in enumerate(OVERLAPS):
            taken: set[int] = set()
            for best, share in matches:
                if share >= overlap:
                    taken.add(best)
            counts[row] += len(taken), len(mine) - len(taken), len(true) - len(taken)
    return counts


def _best_match(run: LabelRun, candidates: Sequence[LabelRun]) -> tuple[int, float]:
    best, largest = -1, 0.0
    for index, other in enumerate(candidates):
        if other.label != run.label:
            continue
        shared = min(run.last, other.last) - max(run.first, other.first)
        union = max(run.last, other.last) - min(run.first, other.first)
        if shared > 0 and shared / union > largest:
            best, largest = index, shared / union
    return best, largest


def edit_score(stretches: Sequence[Stretch]) -> float | None:
    """Give one minus the edit distance of the sequences of segments over the longer's length.

    In [0, 1]; how long the segments are does not matter, whether their order is right does. None
    without truth.
    """
    true = [run.label for stretch in stretches for run in runs_of(stretch.truth)]
    mine = [run.label for stretch in stretches for run in runs_of(stretch.decided)]
    if not true:
        return None
    return 1 - _edit_distance(true, mine) / max(len(true), len(mine))


def _edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Give Levenshtein's distance, a row at a time."""
    names = {name: code for code, name in enumerate(dict.fromkeys([*one, *other]))}
    columns = np.array([names[name] for name in other], dtype=np.int64)
    steps = np.arange(len(other) + 1)
    row = steps
    for count, name in enumerate(one, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (columns != names[name]))
        # Insertions run along the row: each cell is the least of those before it plus its way.
        row = np.minimum.accumulate(np.concatenate([[count], best]) - steps) + steps
    return int(row[-1])

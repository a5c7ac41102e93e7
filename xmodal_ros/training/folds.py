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

"""Parts of what there is to learn from, each held out once to judge by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.data.dataset import DatasetSplit, join_windows, WindowsDataset
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.methods.verdict import Unit
from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Sets that some are held out of, and the target's labelled windows of those to judge by.

    ``owners`` (N,) names the unit of each window that is judged.
    """

    sets: Mapping[str, DatasetSplit]
    judged: WindowsDataset
    owners: NDArray[np.str_]

    def scores(self, predicted: NDArray[np.int64]) -> dict[str, float]:
        """Give each unit's macro-F1 over the activities that it shows."""
        found = {}
        for unit in np.unique(self.owners):
            own = self.owners == unit
            truth = self.judged.labels[own]
            shown = np.unique(truth).tolist()
            counts = count_by_class(truth.tolist(), predicted[own].tolist(), shown)
            found[str(unit)] = float(macro_f1(counts))
        return found


def make_folds(
    sets: Mapping[str, DatasetSplit],
    target: str,
    people: Sequence[str],
    lengths_ns: Mapping[str, int],
    count: int,
    seed: int,
) -> tuple[Unit, list[HeldOut]]:
    """Hold each unit out once, of at most ``count`` folds: people where there are two, or else
    recordings, or else parts of a recording.

    ``people`` names whom a recording shows, by its number. Nothing of who is held out trains or
    validates, of no sensor. Judged are all his labelled windows, of activities that the others
    show too. A fold in which nothing can be learnt or judged is left out.
    """
    ours = sets[target]
    labelled = ours.training.recordings[ours.training.labelled]
    shown = np.unique(np.concatenate([labelled, ours.validation.recordings]))
    named = {int(n): people[n] if n < len(people) else str(n) for n in shown}
    learnt_from = {named[int(number)] for number in labelled}
    folds: Sequence[HeldOut | None]
    unit: Unit = 'people'
    # Of who is held out recordings without a label, or without the target, are too.
    owner = dict(enumerate(people)) | named
    if len(learnt_from) < 2 and len(np.unique(labelled)) > 1:
        unit, owner = 'recordings', {number: str(number) for number in owner}
    if len({owner[int(number)] for number in labelled}) > 1:
        # Who only validates, by name, is met by none and teaches nobody.
        units = sorted({owner[int(number)] for number in labelled})
        order = np.random.default_rng(seed).permutation(len(units))
        groups = [{units[i] for i in order[fold::count]} for fold in range(min(count, len(units)))]
        folds = [_without(sets, target, owner, group) for group in groups]
    else:
        unit = 'parts of a recording'
        folds = [
            _without_parts(sets, target, lengths_ns, number, count) for number in range(count)
        ]
    return unit, [fold for fold in folds if fold is not None]


def _without(
    sets: Mapping[str, DatasetSplit],
    target: str,
    owner: Mapping[int, str],
    group: set[str],
) -> HeldOut | None:
    """Hold out all that is recorded of a group."""
    out = np.array([number for number, name in owner.items() if name in group], dtype=np.int64)
    kept = {
        name: _kept(each, *(~np.isin(part.recordings, out) for part in _parts(each)))
        for name, each in sets.items()
    }
    judged = [
        part.only(np.isin(part.recordings, out) & (part.labels != NO_LABEL))
        for part in _parts(sets[target])
    ]
    held = join_windows(judged)
    return _fold(kept, target, held, np.array([owner[int(n)] for n in held.recordings], np.str_))


def _without_parts(
    sets: Mapping[str, DatasetSplit],
    target: str,
    lengths_ns: Mapping[str, int],
    number: int,
    count: int,
) -> HeldOut | None:
    """Hold out every n-th stretch of each activity, and windows that reach into one."""
    ours = sets[target].learnt(with_validation=True)
    numbers = stretches(ours)
    of_label = {label: np.unique(numbers[ours.labels == label]) for label in set(ours.labels)}
    held = [s for label, own in of_label.items() if label != NO_LABEL for s in own[number::count]]
    judged = ours.only(np.isin(numbers, held))
    kept = {}
    for name, each in sets.items():
        reach = max(lengths_ns[name], lengths_ns[target])
        kept[name] = _kept(each, *(~_near(part, judged, reach) for part in _parts(each)))
    return _fold(kept, target, judged, np.full(len(judged), f'part {number + 1}', np.str_))


def _fold(
    sets: Mapping[str, DatasetSplit],
    target: str,
    held: WindowsDataset,
    owners: NDArray[np.str_],
) -> HeldOut | None:
    learnt = sets[target].training
    known = np.unique(learnt.labels[learnt.labelled])
    judged = np.isin(held.labels, known)
    few = any(
        len(np.unique(each.training.labels[each.training.labelled])) < 2 for each in sets.values()
    )
    if few or not judged.any():
        return None
    # Without a window to validate on, the labelled ones that train have to do.
    filled = {
        name: each
        if len(each.validation)
        else replace(each, validation=each.training.only(each.training.labels != NO_LABEL))
        for name, each in sets.items()
    }
    return HeldOut(filled, held.only(judged), owners[judged])


def _parts(each: DatasetSplit) -> tuple[WindowsDataset, WindowsDataset]:
    return each.training, each.validation


def _kept(
    each: DatasetSplit, training: NDArray[np.bool_], validation: NDArray[np.bool_]
) -> DatasetSplit:
    return replace(
        each,
        training=each.training.only(training),
        validation=each.validation.only(validation),
    )


def stretches(windows: WindowsDataset, pause_ns: int | None = None) -> NDArray[np.int64]:
    """Number the stretches (N,) of one recording in which one activity goes on, over all.

    Windows that end more than ``pause_ns`` apart are of two.
    """
    order = np.lexsort((windows.ends_ns, windows.recordings))
    labels, recordings = windows.labels[order], windows.recordings[order]
    new = (np.diff(labels) != 0) | (np.diff(recordings) != 0)
    if pause_ns is not None:
        new |= np.diff(windows.ends_ns[order]) > pause_ns
    numbers = np.zeros(len(windows), dtype=np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(new)])
    return numbers


def _near(part: WindowsDataset, judged: WindowsDataset, reach_ns: int) -> NDArray[np.bool_]:
    """Say which windows end within so long of one that is judged, in its recording."""
    near = np.zeros(len(part), dtype=bool)
    for number in np.unique(judged.recordings):
        ends = np.sort(judged.ends_ns[judged.recordings == number])
        own = np.flatnonzero(part.recordings == number)
        at = np.searchsorted(ends, part.ends_ns[own])
        before, after = ends[np.maximum(at - 1, 0)], ends[np.minimum(at, len(ends) - 1)]
        distance = np.minimum(
            np.abs(part.ends_ns[own] - before), np.abs(part.ends_ns[own] - after)
        )
        near[own] = distance < reach_ns
    return near

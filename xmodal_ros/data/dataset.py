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

"""The windows a classifier learns from, paired across sensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.data.window_array import choose, join, WindowArray
from xmodal_ros.methods.source import NO_LABEL


@dataclass(frozen=True, eq=False)
class WindowsDataset:
    """Windows of one sensor over several recordings.

    ``values`` (N, steps, ...) are raw windows, gathered where they are indexed if they lie in a
    cache; ``labels`` (N,) are class indices, or NO_LABEL where nobody says what a window shows;
    ``recordings`` (N,) and ``ends_ns`` (N,) say where each comes from.
    """

    values: WindowArray
    labels: NDArray[np.int64]
    recordings: NDArray[np.int64]
    ends_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> NDArray[np.int64]:
        """The rows (L,) of those windows that have a label."""
        return np.flatnonzero(self.labels != NO_LABEL)

    @property
    def unlabelled(self) -> NDArray[np.int64]:
        """The rows of the others."""
        return np.flatnonzero(self.labels == NO_LABEL)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Give those windows that are ``chosen`` (N,)."""
        rows = np.flatnonzero(chosen)
        return replace(
            self,
            values=choose(self.values, rows),
            labels=self.labels[rows],
            recordings=self.recordings[rows],
            ends_ns=self.ends_ns[rows],
        )


def join_windows(parts: Sequence[WindowsDataset]) -> WindowsDataset:
    """Put windows of one sensor after each other."""
    return WindowsDataset(
        join([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.recordings for part in parts]),
        np.concatenate([part.ends_ns for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class DatasetSplit:
    """One sensor's examples to learn from and to validate on, and why others are in neither."""

    training: WindowsDataset
    validation: WindowsDataset
    left_out: Mapping[str, int]

    def learnt(self, *, with_validation: bool) -> WindowsDataset:
        """Give what is learnt from by those who choose nothing on windows that validate."""
        if not with_validation:
            return self.training
        return join_windows([self.training, self.validation])


def pair_in_time(target: WindowsDataset, source: WindowsDataset) -> NDArray[np.int64]:
    """Give for each target window (N,) the source window that ends at the same stamp, or -1."""
    rows = {
        key: row
        for row, key in enumerate(
            zip(source.recordings.tolist(), source.ends_ns.tolist(), strict=True)
        )
    }
    keys = zip(target.recordings.tolist(), target.ends_ns.tolist(), strict=True)
    return np.array([rows.get(key, -1) for key in keys], dtype=np.int64)


def leave_out_unpaired(sets: Mapping[str, DatasetSplit], target: str) -> dict[str, DatasetSplit]:
    """Keep of training windows without a label those that teach: the target's with a partner.

    A partner is a window of a source, and a source's that of the target, which ends at the same
    stamp. The others would only take their turn in the batches.
    """
    if not any(len(each.training.unlabelled) for each in sets.values()):
        return dict(sets)
    ours = sets[target].training
    paired = {name: np.zeros(len(each.training), dtype=bool) for name, each in sets.items()}
    for name in sets.keys() - {target}:
        partners = pair_in_time(ours, sets[name].training)
        paired[target] |= partners >= 0
        paired[name][partners[partners >= 0]] = True
    return {name: _only(found, paired[name]) for name, found in sets.items()}


def _only(found: DatasetSplit, paired: NDArray[np.bool_]) -> DatasetSplit:
    training = found.training
    keeps = paired | (training.labels != NO_LABEL)
    if keeps.all():
        return found
    return replace(
        found,
        training=training.only(keeps),
        left_out={**found.left_out, 'unpaired': int((~keeps).sum())},
    )

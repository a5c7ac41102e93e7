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

"""Macro-F1 from counts by class: the one place where it is computed.

Counts (..., classes, 3) are how often a class was right, true and decided; they add up over
windows, recordings and people, so that a bootstrap only weighs them.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def count_by_class(
    truth: Sequence[Hashable], decided: Sequence[Hashable], classes: Sequence[Hashable]
) -> Array:
    """Count (classes, 3) of what was true and what was decided; ``truth`` is of the classes."""
    place = {name: index for index, name in enumerate(classes)}
    counts = np.zeros((len(classes), 3))
    for true, mine in zip(truth, decided, strict=True):
        counts[place[true], :2] += mine == true, 1
        if mine in place:
            counts[place[mine], 2] += 1
    return counts


def counts_of_confusion(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], all_labels: Sequence[str]
) -> Array:
    """Sum up a confusion (true, decided) of ``labels`` by class, of all labels."""
    matrix = np.array(confusion, dtype=np.float64)
    counts = np.zeros((len(all_labels), 3))
    rows = [all_labels.index(label) for label in labels]
    counts[rows] = np.stack([matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)], axis=1)
    return counts


def macro_f1(counts: Array) -> Array:
    """Give macro-F1 (...) of counts (..., classes, 3), over the classes that are true at all."""
    right, true, decided = np.moveaxis(counts, -1, 0)
    shown = true > 0
    by_class = np.divide(2 * right, true + decided, out=np.zeros_like(right), where=shown)
    mean: Array = by_class.sum(axis=-1) / np.maximum(1, shown.sum(axis=-1))
    return mean

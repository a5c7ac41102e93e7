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

"""A Random Forest on features, and what it answers for groups that it has not learnt from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
import torch

from xmodal_ros.models.configuration_ensemble import ForestConfig
from xmodal_ros.models.modeling_forest import Forest

_TREES: Final = 100
# Grown before it is told how far it is.
_TREES_A_PART: Final = 10
# Of fewer windows a leaf says nothing of others, and a tree of a bundle is larger than it need be.
_LEAST_WINDOWS: Final = 3
# Each depth is a step of the graph that answers.
_DEEPEST: Final = 12
_PART: Final = 256
# As many as scikit-learn knows; ours are more.
_SEEDS: Final = 2**32


@dataclass(frozen=True, eq=False)
class ForestFit:
    """A ``forest`` of all windows, and scores (N, classes) of those left out."""

    forest: Forest
    held_out: NDArray[np.float64]


def fit_forest(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    folds: Sequence[NDArray[np.int64]],
    classes: int,
    seed: int,
    tell: Callable[[int, str], None] = lambda _fit, _what: None,
) -> ForestFit:
    """Fit standardised features (N, F), and answer for ``folds`` of ``groups`` (N,) left out.

    As many trees grow at a time as torch has threads, ten at most; they are the same for any
    number of them.
    ``tell`` hears which of the fits is at work, those of the folds and then that of all windows,
    and how far it is.
    """
    held_out = np.zeros((len(labels), classes))
    for number, fold in enumerate(folds):
        out = np.isin(groups, fold)
        forest = _fit(features[~out], labels[~out], classes, seed, partial(tell, number))
        with torch.no_grad():
            parts = torch.from_numpy(features[out]).split(_PART)
            held_out[out] = torch.cat([forest(part) for part in parts]).double().numpy()
    whole = _fit(features, labels, classes, seed, partial(tell, len(folds)))
    return ForestFit(whole, held_out)


def _fit(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    seed: int,
    tell: Callable[[str], None],
) -> Forest:
    # Imported where it is wanted: it takes a second.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.utils.class_weight import compute_sample_weight

    learnt = RandomForestClassifier(
        min_samples_leaf=_LEAST_WINDOWS,
        max_depth=_DEEPEST,
        random_state=seed % _SEEDS,
        n_jobs=torch.get_num_threads(),
        warm_start=True,
    )
    weights = compute_sample_weight('balanced', labels)
    for trees in range(0, _TREES, _TREES_A_PART):
        tell(f'{trees} of {_TREES} trees')
        learnt.set_params(n_estimators=trees + _TREES_A_PART).fit(features, labels, weights)
    return as_forest([tree.tree_ for tree in learnt.estimators_], learnt.classes_, classes)


def as_forest(trees: Sequence[Any], known: NDArray[np.int64], classes: int) -> Forest:
    """Order scikit-learn's ``trees``, which know the classes ``known``, by depth."""
    reached = [(tree, 0) for tree in trees]
    depths: list[tuple[int, int]] = []
    features: list[int] = []
    thresholds: list[float] = []
    order: list[int] = []
    chances: list[NDArray[np.float64]] = []
    while reached:
        nodes = [n for n, (tree, node) in enumerate(reached) if tree.children_left[node] >= 0]
        leaves = [n for n, (tree, node) in enumerate(reached) if tree.children_left[node] < 0]
        depths.append((len(nodes), len(leaves)))
        order += nodes + leaves
        for tree, node in (reached[number] for number in nodes):
            features.append(int(tree.feature[node]))
            thresholds.append(float(tree.threshold[node]))
        for tree, node in (reached[number] for number in leaves):
            weights = np.zeros(classes)
            weights[known] = tree.value[node, 0]
            chances.append(weights / weights.sum())
        divided = [reached[number] for number in nodes]
        reached = [
            *((tree, int(tree.children_left[node])) for tree, node in divided),
            *((tree, int(tree.children_right[node])) for tree, node in divided),
        ]
    count = int(trees[0].n_features)
    forest = Forest(ForestConfig(depths=tuple(depths)), count, classes)
    with torch.no_grad():
        forest.features.copy_(torch.tensor(features))
        forest.order.copy_(torch.tensor(order))
        forest.thresholds.copy_(torch.tensor(thresholds))
        forest.chances.copy_(torch.from_numpy(np.array(chances)))
    return forest

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

"""A forest of decision trees as a continuous function."""

from typing import Final

import torch
from torch import nn, Tensor

from xmodal_ros.models.configuration_ensemble import ForestConfig

# How wide the step between a node's two sides is, of standardised features: a rounding error must
# not move a window from one leaf to another.
_EDGE: Final = 0.02
# What is added to the share of trees, for a class that no tree knows of is not impossible.
_LEAST_CHANCE: Final = 0.02


class Forest(nn.Module):
    """Standardised features (B, F) to scores (B, classes), centred logarithms of chances.

    These are the mean of all trees' (Breiman, "Random Forests", Machine Learning 2001), of which
    each node within a small distance of its threshold asks both its sides, by how near it is.
    Nodes are kept by depth, those of all trees together: ``order`` brings those of each to where
    ones that divide come first, and leaves behind; the next depth has first all their lower
    children, then all their upper ones.
    """

    features: Tensor
    order: Tensor

    def __init__(self, config: ForestConfig, count: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.count = count
        nodes, leaves = config.nodes, config.leaves
        self.register_buffer('features', torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer('order', torch.zeros(nodes + leaves, dtype=torch.int64))
        self.thresholds = nn.Parameter(torch.zeros(nodes), requires_grad=False)
        self.chances = nn.Parameter(torch.ones((leaves, classes)) / classes, requires_grad=False)
        # A function that is given the forest: a copy of it checks itself.
        self.register_load_state_dict_post_hook(_check)  # type: ignore[no-untyped-call]

    def forward(self, values: Tensor) -> Tensor:
        """Give the scores."""
        asked = _at(values, self.features)
        above = ((asked - self.thresholds) / _EDGE + 0.5).clamp(0, 1)
        shares = torch.ones_like(values[:, :1]).expand(-1, self.config.trees)
        ended = []
        divided = seen = 0
        for nodes, leaves in self.config.depths:
            ordered = _at(shares, self.order[seen : seen + nodes + leaves])
            ended.append(ordered[:, nodes:])
            reached = ordered[:, :nodes]
            upper = reached * above[:, divided : divided + nodes]
            shares = torch.cat([reached - upper, upper], dim=1)
            divided, seen = divided + nodes, seen + nodes + leaves
        chances = torch.cat(ended, dim=1) @ self.chances
        logs = (chances / self.config.trees + _LEAST_CHANCE).log()
        scores: Tensor = logs - logs.mean(dim=1, keepdim=True)
        return scores


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Give those of values (B, N) at ``places`` (K,), as (B, K).

    Of what is gathered by element onnxruntime takes a tenth of the time that whole columns do.
    """
    return values.gather(1, places.expand(len(values), -1))


def _check(forest: Forest, _keys: object) -> None:
    """Raise RuntimeError for places that are not there: a GPU would be lost by asking."""
    count = forest.count
    if not bool(((forest.features >= 0) & (forest.features < count)).all()):
        raise RuntimeError(f'a forest asks for a feature that is not among {count}')
    sizes = [sum(depth) for depth in forest.config.depths]
    for size, places in zip(sizes, forest.order.cpu().split(sizes), strict=True):
        if not torch.equal(places.sort().values, torch.arange(size)):
            raise RuntimeError(f'a forest does not order its {size} nodes of a depth')

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

"""A Transformer over the tokens of several sensors, any of which may be missing in a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
import math

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.classifier import SelfAttention


@dataclass(frozen=True, eq=False)
class Fused:
    """What it makes of a batch of B windows.

    ``feature`` (B, d) is the mean over time and over the sensors that are present, ``logits``
    (B, classes) the head's. ``attention`` has for each sensor the rows (B, T, T) of its last
    self-attention, heads averaged.
    """

    feature: Tensor
    logits: Tensor
    attention: tuple[Tensor, ...]


class CrossAttention(nn.Module):
    """Multi-head attention of one sensor's tokens to another's, each normalised first."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_other = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.project_query = nn.Linear(dim, dim)
        self.project_key = nn.Linear(dim, dim)
        self.project_value = nn.Linear(dim, dim)
        self.project_out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, other: Tensor) -> Tensor:
        """Give for tokens (B, T, d) what they take from the other's (B, T', d): (B, T, d)."""
        normed = self.norm_other(other)
        query, key, value = (
            projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projected in (
                self.project_query(self.norm(tokens)),
                self.project_key(normed),
                self.project_value(normed),
            )
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        taken: Tensor = self.dropout(self.project_out(attended.transpose(1, 2).flatten(2)))
        return taken


class MultimodalTransformer(nn.Module):
    """Cross-attention for each ordered pair of sensors, then self-attention, mean and head.

    After Chumachenko, Iosifidis, Gabbouj (2023). A sensor's tokens take the mean of what they
    find in the sensors that are present. One that is missing in a window has no influence on
    anything there.
    """

    def __init__(self, sensors: int, dim: int, heads: int, classes: int, dropout: float) -> None:
        super().__init__()
        pairs = permutations(range(sensors), 2)
        self.cross = nn.ModuleDict(
            {f'{m} from {n}': CrossAttention(dim, heads, dropout) for m, n in pairs}
        )
        self.within = nn.ModuleList(SelfAttention(dim, heads, dropout) for _ in range(sensors))
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, classes)

    def forward(self, tokens: Sequence[Tensor], present: Tensor) -> Fused:
        """Fuse tokens (B, T_m, d) of every sensor; ``present`` (B, sensors) says which are there.

        At least one has to be. What stands in the place of missing tokens does not matter.
        """
        there = [present[:, m, None, None] for m in range(len(tokens))]
        tokens = [torch.where(mask, each, 0.0) for mask, each in zip(there, tokens, strict=True)]
        features, attention = [], []
        for m, own in enumerate(tokens):
            others = [n for n in range(len(tokens)) if n != m]
            taken = torch.zeros_like(own)
            for n in others:
                found = self.cross[f'{m} from {n}'](own, tokens[n])
                taken = taken + torch.where(there[n], found, 0.0)
            count = present[:, others].sum(dim=1).clamp_min(1)[:, None, None]
            attended, query, key, _ = self.within[m](own + taken / count)
            features.append(torch.where(present[:, m, None], attended.mean(dim=1), 0.0))
            attention.append(attention_rows(query, key))
        mean = torch.stack(features).sum(dim=0) / present.sum(dim=1, keepdim=True)
        feature = self.norm(mean)
        return Fused(feature, self.head(self.dropout(feature)), tuple(attention))


def attention_rows(query: Tensor, key: Tensor) -> Tensor:
    """Give the rows (B, T, T) of self-attention, heads averaged.

    ``query`` and ``key`` are (B, heads, T, d / heads).
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    rows: Tensor = scores.softmax(dim=-1).mean(dim=1)
    return rows

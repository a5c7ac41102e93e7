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

"""Answers that are not learnt by gradient, and their weighted mean with a net's."""

import math
from typing import cast

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.configuration_ensemble import EnsembleConfig, MemberConfig
from xmodal_ros.models.configuration_features import Features
from xmodal_ros.models.modeling_features import StandardisedFeatures
from xmodal_ros.models.modeling_forest import Forest


def as_series(windows: Tensor, grid: tuple[int, int] | None) -> Tensor:
    """Give windows (B, steps, C) as they are, and of pictures (B, steps, height, width, C) means.

    These are (B, steps, C rows columns), over the cells of a ``grid`` of (rows, columns).
    """
    if grid is None:
        return windows
    pictures = windows.flatten(0, 1).movedim(-1, 1)
    means = functional.adaptive_avg_pool2d(pictures, grid)
    series: Tensor = means.unflatten(0, windows.shape[:2]).flatten(2)
    return series


class Likeness(nn.Module):
    """How like each of some windows a window is: a Gaussian kernel on standardised features.

    With a ridge regression behind it this is kernel ridge regression on a subset of regressors
    (Nyström; Williams and Seeger, NIPS 2000).
    """

    landmarks: Tensor
    rate: Tensor

    def __init__(self, count: int, features: int) -> None:
        super().__init__()
        self.register_buffer('landmarks', torch.zeros((count, features)))
        self.register_buffer('rate', torch.ones(()))

    def prepare(self, values: Tensor, generator: torch.Generator) -> None:
        """Choose landmarks among the features (N, F) of training windows."""
        count = len(self.landmarks)
        rows = torch.randperm(len(values), generator=generator)
        # Where windows are fewer, some stand for two.
        self.landmarks.copy_(values[rows.repeat(-(-count // len(values)))[:count]])
        variance = values.var(dim=0, correction=0).sum()
        self.rate.copy_(1 / variance.clamp_min(1e-6))

    def forward(self, values: Tensor) -> Tensor:
        """Give likenesses (B, landmarks) of features (B, F)."""
        squares = values.square().sum(1, keepdim=True) + self.landmarks.square().sum(1)
        distance = (squares - 2 * values @ self.landmarks.T).clamp_min(0)
        return (-self.rate * distance).exp()


class Member(nn.Module):
    """Preprocessed windows (B, steps, channels) to scores (B, classes)."""

    def __init__(self, config: MemberConfig, channels: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.channels = channels
        self.features = StandardisedFeatures(config.features, channels)
        self.likeness: Likeness | None = None
        count = self.features.count
        if config.landmarks:
            self.likeness = Likeness(config.landmarks, count)
            count = config.landmarks
        self.answer: nn.Module
        if config.forest is not None:
            self.answer = Forest(config.forest, count, classes)
            return
        linear = nn.Linear(count, classes).requires_grad_(requires_grad=False)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        self.answer = linear

    def prepare(self, windows: Tensor, generator: torch.Generator) -> Tensor:
        """Look at training windows (N, steps, channels); give what is answered from (N, K)."""
        return self.prepare_features(self.features.prepare(windows, generator), generator)

    def prepare_features(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Do so with the features (N, F) that another member with the same has found."""
        if self.likeness is None:
            return values
        self.likeness.prepare(values, generator)
        return torch.cat([self.likeness(part) for part in values.split(1024)])

    def take(self, answer: nn.Linear | Forest) -> None:
        """Answer by what has been fitted to what :meth:`prepare` gives."""
        self.answer = answer
        if isinstance(answer, Forest):
            self.config = self.config.model_copy(update={'forest': answer.config})

    def forward(self, window: Tensor) -> Tensor:
        """Give the scores."""
        return self.answer_from(self.describe(window))

    def describe(self, window: Tensor) -> Tensor:
        """Give the features (B, F), which members of equal ``config.features`` share."""
        values: Tensor = self.features(window).mean(dim=1)
        return values

    def answer_from(self, values: Tensor) -> Tensor:
        """Give the scores for features (B, F)."""
        scores: Tensor = self.answer(values if self.likeness is None else self.likeness(values))
        return scores


class Ensemble(nn.Module):
    """The weighted sum of a net's logits and of members' scores.

    That is the weighted geometric mean of their probabilities, each at a temperature of its own.
    """

    weights: Tensor

    def __init__(self, config: EnsembleConfig, channels: int, classes: int) -> None:
        super().__init__()
        self.config = config
        if config.grid is not None:
            channels *= math.prod(config.grid)
        self.members = nn.ModuleList(
            Member(member, channels, classes) for member in config.members
        )
        self.register_buffer('weights', torch.ones(len(config.members) + 1))
        # A function that is given the ensemble: a copy of it checks itself.
        self.register_load_state_dict_post_hook(_check)  # type: ignore[no-untyped-call]

    def forward(self, window: Tensor, logits: Tensor) -> Tensor:
        """Give the logits (B, classes) of windows (B, steps, ..., C) a net gives ``logits``."""
        # What is equal for all classes says nothing, and would only make numbers large.
        answers = [logits - logits.mean(dim=1, keepdim=True)] if self.config.net else []
        series = as_series(window, self.config.grid)
        described: dict[Features, Tensor] = {}
        for member in cast('list[Member]', list(self.members)):
            kind = member.config.features
            if kind not in described:
                described[kind] = member.describe(series)
            answers.append(member.answer_from(described[kind]))
        weights = self.weights if self.config.net else self.weights[1:]
        return torch.stack(
            [weight * answer for weight, answer in zip(weights, answers, strict=True)]
        ).sum(dim=0)


def _check(ensemble: Ensemble, _keys: object) -> None:
    """Raise RuntimeError where members of equal features, which share them, have others each."""
    first: dict[Features, Member] = {}
    for member in cast('list[Member]', list(ensemble.members)):
        shared = first.setdefault(member.config.features, member)
        if shared is member:
            continue
        known = shared.features.state_dict()
        for name, value in member.features.state_dict().items():
            if not torch.equal(value, known[name]):
                raise RuntimeError(
                    f"the {member.config.features.kind} of member '{member.config.name}' differ "
                    f'in {name} from those of another, and members share them'
                )

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

"""Fixed features of windows as tokens."""

import torch
from torch import nn, Tensor

from xmodal_ros.models.configuration_fixed import FixedFeaturesConfig, StatisticsConfig
from xmodal_ros.models.modeling_features import StandardisedFeatures


class FixedFeaturesEncoder(nn.Module):
    """Windows (B, steps, channels) to tokens (B, T, d).

    :meth:`prepare` shows it the training windows before it learns.
    """

    def __init__(self, config: FixedFeaturesConfig, channels: int) -> None:
        super().__init__()
        self.features = StandardisedFeatures(config.features, channels)
        self.dropout = nn.Dropout(config.dropout)
        self.project: nn.Module
        if isinstance(config, StatisticsConfig):
            self.project = nn.Sequential(
                nn.Linear(self.features.count, config.width),
                nn.GELU(),
                nn.Linear(config.width, config.dim),
            )
        else:
            self.project = nn.Linear(self.features.count, config.dim)

    def prepare(self, windows: Tensor) -> None:
        """Look at preprocessed training windows (N, steps, channels)."""
        self.features.prepare(windows, torch.Generator().manual_seed(0))

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens."""
        tokens: Tensor = self.project(self.dropout(self.features(window)))
        return tokens

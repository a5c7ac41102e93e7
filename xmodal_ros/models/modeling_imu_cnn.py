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

"""Convolutions over time: windows (B, steps, channels) to tokens (B, T, d)."""

from itertools import pairwise
from typing import Final

from torch import nn, Tensor

from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig

_GROUPS: Final = 8


class ImuCnnEncoder(nn.Module):
    """Four convolutions over time; each token spans eight steps.

    It normalises by group, never by batch, so that a batch of one on a robot gives what training
    gave.
    """

    def __init__(self, config: ImuCnnConfig, channels: int) -> None:
        super().__init__()
        sizes = [channels, config.width, config.width, config.width, config.dim]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(sizes)):
            stride = 2 if index < 3 else 1
            layers += [
                nn.Conv1d(before, after, kernel_size=7, stride=stride, padding=3),
                nn.GroupNorm(_GROUPS, after),
                nn.GELU(),
            ]
            if index:
                # Whole channels: as good against overfitting, and a hundredth of the random
                # numbers, which cost as much as the convolutions on a CPU.
                layers.append(nn.Dropout1d(config.dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of windows (B, steps, channels)."""
        tokens: Tensor = self.layers(window.transpose(1, 2)).transpose(1, 2)
        return tokens

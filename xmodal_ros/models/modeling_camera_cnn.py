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

"""Convolutions over pictures, then over time: windows of frames to tokens (B, T, d)."""

from itertools import pairwise
from typing import Final

from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig

_GROUPS: Final = 8


class CameraCnnEncoder(nn.Module):
    """A picture net over stacks of frames, and two residual convolutions over the stacks.

    It normalises by group and layer, never by batch, so that a batch of one on a robot gives
    what training gave.
    """

    def __init__(self, config: CameraCnnConfig, channels: int) -> None:
        super().__init__()
        self.frames_per_token = config.frames_per_token
        sizes = [
            channels * config.frames_per_token,
            config.width,
            2 * config.width,
            4 * config.width,
        ]
        layers: list[nn.Module] = []
        # Each layer halves height and width; most of the work is where pictures are large.
        for size, (before, after) in zip((5, 3, 3), pairwise(sizes), strict=True):
            layers += [
                nn.Conv2d(before, after, size, stride=2, padding=size // 2),
                nn.GroupNorm(_GROUPS, after),
                nn.ReLU(),
            ]
        # Pool to a coarse grid rather than to a point: where something moves tells what it is.
        self.spatial = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.project = nn.Linear(4 * sizes[-1], config.dim)
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout1d(config.dropout)
        self.temporal = nn.ModuleList(
            nn.Conv1d(config.dim, config.dim, kernel_size=3, padding=1) for _ in range(2)
        )

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of windows (B, steps, height, width, channels)."""
        batch, steps = window.shape[:2]
        # What is left over when the frames do not come out even is the oldest.
        window = window[:, steps % self.frames_per_token :]
        stacks = window.unflatten(1, (-1, self.frames_per_token)).permute(0, 1, 2, 5, 3, 4)
        pooled = self.spatial(stacks.flatten(2, 3).flatten(0, 1))
        projected: Tensor = self.norm(self.project(pooled))
        tokens = projected.reshape(batch, -1, projected.shape[-1]).transpose(1, 2)
        for layer in self.temporal:
            change: Tensor = self.dropout(functional.gelu(layer(tokens)))
            tokens = tokens + change
        return tokens.transpose(1, 2)

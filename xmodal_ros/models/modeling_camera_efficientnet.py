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

"""A pretrained net on each frame, and what its features do: windows to tokens (B, T, d)."""

from typing import Final

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.models.frame_encoder import FrameEncoder
from xmodal_ros.models.modeling_efficientnet_lite import EfficientNetLite, load_pretrained
from xmodal_ros.models.pretrained import read_weights

# Windows that tell how features spread.
_PREPARING: Final = 32


class CameraEfficientNetEncoder(FrameEncoder):
    """EfficientNet-Lite0, fixed, and linear layers on how its features are and change.

    A net that learns frame by frame what to look for in them knows the people it has seen: with
    two of them what is said of a third of a window told others' activities apart far better.

    Frames come standardised over all recordings learnt from, as photographs were over theirs, so
    that they need no scale of their own, be they grey, colour or depth.
    """

    spread: Tensor
    mean: Tensor
    std: Tensor
    preparing: Final = _PREPARING

    def __init__(self, config: CameraEfficientNetConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.net = EfficientNetLite(config.stages, config.backbone_width)
        _fix(self.net)
        self.register_buffer('spread', _spread(channels), persistent=False)
        # Of each feature its mean, its deviation, and how much it changes from frame to frame.
        count = 3 * self.net.channels * config.grid**2
        self.register_buffer('mean', torch.zeros(count))
        self.register_buffer('std', torch.ones(count))
        self.dropout = nn.Dropout(config.dropout)
        self.project = nn.ModuleList(nn.Linear(count, config.width) for _ in range(config.parts))
        self.answer = nn.Linear(config.width, config.dim)

    def prepare(self, windows: Tensor) -> None:
        """Begin with pretrained weights, and measure features of windows (N, T, ...).

        Raises :class:`ConfigurationError` where the weights are not those of the net.
        """
        file = self.config.weights
        if file is None and self.config.pretrained:
            raise ConfigurationError(
                'where the weights are that the encoder begins with is not known: a document does '
                'not say it; choose them again (with_weights)'
            )
        if file is not None:
            try:
                load_pretrained(self.net, read_weights(file))
            except ValueError as error:
                raise ConfigurationError(f'the weights {file} cannot be used: {error}') from error
        features = self.look_in_parts(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        described = torch.cat(self._describe(features))
        self.mean.copy_(described.mean(dim=0))
        # What is as good as constant must not be blown up.
        std = described.std(dim=0, correction=0)
        self.std.copy_(std.clamp_min(0.1 * float(std.mean()) + 1e-6))

    def look(self, frames: Tensor) -> Tensor:
        """Give the features (N, F) of frames (N, height, width, channels)."""
        pictures = (frames @ self.spread).movedim(-1, 1)
        height, width = pictures.shape[-2:]
        scale = self.config.side / max(height, width)
        size = [max(1, round(height * scale)), max(1, round(width * scale))]
        if size != [height, width]:
            pictures = functional.interpolate(pictures, size, mode='bilinear')
        found = functional.adaptive_avg_pool2d(self.net.features(pictures), self.config.grid)
        return found.flatten(1)

    def tokens(self, features: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of features (B, T, F)."""
        tokens = [
            project(self.dropout((part - self.mean) / self.std))
            for project, part in zip(self.project, self._describe(features), strict=True)
        ]
        answer: Tensor = self.answer(torch.stack(tokens, dim=1))
        return answer

    def _describe(self, features: Tensor) -> list[Tensor]:
        """Give for each part of windows (B, T, F) what its features do (B, 3 F)."""
        changes = torch.diff(features, dim=1, prepend=features[:, :1]).abs()
        steps, parts = features.shape[1], self.config.parts
        described = []
        for number in range(parts):
            # Of windows shorter than the parts are many, some show the same frame.
            first = min(number * steps // parts, steps - 1)
            rows = slice(first, max(first + 1, (number + 1) * steps // parts))
            part = features[:, rows]
            std = part.var(dim=1, correction=0).add(1e-12).sqrt()
            described.append(torch.cat([part.mean(1), std, changes[:, rows].mean(1)], dim=-1))
        return described


def _fix(net: nn.Module) -> None:
    """Make buffers of parameters: no optimiser, and no method, ever changes them."""
    for module in net.modules():
        for name, value in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, value.detach())


def _spread(channels: int) -> Tensor:
    """Give (channels, 3): which part of each channel is red, green and blue to the net."""
    spread = torch.zeros((channels, 3))
    for number in range(max(channels, 3)):
        spread[number % channels, number % 3] += 1
    return spread / spread.sum(dim=0)

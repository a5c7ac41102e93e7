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

"""Weights and pictures by a formula, with the names of the published ones."""

import math
import zlib

import torch
from torch import Tensor

from xmodal_ros.models.modeling_efficientnet_lite import published_shapes


def published_weights(width: float = 1.0) -> dict[str, Tensor]:
    """All weights of EfficientNet-Lite0, whose maps neither vanish nor saturate."""
    return {name: _weight(name, shape) for name, shape in published_shapes(width).items()}


def _weight(name: str, shape: torch.Size) -> Tensor:
    count = shape.numel()
    phase = zlib.crc32(name.encode()) % 1000
    # Steps that repeat nowhere: neighbours are as good as independent.
    wave = torch.sin(torch.arange(count, dtype=torch.float64).square() * 0.1 + phase).float()
    if len(shape) > 1:
        return wave.mul(math.sqrt(4 * shape[0] / count)).reshape(shape)
    if name.endswith(('.running_var', '.weight')):
        return 1 + 0.3 * wave
    return 0.3 * wave


def picture(height: int, width: int) -> Tensor:
    """A picture (1, 3, height, width), standardised."""
    rows = torch.linspace(0, 9, height)[:, None]
    columns = torch.linspace(0, 14, width)
    colours = torch.stack([torch.sin(rows * number + columns) for number in (1, 2, 3)])
    return 2**0.5 * colours[None]

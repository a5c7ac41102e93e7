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

"""Changes to an IMU's training windows: wear and vigour differ between people."""

from dataclasses import dataclass
import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from xmodal_ros.modalities.augmentation import normal
from xmodal_ros.non_blocking import to_device


@dataclass(frozen=True)
class ImuAugmentation:
    """Wear and vigour differ between people: turn, scale, warp and shake the signal.

    ``rotation_deg`` is the spread of a random turn of the sensor's frame, ``scale`` that of a
    factor on each triple of channels, ``warp`` that of the tempo, ``noise`` is relative to each
    channel's spread in the window, and with ``drop`` chance one triple (accelerometer or gyro) is
    silenced.
    """

    rotation_deg: float = 15.0
    scale: float = 0.1
    warp: float = 0.1
    noise: float = 0.05
    drop: float = 0.0

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps, 3 k), each in its own way."""
        windows = _warp_time(windows, self.warp, generator)
        batch, steps, channels = windows.shape
        count = channels // 3
        device = windows.device
        turn = to_device(_rotations(batch, self.rotation_deg, generator), device).to(windows)
        windows = torch.bmm(windows.view(batch, steps * count, 3), turn.mT).view(windows.shape)
        shape = (batch, 1, count, 1)
        windows = windows * _each_channel(1 + self.scale * normal(shape, generator, windows))
        kept = to_device(torch.rand(shape, generator=generator), device).to(windows) >= self.drop
        if self.drop and count > 1:
            windows = windows * _each_channel(kept)
        spread = windows.std(dim=1, keepdim=True)
        noise = normal((batch, steps, count, 3), generator, windows).flatten(2)
        return windows + self.noise * spread * noise


def _each_channel(factors: Tensor) -> Tensor:
    """Spread factors (B, 1, k, 1) of triples to (B, 1, 3 k), which take less time to multiply."""
    return factors.expand(-1, -1, -1, 3).flatten(2)


def _rotations(count: int, spread_deg: float, generator: Generator) -> Tensor:
    """Give rotation matrices (count, 3, 3) about random axes (Rodrigues)."""
    axis = functional.normalize(torch.randn((count, 3), generator=generator), dim=1)
    angle = torch.randn((count, 1, 1), generator=generator) * math.radians(spread_deg)
    x, y, z = axis.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    return torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def _warp_time(windows: Tensor, spread: float, generator: Generator) -> Tensor:
    """Play each window a little faster or slower about its centre; ends are held."""
    batch, steps, channels = windows.shape
    factor = torch.exp(spread * torch.randn((batch, 1), generator=generator))
    centre = (steps - 1) / 2
    position = (torch.arange(steps) - centre) * factor + centre
    position = position.clamp(0, steps - 1)
    low = position.floor().clamp(max=steps - 2)
    fraction = to_device(position - low, windows.device).to(windows)[:, :, None]
    rows = to_device((low.long() + steps * torch.arange(batch)[:, None]).flatten(), windows.device)
    samples = windows.reshape(-1, channels)
    before, after = samples[rows].view_as(windows), samples[rows + 1].view_as(windows)
    return after.sub_(before).mul_(fraction).add_(before)

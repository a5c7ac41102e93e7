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

"""Changes to a camera's training windows: light and framing differ."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from xmodal_ros.modalities.augmentation import normal
from xmodal_ros.non_blocking import to_device


@dataclass(frozen=True)
class CameraAugmentation:
    """Light and framing differ: move the picture by a few pixels and change its contrast.

    ``shift`` is the largest move as a share of the height and width; ``contrast`` the spread of
    a factor on the intensities, or on all distances of a depth camera.
    """

    shift: float = 0.08
    contrast: float = 0.15

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps, H, W, C) of any dtype; gives float32."""
        factor = 1 + self.contrast * normal((len(windows), 1, 1, 1, 1), generator, windows)
        windows = windows.to(torch.float32)
        height, width = windows.shape[2:4]
        count, device = len(windows), windows.device
        rows = to_device(_shifted_index(count, height, self.shift, generator), device)
        columns = to_device(_shifted_index(count, width, self.shift, generator), device)
        batch = torch.arange(count, device=device)[:, None, None]
        moved = windows.transpose(1, 2).transpose(2, 3)
        moved = moved[batch, rows[:, :, None], columns[:, None, :]]
        return moved.permute(0, 3, 1, 2, 4) * factor


def _shifted_index(batch: int, size: int, share: float, generator: Generator) -> Tensor:
    """Give for each window which row (or column) to take where, (batch, size), edges held."""
    most = int(share * size)
    move = torch.randint(-most, most + 1, (batch, 1), generator=generator)
    return (torch.arange(size) + move).clamp(0, size - 1)

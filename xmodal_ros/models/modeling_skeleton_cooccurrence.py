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

"""A skeleton's encoder in the manner of HCN (Li et al., IJCAI 2018), from the paper.

It first looks at each joint alone, along its coordinates and time, and then takes the joints as
channels: the convolutions that follow mix all of them from their first layer on, and so find
which joints move together, wherever these are in the body. Positions and speeds go through two
streams of the same form, half-way. It differs from the paper in five things: norms by group (a
batch of one on a robot gives what training gave), strides for pooling, the first of them before
joints are mixed (a third of the time), tokens over time for one vector, half the channels, and
one person.
"""

from typing import Final

from torch import cat, nn, Tensor

from xmodal_ros.models.configuration_skeleton_cooccurrence import SkeletonCooccurrenceConfig

_GROUPS: Final = 8


def _convolve(
    before: int, after: int, size: tuple[int, int], step: tuple[int, int] = (1, 1)
) -> list[nn.Module]:
    pad = (size[0] // 2, size[1] // 2)
    return [
        nn.Conv2d(before, after, size, step, pad),
        nn.GroupNorm(_GROUPS, after),
        nn.GELU(),
    ]


class _Stream(nn.Module):
    """Coordinates (B, 3, steps, joints) to (B, 2 w, steps / 4, w / 4)."""

    def __init__(self, joints: int, width: int, dropout: float) -> None:
        super().__init__()
        self.of_a_joint = nn.Sequential(
            nn.Conv2d(3, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, (3, 1), (2, 1), (1, 0)),
        )
        self.of_all = nn.Sequential(
            *_convolve(joints, width, (3, 3), (1, 2)),
            *_convolve(width, 2 * width, (3, 3), (2, 2)),
            nn.Dropout2d(dropout),
        )

    def forward(self, coordinates: Tensor) -> Tensor:
        """Give what the joints do together."""
        # The joints become channels: (B, w, steps, joints) to (B, joints, steps, w).
        features: Tensor = self.of_all(self.of_a_joint(coordinates).transpose(1, 3))
        return features


class SkeletonCooccurrenceEncoder(nn.Module):
    """Windows (B, steps, 6 joints) to tokens (B, T, d); each token spans eight steps."""

    def __init__(self, config: SkeletonCooccurrenceConfig, channels: int) -> None:
        super().__init__()
        self.joints = channels // 6
        width = config.width
        self.positions = _Stream(self.joints, width, config.dropout)
        self.speeds = _Stream(self.joints, width, config.dropout)
        self.together = nn.Sequential(
            *_convolve(4 * width, 4 * width, (3, 3), (1, 2)),
            nn.Dropout2d(config.dropout),
            *_convolve(4 * width, 8 * width, (3, 3), (2, 1)),
            nn.Dropout2d(config.dropout),
        )
        # What is left of the width, at once.
        self.project = nn.Conv2d(8 * width, config.dim, (1, width // 8))
        self.norm = nn.GroupNorm(_GROUPS, config.dim)

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of windows (B, steps, 6 joints)."""
        # Positions of all joints, then speeds of all joints, each x, y, z.
        positions, speeds = window.unflatten(-1, (2, self.joints, 3)).permute(2, 0, 4, 1, 3)
        features = cat([self.positions(positions), self.speeds(speeds)], dim=1)
        gathered: Tensor = self.project(self.together(features))[:, :, :, 0]
        return nn.functional.gelu(self.norm(gathered)).transpose(1, 2)

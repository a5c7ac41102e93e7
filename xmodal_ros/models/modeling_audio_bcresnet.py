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

"""An audio encoder in the manner of BC-ResNet (Kim et al., Interspeech 2021), from the paper.

Most of its layers see one number for each channel and frame, the mean over frequency, and spread
their answer over all frequencies again: that is what makes it cheap. It differs from the paper in
four things. Norms are by group, never by batch or by sub-band of a batch, so that a batch of one
on a robot gives what training gave. Without a batch's mean taken out, what windows have in common
drowns what tells them apart, unless little is common: hence SiLU for ReLU, activations that are
not applied to the sum of a block, and no biases. The first layer takes every fourth frame, a
later one halves that again: activities are slower than the keywords that the paper is about. And
frames are compressed, lest silence or a bang rule the norms.
"""

from itertools import pairwise
from typing import Final

from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.configuration_audio_bcresnet import AudioBcResNetConfig

# Channels in halves of the width, blocks, steps in frequency and time, reach in time: table 1 of
# the paper, but for the steps in time.
_STAGES: Final = ((2, 2, (1, 1), 1), (3, 2, (2, 1), 2), (4, 4, (2, 2), 4), (5, 4, (1, 1), 8))
_FIRST_STEP: Final = (2, 4)
_NO_STEP: Final = (1, 1)
_GROUPS: Final = 4
_LAST_REACH: Final = 5


class _Block(nn.Module):
    """``y = x + act(f2(x) + f1(mean over frequency of f2(x)))``; no ``x`` where sizes change."""

    def __init__(
        self, before: int, after: int, step: tuple[int, int], reach: int, dropout: float
    ) -> None:
        super().__init__()
        self.keeps_size = before == after and step == _NO_STEP
        layers: list[nn.Module] = []
        if before != after:
            layers += [
                nn.Conv2d(before, after, 1, bias=False),
                nn.GroupNorm(_GROUPS, after),
                nn.SiLU(),
            ]
        # Where frames are merged, it takes more than one to merge.
        size = (3, 3 if step[1] > 1 else 1)
        pad = (1, size[1] // 2)
        layers += [
            nn.Conv2d(after, after, size, step, pad, groups=after, bias=False),
            nn.GroupNorm(_GROUPS, after),
        ]
        self.over_frequency = nn.Sequential(*layers)
        self.over_time = nn.Sequential(
            nn.Conv1d(after, after, 3, 1, reach, reach, groups=after, bias=False),
            nn.GroupNorm(_GROUPS, after),
            nn.SiLU(),
            nn.Conv1d(after, after, 1, bias=False),
            nn.Dropout1d(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        spectral: Tensor = self.over_frequency(x)
        temporal: Tensor = self.over_time(spectral.mean(dim=2))
        y = functional.silu(spectral + temporal[:, :, None])
        return x + y if self.keeps_size else y


class AudioBcResNetEncoder(nn.Module):
    """Frames (B, frames, bands) to tokens (B, T, d); each token spans eight frames."""

    def __init__(self, config: AudioBcResNetConfig, bands: int) -> None:
        super().__init__()
        unit = config.width // 2
        sizes = [4 * unit, *(stage[0] * unit for stage in _STAGES)]
        blocks: list[nn.Module] = [
            nn.Conv2d(1, sizes[0], 5, _FIRST_STEP, padding=2, bias=False),
            nn.GroupNorm(_GROUPS, sizes[0]),
            nn.SiLU(),
        ]
        rows = -(-bands // _FIRST_STEP[0])
        for (before, after), (_, count, step, reach) in zip(pairwise(sizes), _STAGES, strict=True):
            blocks.append(_Block(before, after, step, reach, config.dropout))
            blocks += [
                _Block(after, after, _NO_STEP, reach, config.dropout) for _ in range(count - 1)
            ]
            rows = -(-rows // step[0])
        self.blocks = nn.Sequential(*blocks)
        # All that is left of frequency at once, a kernel a channel.
        last, size, pad = sizes[-1], (rows, _LAST_REACH), (0, _LAST_REACH // 2)
        self.gather = nn.Conv2d(last, last, size, padding=pad, groups=last, bias=False)
        self.project = nn.Conv1d(last, config.dim, 1, bias=False)
        self.norm = nn.GroupNorm(_GROUPS, config.dim)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')

    def forward(self, frames: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of frames (B, frames, bands)."""
        # What is far from usual, the digital silence of a gap above all, would rule the norms.
        picture = frames.transpose(1, 2)[:, None].asinh()
        gathered: Tensor = self.gather(self.blocks(picture))[:, :, 0]
        tokens: Tensor = functional.silu(self.norm(self.project(gathered)))
        return tokens.transpose(1, 2)

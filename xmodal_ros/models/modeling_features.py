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

"""Numbers that describe windows without being learnt by gradient: statistics, and fixed kernels.

Both keep what normalising a window by itself would lose: how strong a movement is, and how the
limb hangs.
"""

from itertools import combinations, pairwise
from typing import Final

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.configuration_features import (
    Features,
    ROCKET_KERNELS,
    RocketFeatures,
    StatisticsFeatures,
)

_QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
# Of the mean square change over so many steps, which says what a spectrum says.
_LAGS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_CORRELATED_LAGS: Final = (4, 8, 16, 32, 48)
# Beyond so many channels their pairs would be most of all numbers.
_MOST_PAIRED: Final = 12
# Spreads below this share of a channel's spread over all windows count as none.
_STILL: Final = 1e-3
_KERNEL_STEPS: Final = 9
# The width of the step between "below" and "above" a kernel's bias, as a share of the spread of
# its answers: a rounding error must not move a whole window from one to the other.
_EDGE: Final = 0.1
# Standardised features beyond this are of sensors that are broken or clipped.
_FARTHEST: Final = 6.0
_PART: Final = 64


class WindowStatistics(nn.Module):
    """Moments, extremes, percentiles, changes over time and correlations of each channel."""

    pairs: Tensor

    def __init__(self, config: StatisticsFeatures, channels: int) -> None:
        super().__init__()
        self.config = config
        pairs = channels if channels <= _MOST_PAIRED else 0
        # A buffer, or it would be copied to the device with every window.
        self.register_buffer('pairs', torch.triu_indices(pairs, pairs, offset=1), persistent=False)
        self.per_window = len(self._describe(torch.zeros((1, 8, channels)))[0])

    def prepare(self, windows: Tensor, generator: torch.Generator) -> None:
        """Nothing has to be known beforehand."""

    def forward(self, window: Tensor) -> Tensor:
        """Describe windows (B, steps, channels) by (B, 1, features)."""
        return self._describe(window)[:, None]

    def _describe(self, window: Tensor) -> Tensor:
        steps = window.shape[1]
        # From the first step on: the mean of what stays as it is would be off by its rounding,
        # another one wherever it is computed, and that over a spread of next to nothing.
        moved = window - window[:, :1]
        level = moved.mean(dim=1)
        mean = window[:, 0] + level
        centred = moved - level[:, None]
        spread = centred.square().mean(dim=1).clamp_min(_STILL**2).sqrt()
        shape = centred / spread[:, None]
        change = torch.diff(window, dim=1, append=window[:, -1:])
        ordered = window.sort(dim=1).values
        described = [
            mean,
            spread,
            *(_quantile(ordered, share) for share in _QUANTILES),
            change.abs().mean(dim=1),
            change.square().mean(dim=1).add(_STILL**2).sqrt(),
            change.abs().amax(dim=1),
            shape.pow(3).mean(dim=1),
            shape.pow(4).mean(dim=1).add(1).log(),
        ]
        for lag in (min(lag, steps - 1) for lag in _LAGS):
            far = (window[:, lag:] - window[:, : steps - lag]).square().mean(dim=1)
            described.append(far.add(_STILL**2).log())
        described += [
            (shape[:, lag:] * shape[:, : steps - lag]).mean(dim=1)
            for lag in (min(lag, steps - 1) for lag in _CORRELATED_LAGS)
        ]
        third = max(1, steps // 3)
        for begin in (0, (steps - third) // 2, steps - third):
            part = centred[:, begin : begin + third]
            own = part.mean(dim=1)
            described += [own, (part - own[:, None]).square().mean(dim=1).add(_STILL**2).sqrt()]
        first, second = self.pairs
        described.append((shape[:, :, first] * shape[:, :, second]).mean(dim=1))
        return torch.cat(described, dim=1)


def _quantile(ordered: Tensor, share: float) -> Tensor:
    position = share * (ordered.shape[1] - 1)
    low = min(int(position), ordered.shape[1] - 1)
    high = min(low + 1, ordered.shape[1] - 1)
    return ordered[:, low] + (position - low) * (ordered[:, high] - ordered[:, low])


class RocketKernels(nn.Module):
    """The share of a window in which fixed dilated kernels answer more than a bias.

    MiniRocket (Dempster, Schmidt, Webb, KDD 2021): the 84 kernels of nine steps with three twos
    and six minus ones, each on some channels; biases are quantiles of what training windows give.
    Differs from it: the edge at a bias has a width, and shares are given for each of ``segments``
    parts of a window.
    """

    weights: Tensor
    biases: Tensor

    def __init__(self, config: RocketFeatures, channels: int) -> None:
        super().__init__()
        self.config = config
        kernels = torch.full((ROCKET_KERNELS, _KERNEL_STEPS), -1.0)
        for row, places in enumerate(combinations(range(_KERNEL_STEPS), 3)):
            kernels[row, list(places)] = 2.0
        dilations = len(config.dilations)
        seen = torch.zeros((dilations, ROCKET_KERNELS, channels))
        most = min(channels, _KERNEL_STEPS)
        for dilation in range(dilations):
            for row in range(ROCKET_KERNELS):
                count = int(2 ** float(torch.rand(()) * torch.log2(torch.tensor(most + 1.0))))
                seen[dilation, row, torch.randperm(channels)[: max(1, count)]] = 1
        self.register_buffer('weights', seen[..., None] * kernels[:, None])
        shape = (dilations, ROCKET_KERNELS, config.biases)
        # As of noise; training windows say better.
        spread = self.weights.square().sum(dim=(2, 3), keepdim=True).sqrt()
        self.weights /= _EDGE * spread
        self.register_buffer('biases', torch.randn(shape) / _EDGE - 0.5)
        self.per_window = config.per_window

    def prepare(self, windows: Tensor, generator: torch.Generator) -> None:
        """Take biases from training windows (N, steps, channels), of which a few are enough."""
        chosen = windows[torch.randperm(len(windows), generator=generator)[:128]]
        shares = torch.arange(1, self.config.biases + 1) * 0.6180339887 % 1
        for number in range(len(self.config.dilations)):
            by_kernel = self._answers(chosen, number).transpose(0, 1).flatten(1)
            # Not all: quantiles sort, and neighbours say the same.
            by_kernel = by_kernel[:, :: max(1, by_kernel.shape[1] // 4000)]
            # In units of the edge's width.
            width = _EDGE * by_kernel.std(dim=1).clamp_min(_STILL)
            self.weights[number] /= width[:, None, None]
            quantiles = torch.quantile(by_kernel / width[:, None], shares.to(by_kernel), dim=1)
            self.biases[number] = quantiles.T - 0.5

    def forward(self, window: Tensor) -> Tensor:
        """Describe windows (B, steps, channels) by (B, segments, features)."""
        # The widest kernel's answers are fewest, and a segment holds one of them at least.
        fewest = (window.shape[1] - 1) // max(map(_stride, self.config.dilations)) + 1
        segments = min(self.config.segments, fewest)
        parts = []
        for number, bias in enumerate(self.biases):
            above = self._answers(window, number)[:, :, None] - bias[..., None]
            parts.append(_shares(above.clamp(0, 1), segments).flatten(1, 2))
        return torch.cat(parts, dim=1).transpose(1, 2)

    def _answers(self, window: Tensor, number: int) -> Tensor:
        dilation = self.config.dilations[number]
        return functional.conv1d(
            window.transpose(1, 2),
            self.weights[number],
            padding=dilation * (_KERNEL_STEPS // 2),
            dilation=dilation,
            stride=_stride(dilation),
        )


def _stride(dilation: int) -> int:
    """Give at every which step a kernel is asked: what a wide one says changes slowly."""
    return max(1, dilation // 2)


def _shares(above: Tensor, segments: int) -> Tensor:
    """Average (..., steps) over so many segments, to (..., segments)."""
    steps = above.shape[-1]
    ends = [round(steps * number / segments) for number in range(segments + 1)]
    # Of as many steps as others or not: their mean is to be that of the whole window.
    return torch.stack(
        [above[..., begin:end].sum(dim=-1) * (segments / steps) for begin, end in pairwise(ends)],
        dim=-1,
    )


class StandardisedFeatures(nn.Module):
    """Features of windows, each with mean zero and deviation one over the training windows."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: Features, channels: int) -> None:
        super().__init__()
        self.features: WindowStatistics | RocketKernels
        if isinstance(config, StatisticsFeatures):
            self.features = WindowStatistics(config, channels)
        else:
            self.features = RocketKernels(config, channels)
        self.count = self.features.per_window
        self.register_buffer('mean', torch.zeros(self.count))
        self.register_buffer('scale', torch.ones(self.count))

    @torch.no_grad()
    def prepare(self, windows: Tensor, generator: torch.Generator) -> Tensor:
        """Look at training windows (N, steps, channels), and give their features (N, F)."""
        self.features.prepare(windows, generator)
        # Kernels' shares of segments average to those of the window.
        parts = [self.features(part).mean(dim=1) for part in windows.split(_PART)]
        values = torch.cat(parts)
        self.mean.copy_(values.mean(dim=0))
        deviation = values.std(dim=0, correction=0)
        self.scale.copy_(torch.where(deviation > _STILL**2, 1 / deviation, 0.0))
        return self._standardise(values)

    def forward(self, window: Tensor) -> Tensor:
        """Describe windows (B, steps, channels) by (B, T, features)."""
        return self._standardise(self.features(window))

    def in_parts(self, windows: Tensor) -> Tensor:
        """Describe any number of windows by (N, features), without gradients."""
        with torch.no_grad():
            return torch.cat([self(part).mean(dim=1) for part in windows.split(_PART)])

    def _standardise(self, values: Tensor) -> Tensor:
        return ((values - self.mean) * self.scale).clamp(-_FARTHEST, _FARTHEST)

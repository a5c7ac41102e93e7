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

"""MiniRocket's features of windows: a baseline that nets have to beat.

Dempster, Schmidt, Webb, "MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series
Classification", KDD 2021, for several channels as the authors' code has it: the 84 kernels of
length 9 with three weights of 2 and six of -1, at dilations that grow exponentially, each on some
of the channels; a feature is the share of steps at which a kernel's answer is above a bias, which
is a quantile of its answers on a training window. Channels are scaled to unit deviation first.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

_KERNEL_LENGTH: Final = 9
_MOST_DILATIONS: Final = 32
_PART: Final = 64
# Windows that biases are drawn from.
_EXAMPLES: Final = 64


class MiniRocket:
    """Fixed kernels over windows (N, steps, channels), drawn by a seed; about 5,000 features."""

    def __init__(self, training: Tensor, seed: int, features: int = 5_000) -> None:
        """Draw channels and biases; ``training`` (N, steps, channels) are examples."""
        self._generator = np.random.default_rng(seed)
        steps, channels = training.shape[1:]
        self._scale = training.std(dim=(0, 1), correction=0).clamp(min=1e-6)
        self._middle = training.mean(dim=(0, 1))
        kernels = torch.full((84, 1, _KERNEL_LENGTH), -1.0)
        for row, places in enumerate(combinations(range(_KERNEL_LENGTH), 3)):
            kernels[row, 0, list(places)] = 2.0
        self._kernels = kernels
        self._dilations, counts = _dilations(steps, features // len(kernels))
        self._masks = [self._draw_channels(channels) for _ in self._dilations]
        rows = self._generator.choice(len(training), min(_EXAMPLES, len(training)), replace=False)
        examples = self._scaled(training[torch.from_numpy(rows)])
        self._biases = [
            self._draw_biases(answers, count)
            for answers, count in zip(self._answers(examples), counts, strict=True)
        ]

    def __call__(self, windows: Tensor) -> NDArray[np.float32]:
        """Give the features (N, F) of windows (N, steps, channels), each from 0 to 1."""
        with torch.no_grad():
            parts = [self._features(self._scaled(part)) for part in windows.split(_PART)]
        found: NDArray[np.float32] = torch.cat(parts).numpy()
        return found

    def _scaled(self, windows: Tensor) -> Tensor:
        return ((windows - self._middle) / self._scale).movedim(-1, 1)

    def _features(self, windows: Tensor) -> Tensor:
        found = []
        for number, answers in enumerate(self._answers(windows)):
            reach = self._dilations[number] * (_KERNEL_LENGTH // 2)
            for parity in (0, 1):
                # As in the paper: every other kernel does not look beyond the window's ends.
                inner = answers[:, parity::2]
                if parity and inner.shape[-1] > 2 * reach:
                    inner = inner[..., reach:-reach]
                above = inner[..., None] > self._biases[number][parity::2, None, :]
                found.append(above.float().mean(dim=2).flatten(1))
        return torch.cat(found, dim=1)

    def _answers(self, windows: Tensor) -> Iterator[Tensor]:
        """Give what the kernels answer (N, 84, steps), one dilation after the other."""
        for dilation, mask in zip(self._dilations, self._masks, strict=True):
            yield functional.conv1d(
                torch.einsum('kc,nct->nkt', mask, windows),
                self._kernels,
                padding=dilation * (_KERNEL_LENGTH // 2),
                dilation=dilation,
                groups=len(self._kernels),
            )

    def _draw_channels(self, channels: int) -> Tensor:
        """Let each kernel see some channels (84, channels): mostly few, sometimes many."""
        most = np.log2(min(channels, _KERNEL_LENGTH) + 1)
        mask = torch.zeros(len(self._kernels), channels)
        for row in range(len(self._kernels)):
            count = int(2 ** self._generator.uniform(0, most))
            mask[row, self._generator.choice(channels, count, replace=False)] = 1.0
        return mask

    def _draw_biases(self, answers: Tensor, count: int) -> Tensor:
        """Give (84, count) quantiles, of each kernel's answers on one example drawn for it."""
        # A low-discrepancy sequence, so that quantiles are spread for any count.
        quantiles = (np.arange(1, len(self._kernels) * count + 1) * (5**0.5 + 1) / 2) % 1
        drawn = self._generator.integers(0, len(answers), len(self._kernels))
        biases = [
            torch.quantile(answers[drawn[row], row], torch.from_numpy(own).float())
            for row, own in enumerate(quantiles.reshape(-1, count))
        ]
        return torch.stack(biases)


def _dilations(steps: int, features_a_kernel: int) -> tuple[list[int], list[int]]:
    """Give dilations whose kernels fit into a window, and how many features each has a kernel."""
    most = max(0.0, np.log2((steps - 1) / (_KERNEL_LENGTH - 1))) if steps > 1 else 0.0
    wanted = np.logspace(0, most, min(features_a_kernel, _MOST_DILATIONS), base=2)
    dilations, counts = np.unique(wanted.astype(int), return_counts=True)
    counts = np.maximum(1, counts * features_a_kernel // counts.sum())
    return dilations.tolist(), counts.tolist()

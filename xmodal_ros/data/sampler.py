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

"""The order in which training windows are shown."""

from collections.abc import Iterator
import math

import torch
from torch import Generator, Tensor

from xmodal_ros.configuration.fit_settings import FitSettings
from xmodal_ros.data.dataset import WindowsDataset


class BatchSampler:
    """Deals training windows out in steps, epoch by epoch.

    An epoch shows every labelled window once, several times where they fill fewer ``steps``, and
    only some, drawn anew, where they fill more.
    With ``unlabelled`` each step shows as many windows without a label beside them, and the larger
    of the two decides how long an epoch is. ``chances`` (N,) of the labelled windows are for
    sampling them, where the settings balance activities that way.
    """

    def __init__(
        self, training: WindowsDataset, chances: Tensor, settings: FitSettings, *, unlabelled: bool
    ) -> None:
        self._labelled = torch.from_numpy(training.labelled)
        self._unlabelled = torch.from_numpy(training.unlabelled[: None if unlabelled else 0])
        self._chances = chances
        self._sampled = settings.balance == 'sampling'
        self._size = settings.batch_size
        self.steps = steps_of_epoch(training, settings, unlabelled=unlabelled)
        """How many there are in an epoch."""
        self.has_unlabelled = len(self._unlabelled) > 0
        """Whether any window without a label is shown."""

    def batches(self, generator: Generator) -> Iterator[tuple[Tensor, float]]:
        """Give each step's rows, labelled ones first, and its share of the epoch's labelled."""
        order = self._order(generator)
        beside = self._beside(len(order), generator)
        for first in range(0, len(order), self._size):
            rows = order[first : first + self._size]
            shown = torch.cat([rows, beside[first : first + self._size]])
            yield shown, len(rows) / len(order)

    def _order(self, generator: Generator) -> Tensor:
        count = len(self._labelled)
        shown = self.steps * self._size
        if self._sampled:
            drawn = torch.multinomial(self._chances, shown, replacement=True, generator=generator)
            return self._labelled[drawn]
        least = (self.steps - 1) * self._size + 1
        return self._labelled[_shuffled(count, least, generator)[:shown]]

    def _beside(self, shown: int, generator: Generator) -> Tensor:
        if not self.has_unlabelled:
            return self._unlabelled
        rows = _shuffled(len(self._unlabelled), shown, generator)[:shown]
        return self._unlabelled[rows]


def steps_of_epoch(training: WindowsDataset, settings: FitSettings, *, unlabelled: bool) -> int:
    """Give how many steps an epoch over some windows takes: no more than a whole training may."""
    longest = max(len(training.labelled), len(training.unlabelled) if unlabelled else 0)
    steps = max(settings.least_steps, math.ceil(longest / settings.batch_size))
    return steps if settings.most_steps is None else min(steps, settings.most_steps)


def _shuffled(count: int, least: int, generator: Generator) -> Tensor:
    """Give the numbers below ``count`` in random order, again and again up to ``least``."""
    repeats = max(1, math.ceil(least / count))
    return torch.cat([torch.randperm(count, generator=generator) for _ in range(repeats)])

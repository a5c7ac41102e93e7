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

"""Features of other sensors' windows, for methods that keep a bank of them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
import torch
from torch import Tensor

from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import TransferTask
from xmodal_ros.models.configuration_patch import LARGEST_BANK
from xmodal_ros.non_blocking import to_device

BankContent = Literal['real', 'noise', 'shuffled', 'none']
BankOrigin = Literal['all', 'others']


class BankOptions(MethodOptions):
    """Options of methods with a bank.

    ``bank_size`` is how many windows it holds at most, over all sources, drawn at random. ``bank``
    is ``real``, or a control: ``noise`` with the same mean and covariance, ``shuffled``, each
    dimension on its own, so that only what single dimensions say stays, or ``none``, zeros. It
    is drawn from ``all`` recordings of the sources, or from ``others`` than the target learns
    from, so that nothing in it was ever a target window's partner.
    """

    bank: BankContent = 'real'
    bank_from: BankOrigin = 'all'
    bank_size: Annotated[int, Field(ge=1, le=LARGEST_BANK)] = 1024


class MemoryBank:
    """The frozen features of all sources, and those of them that the bank holds.

    They need neither labels nor partners. Raises :class:`TrainingError` when the options ask for
    recordings that there are none of.
    """

    def __init__(self, task: TransferTask, options: BankOptions) -> None:
        self._task = task
        self._content = options.bank
        self._origins = [
            _origins(source, task, options.bank_from) for source in task.sources.values()
        ]
        """For each source the rows (M,) of its windows that features are of."""
        self.features = [
            controlled(
                source.outputs.feature[rows.to(source.outputs.feature.device)], options.bank
            )
            for source, rows in zip(task.sources.values(), self._origins, strict=True)
        ]
        """One (M, d) a source."""
        self._counts = torch.tensor([len(features) for features in self.features])
        self.bank = self.draw(options.bank_size)
        """The rows of each source that the bank holds."""

    def draw(self, count: int) -> list[Tensor]:
        """Draw so many different rows over all sources, all where there are fewer."""
        chosen = torch.randperm(int(self._counts.sum()))[:count].sort().values
        firsts = self._counts.cumsum(0) - self._counts
        return [
            chosen[(chosen >= first) & (chosen < first + count)] - first
            for first, count in zip(firsts.tolist(), self._counts.tolist(), strict=True)
        ]

    def chosen(self, rows: list[Tensor]) -> list[Tensor]:
        """Give the features (R, d) of rows, source by source."""
        return [
            features[to_device(row, features.device)]
            for features, row in zip(self.features, rows, strict=True)
        ]

    def of_the_same_moment(self, batch_rows: Tensor, within_ns: int) -> Tensor:
        """Say which of the bank show what a window of the batch shows, (B, bank).

        Those are the windows of the same recording that end within so long of it.
        """
        ours = self._task.windows
        recordings = ours.recordings[batch_rows, None]
        ends_ns = ours.ends_ns[batch_rows, None]
        found = []
        for source, origins, chosen in zip(
            self._task.sources.values(), self._origins, self.bank, strict=True
        ):
            theirs, rows = source.windows, origins[chosen]
            same = recordings == theirs.recordings[None, rows]
            found.append(same & ((ends_ns - theirs.ends_ns[None, rows]).abs() <= within_ns))
        return torch.cat(found, dim=1)

    @property
    def size(self) -> int:
        """How many windows the bank holds."""
        return sum(map(len, self.bank))

    def facts(self, bank_bytes: int) -> dict[str, object]:
        """Give what a bundle should say of its bank."""
        rows: Mapping[str, int] = {
            name: len(rows) for name, rows in zip(self._task.sources, self.bank, strict=True)
        }
        return {
            'bank': {
                'content': self._content,
                'rows': dict(rows),
                'of': int(self._counts.sum()),
                'bytes': bank_bytes,
            }
        }


def _origins(source: Source, task: TransferTask, origin: BankOrigin) -> Tensor:
    if origin == 'all':
        return torch.arange(len(source.windows))
    paired = torch.isin(source.windows.recordings, task.windows.recordings)
    rows = torch.nonzero(~paired)[:, 0]
    if not len(rows):
        raise TrainingError(
            f"the target learns from all recordings of source '{source.name}', so "
            "'bank_from=others' leaves none for the bank: add recordings that the target does not "
            'learn from, or leave the option out'
        )
    return rows


def controlled(features: Tensor, content: BankContent) -> Tensor:
    """Give features (M, d) as they are, or the control that takes their place."""
    if content == 'none':
        return torch.zeros_like(features)
    if content == 'shuffled':
        order = torch.rand(features.shape).argsort(dim=0).to(features.device)
        return features.gather(0, order)
    if content == 'noise':
        mean = features.mean(dim=0)
        deviations = (features - mean).double()
        covariance = deviations.T @ deviations / max(1, len(features) - 1)
        # By eigenvalues, for a covariance of few windows is singular.
        size, axes = torch.linalg.eigh(covariance)
        root = (axes * size.clamp_min(0).sqrt()).T.to(features)
        noise: Tensor = mean + torch.randn(features.shape).to(features) @ root
        return noise
    return features

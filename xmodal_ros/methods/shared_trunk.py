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
"""UML, the unpaired multimodal learner: encoders of all sensors feed one trunk.

Reconstruction of Gupta, Sundaram, Wang, Jegelka, Isola, "Better Together: Leveraging Unpaired
Multimodal Data for Stronger Unimodal Models" (ICLR 2026). The paper shows one model batches of
one modality and of the other in turn; here every step has a batch of each, and their losses are
added. The trunk is what follows the encoder in every classifier: the self-attention block, the
normalisation and the head, all of the target. Of a source there is an encoder of its own, which
is trained along and not kept.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field
import torch
from torch import nn, Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import MethodOptions, SourceUse, TransferMethod
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs
from xmodal_ros.non_blocking import to_device

# Of windows that the noise takes its mean and covariance from.
_MEASURED: Final = 512


class SharedTrunkOptions(MethodOptions):
    """Options of the shared trunk.

    ``weight`` is λ, of the sources' loss. ``source_data`` is ``real``, or a control: ``noise``,
    for each of a source's windows one of normal noise with their mean and covariance over steps
    and channels, or ``shuffled_labels``, its windows with each other's labels.
    """

    weight: Annotated[float, Field(ge=0)] = 1.0
    source_data: Literal['real', 'noise', 'shuffled_labels'] = 'real'


class SharedTrunk(TransferMethod):
    """Minimise ``CE(target) + λ CE(sources)`` through one trunk; it needs no pairs."""

    name: ClassVar[str] = 'shared_trunk'
    Options: ClassVar[type[MethodOptions]] = SharedTrunkOptions
    source_use: ClassVar[SourceUse] = 'joint'
    options: SharedTrunkOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module that shows the trunk as many windows of each source as of the target."""
        if not self.options.weight:
            return TrainingModule(task)
        return _SharedTrunkModule(task, self.options)


class _SharedTrunkModule(TrainingModule):
    def __init__(self, task: TransferTask, options: SharedTrunkOptions) -> None:
        super().__init__(task)
        self._options = options
        self._task_loss = task.task_loss
        dim = self.target.attention.project_out.in_features
        for source in task.sources.values():
            theirs = source.classifier.attention.project_out.in_features
            if theirs != dim:
                raise ConfigurationError(
                    f'one trunk cannot read tokens of {dim} dimensions and the {theirs} of '
                    f"source '{source.name}': train both with the same encoder dim"
                )
        self._examples = [_Examples(each, options) for each in task.sources.values()]
        self.encoders = nn.ModuleList(each.source.classifier.encoder for each in self._examples)

    def training_step(
        self,
        batch: TrainingBatch,
        outputs: Outputs,  # noqa: ARG002 - the target's, of which there is the loss
        task_loss: Tensor,
    ) -> LossTerms:
        losses = []
        for examples in self._examples:
            classifier = examples.source.classifier
            windows, labels = examples.draw(len(batch.rows), batch.labels.device)
            tokens = classifier.encoder(classifier.preprocess(windows))
            losses.append(self._task_loss(self.target.outputs_of_tokens(tokens).logits, labels))
        other = torch.stack(losses).mean()
        return LossTerms(task_loss + self._options.weight * other, {'sources': detached(other)})


class _Examples:
    """A source's windows with a label, as they are or a control in their place."""

    def __init__(self, source: Source, options: SharedTrunkOptions) -> None:
        self.source = source
        rows = source.labelled
        self._labels = source.windows.labels[rows]
        if options.source_data == 'shuffled_labels':
            self._labels = self._labels[torch.randperm(len(rows))]
        self._noise = _Noise(source) if options.source_data == 'noise' else None

    def draw(self, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Draw so many augmented raw windows (count, steps, ...), and labels (count,)."""
        chosen = torch.randint(len(self._labels), (count,))
        rows = self.source.labelled[chosen]
        windows = self.source.read(rows) if self._noise is None else self._noise(rows)
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        augmented = self.source.augment(to_device(windows, device), generator)
        return augmented, to_device(self._labels[chosen], device)


class _Noise:
    """Normal noise with the mean and covariance of a source's windows, one window for each row.

    Sums of the windows' deviations, each with a normal weight, have their covariance, of whatever
    dimension it is. A row always has the same noise, as a window would be the same.
    """

    def __init__(self, source: Source) -> None:
        measured = torch.randperm(len(source.labelled))[:_MEASURED]
        windows = source.read(source.labelled[measured]).to(torch.float32)
        self._mean = windows.mean(dim=0)
        self._deviations = (windows - self._mean) / max(1, len(windows) - 1) ** 0.5
        self._seed = int(torch.randint(2**31, ()))

    def __call__(self, rows: Tensor) -> Tensor:
        """Give the noise (R, steps, ...) of rows (R,), on the CPU."""
        weights = torch.stack([self._weights(row) for row in rows.tolist()])
        noise: Tensor = self._mean + torch.tensordot(weights, self._deviations, dims=1)
        return noise

    def _weights(self, row: int) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed + row)
        return torch.randn(len(self._deviations), generator=generator)

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

"""Dynamic gating: the target's feature is enhanced by the most similar stored source features.

Reconstruction of Shah, "Attention Improves Multimodality". The patch itself, its equations and
its gate are in :mod:`xmodal_ros.models.modeling_patch`, for it stays in the exported model. The
paper works on features of encoders that are trained already, and so does this by default. It
reports the method below its own baseline.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field
import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.methods.frozen_encoder import FrozenEncoderModule
from xmodal_ros.methods.memory_bank import BankOptions, MemoryBank
from xmodal_ros.methods.method import (
    Fitted,
    MethodOptions,
    MethodTrainer,
    StepSchedule,
    TransferMethod,
)
from xmodal_ros.methods.source import paired_sources, Pairing
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import Outputs
from xmodal_ros.models.configuration_patch import GatedPatchConfig
from xmodal_ros.models.modeling_patch import bank_bytes, GatedPatch
from xmodal_ros.non_blocking import to_device

# The paper's: Adam 1e-3, halved every 5 of 20 epochs; half of a batch of 64 is the target's, the
# other half the windows it is paired with.
_SCHEDULE: Final = StepSchedule(epochs=20, batch_size=32, learning_rate=1e-3, decay=0.5, every=5)
_RECONSTRUCTION, _SIMILARITY = 0.75, 0.25


class DynamicGatingOptions(BankOptions):
    """Options of dynamic gating.

    ``weight`` is that of the method's own loss beside the labels'. ``top`` source features are
    taken in. ``gate`` false replaces the feature instead of adding to it. ``pairing`` says which
    source feature the enhanced one is to resemble. Bank windows of the same recording that end
    within ``hide_s`` seconds of a training window are hidden from it: 0 hides its own pair only.
    ``encoder`` is ``frozen`` after it was trained on the labels alone, with the paper's schedule,
    or ``trained`` with the patch, with the recipe's.
    """

    weight: Annotated[float, Field(ge=0)] = 1.0
    top: Annotated[int, Field(ge=1, le=1024)] = 8
    gate: bool = True
    pairing: Pairing = 'time_else_class'
    hide_s: Annotated[float, Field(ge=0)] = 0.0
    encoder: Literal['frozen', 'trained'] = 'frozen'


class DynamicGating(TransferMethod):
    """``CE + λ (0.75 ‖e − x‖² + 0.25 (1 − cos(e, s')))``, e the enhanced feature of x."""

    name: ClassVar[str] = 'dynamic_gating'
    Options: ClassVar[type[MethodOptions]] = DynamicGatingOptions
    # What is hidden from each window of a step is told to the patch in one piece.
    one_process: ClassVar[bool] = True
    options: DynamicGatingOptions

    @property
    def needs_overlap(self) -> bool:
        """Only pairs in time need recordings made together."""
        return self.options.pairing == 'time'

    @property
    def schedule(self) -> StepSchedule | None:
        """The paper's, for features that are there already."""
        return _SCHEDULE if self.options.encoder == 'frozen' else None

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Attach a patch to the target and give the module that trains it."""
        frozen = self.options.encoder == 'frozen'
        return (_FrozenGatingModule if frozen else _GatingModule)(task, self.options)

    def train_target(self, trainer: MethodTrainer[Fitted]) -> Fitted:
        """Train the encoder alone first, where it is to be frozen."""
        if self.options.encoder == 'trained':
            return trainer.fit(self, trainer.sources)
        return trainer.fit(self, trainer.sources, trainer.fit(Unimodal(MethodOptions()), ()))


class _GatingModule(TrainingModule):
    def __init__(self, task: TransferTask, options: DynamicGatingOptions) -> None:
        super().__init__(task)
        self._options = options
        self._sources = task.sources
        self._memory_bank = MemoryBank(task, options)
        dim = self.target.head.in_features
        self.patch = GatedPatch(
            GatedPatchConfig(
                bank=self._memory_bank.size, dim=dim, top=options.top, gate=options.gate
            ),
            dim,
        )
        self.target.attach(self.patch)
        self.project = nn.ModuleList(
            nn.Linear(features.shape[1], dim, bias=False)
            for features in self._memory_bank.features
        )

    def prepare_batch(self, batch: TrainingBatch) -> None:
        within_ns = round(1e9 * self._options.hide_s)
        hidden = self._memory_bank.of_the_same_moment(batch.rows, within_ns)
        self.patch.refer(self._bank(), to_device(hidden, batch.labels.device))

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        weight = self._options.weight
        if not weight:
            return LossTerms(task_loss, {})
        enhanced = self.patch.enhance(outputs.feature)
        # The feature is what is to be rebuilt; it must not come to meet what is rebuilt.
        gap = (enhanced - outputs.feature.detach()).square().sum(dim=1).mean()
        pairs = paired_sources(self._sources, batch.rows, batch.labels, self._options.pairing)
        likeness = [
            1
            - functional.cosine_similarity(
                enhanced[pairs[name].rows], torch.relu(project(pairs[name].outputs.feature)), dim=1
            )
            for name, project in zip(self._sources, self.project, strict=True)
            if name in pairs
        ]
        distance = torch.cat(likeness).mean() if likeness else gap.new_zeros(())
        own = _RECONSTRUCTION * gap + _SIMILARITY * distance
        parts = {'rebuilding': detached(gap), 'unlikeness': detached(distance)}
        return LossTerms(task_loss + weight * own, parts)

    @torch.no_grad()
    def prepare_inference(self) -> None:
        self.patch.store(self._bank())

    def facts(self) -> dict[str, object]:
        return self._memory_bank.facts(bank_bytes(self.patch))

    def _bank(self) -> Tensor:
        chosen = self._memory_bank.chosen(self._memory_bank.bank)
        return torch.cat(
            [torch.relu(project(s)) for project, s in zip(self.project, chosen, strict=True)]
        )


class _FrozenGatingModule(_GatingModule, FrozenEncoderModule):
    """The same with an encoder that stays as it is."""

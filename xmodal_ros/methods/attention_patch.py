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

"""TAP, the Attention Patch: the target attends to a bank of another sensor's windows.

Reconstruction of Wang, Shahrampour, "TAP: The Attention Patch for Cross-Modal Knowledge Transfer
from Unlabeled Modality" (TMLR 2024). The patch itself, its equation and its kernels are in
:mod:`xmodal_ros.models.modeling_patch`, for it stays in the exported model. Training draws a
fresh batch of references every step; the bank that is kept is drawn once.
"""

from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import nn, Tensor

from xmodal_ros.methods.memory_bank import BankOptions, MemoryBank
from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import CombinedOptions, distilled_step, DistilledMethod
from xmodal_ros.methods.training_module import (
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs
from xmodal_ros.models.configuration_patch import AttentionPatchConfig, Fusion, Kernel
from xmodal_ros.models.modeling_patch import AttentionPatch, bank_bytes


class AttentionPatchOptions(BankOptions, CombinedOptions):
    """``references`` are drawn in each step; ``kernel`` and ``fusion`` are the patch's.

    ``pairing`` is of ``distillation`` alone.
    """

    references: Annotated[int, Field(ge=1)] = 128
    kernel: Kernel = 'exp'
    fusion: Fusion = 'concatenate'


class AttentionPatchMethod(DistilledMethod):
    """Train target and patch on the labels; sources are frozen, unlabelled and unpaired.

    With ``distillation`` they are paired for that.
    """

    name: ClassVar[str] = 'attention_patch'
    Options: ClassVar[type[MethodOptions]] = AttentionPatchOptions
    options: AttentionPatchOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Attach a patch to the target and give the module that shows it references."""
        return _PatchModule(task, self.options)


class _PatchModule(TrainingModule):
    def __init__(self, task: TransferTask, options: AttentionPatchOptions) -> None:
        super().__init__(task)
        self._sources = task.sources
        self._options = options
        self._memory_bank = MemoryBank(task, options)
        dim = self.target.norm.normalized_shape[0]
        spec = AttentionPatchConfig(
            bank=self._memory_bank.size,
            key_dim=dim,
            value_dim=dim,
            kernel=options.kernel,
            fusion=options.fusion,
        )
        self.patch = AttentionPatch(spec, dim)
        self.target.attach(self.patch)
        dims = [features.shape[1] for features in self._memory_bank.features]
        self.key_of = nn.ModuleList(nn.Linear(d, dim, bias=False) for d in dims)
        self.value_of = nn.ModuleList(nn.Linear(d, dim, bias=False) for d in dims)

    def prepare_batch(self, batch: TrainingBatch) -> None:  # noqa: ARG002 - the same for any batch
        rows = self._memory_bank.draw(self._options.references)
        self.patch.refer(*self._projected(rows))

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        return distilled_step(self._options, self._sources, batch, outputs, task_loss)

    @torch.no_grad()
    def prepare_inference(self) -> None:
        self.patch.store(*self._projected(self._memory_bank.bank))

    def facts(self) -> dict[str, object]:
        return self._memory_bank.facts(bank_bytes(self.patch))

    def _projected(self, rows: list[Tensor]) -> tuple[Tensor, Tensor]:
        chosen = self._memory_bank.chosen(rows)
        keys = [project(z) for project, z in zip(self.key_of, chosen, strict=True)]
        values = [project(z) for project, z in zip(self.value_of, chosen, strict=True)]
        return torch.cat(keys), torch.cat(values)

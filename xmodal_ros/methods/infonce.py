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

"""Contrastive pretraining on pairs, then a linear head.

InfoNCE (van den Oord, Li, Vinyals, 2018) between sensors in the manner of CLIP (Radford et al.,
ICML 2021): of all source windows of a batch, the target is to find its own, and the other way
round. The labels are for the head only, which makes it the baseline for unlabelled pairs.
"""

from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import CombinedOptions, PairingMethod
from xmodal_ros.methods.source import mean_over_pairs, paired_sources
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs


class InfoNceOptions(CombinedOptions):
    """Options of InfoNCE.

    ``temperature`` divides the cosines, ``dim`` is that of the space they are taken in.
    ``pretraining`` is the share of the training in which the encoder learns; after it only the
    head does. The head learns from the labels all along, without a gradient to the encoder.
    With ``joint`` the encoder learns from labels and pairs at once, all the time, the pairs
    weighed by ``weight``.
    """

    temperature: Annotated[float, Field(gt=0)] = 0.1
    dim: Annotated[int, Field(ge=1, le=1024)] = 32
    pretraining: Annotated[float, Field(gt=0, le=1)] = 0.7
    joint: bool = False
    weight: Annotated[float, Field(ge=0)] = 1.0


class InfoNce(PairingMethod):
    """Pretrain the target's encoder to find its partner, and read it with a linear head."""

    name: ClassVar[str] = 'infonce'
    Options: ClassVar[type[MethodOptions]] = InfoNceOptions
    options: InfoNceOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module with a projection for the target and one for each source."""
        return _ContrastiveModule(task, self.options)


class _ContrastiveModule(TrainingModule):
    def __init__(self, task: TransferTask, options: InfoNceOptions) -> None:
        super().__init__(task)
        self._options = options
        self._sources = task.sources
        self._task_loss = task.task_loss
        self.ours = _projection(self.target.head.in_features, options.dim)
        self.theirs = nn.ModuleList(
            _projection(source.classifier.head.in_features, options.dim)
            for source in task.sources.values()
        )

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        options, logits = self._options, outputs.logits
        if not options.joint:
            logits = self.target.head(self.target.dropout(outputs.feature.detach()))
            task_loss = self._task_loss(logits, batch.labels)
        paired = paired_sources(self._sources, batch.rows, batch.labels, options.pairing)
        taught = options.with_distillation(task_loss, logits, paired)
        over = not options.joint and batch.share >= options.pretraining
        if over or not options.weight:
            return taught
        losses = [
            contrastive_loss(
                self.ours(outputs.feature[paired[name].rows]),
                project(paired[name].outputs.feature),
                options.temperature,
            )
            for name, project in zip(self._sources, self.theirs, strict=True)
            if name in paired
        ]
        if not losses:
            return taught
        contrast = mean_over_pairs(losses, paired.values())
        return LossTerms(
            taught.loss + options.weight * contrast,
            {**taught.parts, 'contrast': detached(contrast)},
        )


def _projection(before: int, after: int) -> nn.Module:
    return nn.Sequential(nn.Linear(before, before), nn.GELU(), nn.Linear(before, after))


def contrastive_loss(target: Tensor, source: Tensor, temperature: float) -> Tensor:
    """Give InfoNCE (), the mean of both directions, of P paired vectors (P, d) each.

    Zero is perfect; log P is what vectors without a difference give.
    """
    similarity = functional.normalize(target, dim=1) @ functional.normalize(source, dim=1).T
    own = torch.arange(len(target), device=target.device)
    there = functional.cross_entropy(similarity / temperature, own)
    back = functional.cross_entropy(similarity.T / temperature, own)
    return (there + back) / 2

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

"""Cross-modal few-shot learning with one head: the source's samples are further shots.

Reconstruction of Lin, Yu, Kuang, Pathak, Ramanan, "Multimodality Helps Unimodality: Cross-Modal
Few-Shot Learning with Multimodal Models" (CVPR 2023): one linear head classifies the features of
both modalities, half of every batch is of either, and the head starts from the other modality's
class vectors. There the two encoders are CLIP's and share a space. Ours are trained from scratch
and share none, so by default the target's encoder learns along: it has to move where the source's
head is right. ``encoder=frozen`` is the paper's linear probe, on encoders trained alone.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
import torch
from torch import Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.frozen_encoder import FrozenEncoderModule
from xmodal_ros.methods.method import Fitted, MethodOptions, MethodTrainer
from xmodal_ros.methods.paired import CombinedOptions, distilled_step, DistilledMethod
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import Outputs
from xmodal_ros.non_blocking import to_device


class CrossModalProbeOptions(CombinedOptions):
    """Options of the cross-modal probe.

    ``weight`` is the source half's share in the loss. ``head`` says where the shared head
    starts: at the (first) ``source``'s, or ``own`` as it would without a source. ``encoder`` is
    ``trained`` with the head, or ``frozen`` after it was trained on the labels alone. ``pairing``
    is of ``distillation`` alone.
    """

    weight: Annotated[float, Field(ge=0, lt=1)] = 0.5
    head: Literal['source', 'own'] = 'source'
    encoder: Literal['trained', 'frozen'] = 'trained'


class CrossModalProbe(DistilledMethod):
    """Minimise ``(1 − w) CE(target) + w CE(source)`` through one head; it needs no pairs."""

    name: ClassVar[str] = 'cross_modal_probe'
    Options: ClassVar[type[MethodOptions]] = CrossModalProbeOptions
    options: CrossModalProbeOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module that shows the head as many source windows as target windows."""
        frozen = self.options.encoder == 'frozen'
        if not self.options.weight and not self.options.distillation:
            return FrozenEncoderModule(task) if frozen else TrainingModule(task)
        return (_FrozenProbe if frozen else _Probe)(task, self.options)

    def train_target(self, trainer: MethodTrainer[Fitted]) -> Fitted:
        """Train the encoder alone first, where it is to be frozen."""
        if self.options.encoder == 'trained':
            return trainer.fit(self, trainer.sources)
        return trainer.fit(self, trainer.sources, trainer.fit(Unimodal(MethodOptions()), ()))


class _Probe(TrainingModule):
    def __init__(self, task: TransferTask, options: CrossModalProbeOptions) -> None:
        super().__init__(task)
        self._options = options
        self._sources: Mapping[str, Source] = task.sources
        self._task_loss = task.task_loss
        head = self.target.head
        for source in task.sources.values():
            if source.classifier.head.in_features != head.in_features:
                raise ConfigurationError(
                    f"one head cannot read the target's {head.in_features} features and the "
                    f"{source.classifier.head.in_features} of source '{source.name}': train both "
                    'with the same encoder dim'
                )
        if options.head == 'source':
            first = next(iter(task.sources.values()))
            head.load_state_dict(first.classifier.head.state_dict())

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        losses = []
        for source in self._sources.values():
            chosen = source.labelled[torch.randint(len(source.labelled), (len(batch.rows),))]
            features = source.outputs.feature[to_device(chosen, outputs.feature.device)]
            labels = to_device(source.windows.labels[chosen], outputs.feature.device)
            losses.append(self._task_loss(self.target.head(self.target.dropout(features)), labels))
        other = torch.stack(losses).mean()
        weight = self._options.weight
        taught = distilled_step(self._options, self._sources, batch, outputs, task_loss)
        return LossTerms(
            (1 - weight) * taught.loss + weight * other,
            {**taught.parts, 'source half': detached(other)},
        )


class _FrozenProbe(_Probe, FrozenEncoderModule):
    """The same with an encoder that stays as it is."""

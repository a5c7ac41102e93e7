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

"""Co-training with a multimodal Transformer that teaches every single-sensor branch.

Reconstruction of Chumachenko, Iosifidis, Gabbouj (2023): all sensors' classifiers are trained
together; what their encoders make of the windows is also the input of a multimodal branch, and
each of them learns from it. ``L = L_task(mm) + Σ_m L_task(m) + α Σ_m L_kt(m)``.
"""

from collections.abc import Sequence
import copy
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field
import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.feature_cosine import cosine_loss
from xmodal_ros.methods.method import MethodOptions, SourceUse
from xmodal_ros.methods.multimodal_transformer import (
    attention_rows,
    Fused,
    MultimodalTransformer,
)
from xmodal_ros.methods.paired import PairedOptions, PairingMethod
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Classifier, HEADS, Outputs
from xmodal_ros.non_blocking import to_device

TransferKind = Literal['decision', 'feature', 'attention']


class CoTrainingOptions(PairedOptions):
    """Options of co-training.

    ``alpha`` weighs what the multimodal branch teaches, and rises linearly from 0 over the first
    ``ramp`` of the training. ``transfer`` is ``decision``, ``T² KL`` of softened probabilities
    with ``temperature`` T, ``feature``, ``1 − cos`` of pooled features, or ``attention``, KL of
    the rows of the last self-attention, heads averaged. ``cut`` is where the multimodal branch
    begins: at the encoders' ``tokens``, which are shared, or at the ``input``, with encoders of
    its own.
    """

    alpha: Annotated[float, Field(ge=0)] = 0.3
    ramp: Annotated[float, Field(ge=0, le=1)] = 0.2
    transfer: TransferKind = 'decision'
    temperature: Annotated[float, Field(gt=0)] = 4.0
    cut: Literal['tokens', 'input'] = 'tokens'


class CoTraining(PairingMethod):
    """Train target, sources and a multimodal branch together."""

    name: ClassVar[str] = 'cotraining'
    Options: ClassVar[type[MethodOptions]] = CoTrainingOptions
    source_use: ClassVar[SourceUse] = 'joint'
    options: CoTrainingOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that holds all branches."""
        return _CoTrainingModule(task, self.options)


@dataclass(frozen=True, eq=False)
class _Branch:
    """One sensor in a batch of the target: raw windows and outputs for the rows that have any."""

    rows: Tensor
    windows: Tensor
    outputs: Outputs


class _CoTrainingModule(TrainingModule):
    def __init__(self, task: TransferTask, options: CoTrainingOptions) -> None:
        super().__init__(task)
        self._options = options
        self._sources = tuple(task.sources.values())
        self._task_loss = task.task_loss
        self.branches = nn.ModuleList(source.classifier for source in self._sources)
        everyone: list[Classifier] = [self.target, *(s.classifier for s in self._sources)]
        self._dim = dim = self.target.head.in_features
        for source in self._sources:
            if source.classifier.head.in_features != dim:
                raise ConfigurationError(
                    f'one Transformer cannot read tokens of {dim} dimensions and the '
                    f"{source.classifier.head.in_features} of source '{source.name}': train both "
                    'with the same encoder dim'
                )
        self.multimodal = MultimodalTransformer(
            len(everyone), dim, HEADS, self.target.head.out_features, self.target.dropout.p
        )
        own = everyone if options.cut == 'input' else []
        self.encoders = nn.ModuleList(copy.deepcopy(each.encoder) for each in own)
        self._generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def get_extra_state(self) -> Tensor:
        """Give what is to be known beside the weights to go on later."""
        return self._generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Take what :meth:`get_extra_state` gave."""
        self._generator.set_state(state.cpu())

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        everyone = torch.arange(len(batch.labels), device=batch.labels.device)
        branches: list[_Branch | None] = [_Branch(everyone, batch.windows, outputs)]
        alone = task_loss.new_zeros(())
        for source in self._sources:
            branch = self._run(source, batch)
            branches.append(branch)
            if branch is not None:
                labels = batch.labels[branch.rows]
                alone = alone + self._task_loss(branch.outputs.logits, labels)
        fused = self._fuse(branches, batch)
        together = self._task_loss(fused.logits, batch.labels)
        alpha = self._options.alpha
        if self._options.ramp:
            alpha *= min(1.0, batch.share / self._options.ramp)
        loss = task_loss + alone + together
        parts = {'multimodal': detached(together), 'sources': detached(alone)}
        if alpha:
            transfer = self._transfer(fused, branches)
            loss = loss + alpha * transfer
            parts['transfer'] = detached(transfer)
        return LossTerms(loss, parts)

    def _run(self, source: Source, batch: TrainingBatch) -> _Branch | None:
        theirs = source.partners(batch.rows, batch.labels, self._options.pairing)
        rows = torch.nonzero(theirs >= 0)[:, 0]
        if not len(rows):
            return None
        device = batch.labels.device
        read = to_device(source.read(theirs[rows]), device)
        windows = source.augment(read, self._generator)
        return _Branch(to_device(rows, device), windows, source.classifier.outputs(windows))

    def _fuse(self, branches: Sequence[_Branch | None], batch: TrainingBatch) -> Fused:
        count = len(batch.labels)
        present = torch.zeros((count, len(branches)), dtype=torch.bool, device=batch.labels.device)
        all_tokens = []
        for number, branch in enumerate(branches):
            if branch is None:
                all_tokens.append(torch.zeros((count, 1, self._dim), device=present.device))
                continue
            present[branch.rows, number] = True
            tokens = branch.outputs.tokens
            if self.encoders:
                own = (self.target, *self.branches)[number]
                tokens = self.encoders[number](own.preprocess(branch.windows))
            whole = tokens.new_zeros((count, *tokens.shape[1:]))
            all_tokens.append(whole.index_copy(0, branch.rows, tokens))
        fused: Fused = self.multimodal(all_tokens, present)
        return fused

    def _transfer(self, fused: Fused, branches: Sequence[_Branch | None]) -> Tensor:
        losses = [
            transfer_loss(
                self._options.transfer,
                fused,
                fused.attention[number],
                branch.rows,
                branch.outputs,
                self._options.temperature,
            )
            for number, branch in enumerate(branches)
            if branch is not None
        ]
        return torch.stack(losses).sum()


def transfer_loss(
    kind: TransferKind,
    teacher: Fused,
    teacher_attention: Tensor,
    rows: Tensor,
    student: Outputs,
    temperature: float,
) -> Tensor:
    """Give ``L_kt`` (): what one sensor's branch has yet to learn from the multimodal one.

    ``rows`` (P,) of the teacher's batch are those that the student has windows for;
    ``teacher_attention`` (B, T, T) is of the student's sensor. The teacher is detached.
    """
    if kind == 'decision':
        ours = (student.logits / temperature).log_softmax(dim=1)
        theirs = (teacher.logits.detach()[rows] / temperature).log_softmax(dim=1)
        divergence = functional.kl_div(ours, theirs, log_target=True, reduction='batchmean')
        return temperature**2 * divergence
    if kind == 'feature':
        return cosine_loss(student.feature, teacher.feature[rows])
    tiny = torch.finfo(teacher_attention.dtype).tiny
    ours = attention_rows(student.query, student.key).clamp_min(tiny).log()
    theirs = teacher_attention.detach()[rows].clamp_min(tiny).log()
    return functional.kl_div(
        ours.flatten(0, 1), theirs.flatten(0, 1), log_target=True, reduction='batchmean'
    )

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

"""Methods whose loss compares the target's outputs with those of frozen sources, pair by pair."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field
from torch import Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import MethodOptions, TransferMethod
from xmodal_ros.methods.soft_targets import distilled_loss
from xmodal_ros.methods.source import paired_sources, PairedSource, Pairing, Source
from xmodal_ros.methods.training_module import (
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs

_TEMPERATURE: Final = 4.0


class PairedOptions(MethodOptions):
    """Options of every paired method.

    ``pairing`` is ``time`` for windows that end at the same stamp, ``class`` for a random window
    of the same activity in every step, or ``time_else_class``.
    """

    pairing: Pairing = 'time'


class CombinedOptions(PairedOptions):
    """Options of methods that go together with distillation.

    ``distillation`` is the share α of the sources' softened probabilities (T = 4) in what the
    target learns beside the method's own part, as of
    :class:`~xmodal_ros.methods.distillation.Distillation`.
    """

    distillation: Annotated[float, Field(ge=0, le=1)] = 0.0

    def with_distillation(
        self, task_loss: Tensor, logits: Tensor, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Put what the sources answer beside the labels."""
        return distilled_loss(task_loss, logits, sources, self.distillation, _TEMPERATURE)


class DistilledMethod(TransferMethod, abstract=True):
    """A method that needs no pairs, unless it goes together with distillation."""

    options: CombinedOptions

    @property
    def needs_overlap(self) -> bool:
        """Only distillation compares moments, and only where it pairs in time."""
        return bool(self.options.distillation) and self.options.pairing == 'time'


def distilled_step(
    options: CombinedOptions,
    sources: Mapping[str, Source],
    batch: TrainingBatch,
    outputs: Outputs,
    task_loss: Tensor,
) -> LossTerms:
    """Put what sources answer to a batch beside its labels, where that was asked for."""
    if not options.distillation:
        # Nothing is drawn either.
        return LossTerms(task_loss, {})
    paired = paired_sources(sources, batch.rows, batch.labels, options.pairing)
    return options.with_distillation(task_loss, outputs.logits, paired)


class PairingMethod(TransferMethod, abstract=True):
    """A method whose option ``pairing`` says what it needs."""

    options: PairedOptions

    @property
    def needs_overlap(self) -> bool:
        """Only pairs in time need recordings made together."""
        return self.options.pairing == 'time'

    @property
    def learns_unlabelled(self) -> bool:
        """Pairs in time need no labels."""
        return self.options.pairing != 'class'


class PairedMethod(PairingMethod, abstract=True):
    """A method that is all said by its loss on a batch."""

    @abstractmethod
    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Combine the target's own loss on a batch with what the sources teach.

        ``task_loss`` () is the cross-entropy over the batch. A source without a partner for any
        window of the batch is absent from ``sources``. Raises :class:`ConfigurationError` when
        the outputs' shapes do not fit the method.
        """

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module that asks :meth:`compute_loss` in every step."""
        return PairedModule(task, self)


def check_same_dim(target: Tensor, source: Tensor) -> None:
    """Raise :class:`ConfigurationError` unless features (P, d) of both sides have one d."""
    if target.shape[1] != source.shape[1]:
        raise ConfigurationError(
            f"the target's features have {target.shape[1]} dimensions, the source's "
            f'{source.shape[1]}: train both with the same encoder dim'
        )


class PairedModule(TrainingModule):
    """Asks a method for its loss on the pairs of each batch."""

    def __init__(self, task: TransferTask, method: PairedMethod) -> None:
        super().__init__(task)
        self._sources = task.sources
        self._method = method

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        """Pair the batch, and combine the losses."""
        options = self._method.options
        paired = paired_sources(self._sources, batch.rows, batch.labels, options.pairing)
        if not isinstance(options, CombinedOptions):
            return self._method.compute_loss(task_loss, outputs, paired)
        taught = options.with_distillation(task_loss, outputs.logits, paired)
        terms = self._method.compute_loss(taught.loss, outputs, paired)
        return LossTerms(terms.loss, {**taught.parts, **terms.parts})

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

"""Features taken apart by frequency: slow ones are matched closely, fast ones loosely.

Reconstruction of Liu et al., "Distilling Cross-Modal Knowledge via Feature Disentanglement"
(FD-CMKD, AAAI 2026): what sensors share lies low in the spectrum of their features, what is of one
of them alone lies high. The spectrum is that of the pooled feature along its dimensions, and the
head that was trained on the source's features reads the target's too.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import check_same_dim, CombinedOptions, PairingMethod
from xmodal_ros.methods.source import mean_over_pairs, paired_sources, PairedSource
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs

# Keeps the scale of a feature that does not differ from its mean from being divided by.
_TINY = 1e-6


class FrequencyOptions(CombinedOptions):
    """Options of distillation by frequency.

    ``cut`` is the share of frequencies that are low, ``low`` and ``high`` weigh the two bands,
    ``shared_head`` the loss of the source's head on the target's features.
    """

    cut: Annotated[float, Field(gt=0, lt=1)] = 0.25
    low: Annotated[float, Field(ge=0)] = 1.0
    high: Annotated[float, Field(ge=0)] = 0.1
    shared_head: Annotated[float, Field(ge=0)] = 0.3


class FrequencyDistillation(PairingMethod):
    """Minimise ``CE + λ_l L_low + λ_h L_high + λ_c CE(source's head)`` on pairs of windows."""

    name: ClassVar[str] = 'frequency_distillation'
    Options: ClassVar[type[MethodOptions]] = FrequencyOptions
    options: FrequencyOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that adds the bands and the shared head to the target's loss."""
        return _FrequencyModule(task, self.options)


class _FrequencyModule(TrainingModule):
    def __init__(self, task: TransferTask, options: FrequencyOptions) -> None:
        super().__init__(task)
        self._sources = task.sources
        self._task_loss = task.task_loss
        self._options = options

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        options = self._options
        paired = paired_sources(self._sources, batch.rows, batch.labels, options.pairing)
        terms = options.with_distillation(task_loss, outputs.logits, paired)
        if not paired:
            return terms
        loss, parts = terms.loss, dict(terms.parts)
        if options.low or options.high:
            bands = [
                band_losses(outputs.feature[s.rows], s.outputs.feature, options.cut)
                for s in paired.values()
            ]
            pairs = paired.values()
            low, high = (mean_over_pairs(losses, pairs) for losses in zip(*bands, strict=True))
            loss = loss + options.low * low + options.high * high
            parts |= {'low': detached(low), 'high': detached(high)}
        if options.shared_head:
            read = self._read_by_sources(batch, outputs, paired)
            loss = loss + options.shared_head * read
            parts['shared head'] = detached(read)
        return LossTerms(loss, parts)

    def _read_by_sources(
        self, batch: TrainingBatch, outputs: Outputs, paired: Mapping[str, PairedSource]
    ) -> Tensor:
        losses = []
        for name, source in paired.items():
            head = self._sources[name].classifier.head
            if head.in_features != outputs.feature.shape[1]:
                raise ConfigurationError(
                    f"the head of source '{name}' reads {head.in_features} numbers, the target's "
                    f'features have {outputs.feature.shape[1]}: train both with the same encoder '
                    'dim and no patch, or give shared_head=0'
                )
            weight, bias = head.weight.detach(), head.bias.detach()
            logits = functional.linear(outputs.feature[source.rows], weight, bias)
            losses.append(self._task_loss(logits, batch.labels[source.rows]))
        return mean_over_pairs(losses, paired.values())


def band_losses(target: Tensor, source: Tensor, cut: float) -> tuple[Tensor, Tensor]:
    """Give the losses () of the low and the high band of paired features (P, d).

    Features are taken off their mean over the pairs and divided by their root mean square, each
    side by its own, so that what all windows have in common and how large features are say
    nothing. Low is the mean squared difference of what the lowest frequencies make up; high that
    of ``sign(x) log(1 + |x|)`` of the rest. The source's side is detached. Raises
    :class:`ConfigurationError` when the dimensions differ.
    """
    check_same_dim(target, source)
    (our_low, our_high), (their_low, their_high) = (
        split_bands(_scaled(side), cut) for side in (target, source.detach())
    )
    low = functional.mse_loss(our_low, their_low)
    high = functional.mse_loss(_sign_log(our_high), _sign_log(their_high))
    return low, high


def split_bands(features: Tensor, cut: float) -> tuple[Tensor, Tensor]:
    """Split features (B, d) along d into a low and a high band (B, d), which add up to them.

    The lowest ``cut`` of the frequencies are low, the constant always.
    """
    spectrum = torch.fft.rfft(features, dim=1)
    kept = max(1, round(cut * spectrum.shape[1]))
    mask = torch.arange(spectrum.shape[1], device=features.device) < kept
    low = torch.fft.irfft(spectrum * mask, n=features.shape[1], dim=1)
    return low, features - low


def _scaled(features: Tensor) -> Tensor:
    free = features - features.mean(dim=0)
    # Under the root, whose slope at zero is none.
    return free / free.square().mean().clamp_min(_TINY**2).sqrt()


def _sign_log(values: Tensor) -> Tensor:
    return values.sign() * values.abs().log1p()

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

"""D-CAT: align the target's self-attention with its cross-attention to a frozen source.

Reconstruction of Daher, Wang, Mielle, "D-CAT: Decoupled Cross-Attention Transfer between Sensor
Modalities" (ICRA 2026). The target's self-attention is ``Q_t K_tᵀ V_t``, its cross-attention to
the source ``Q_t K_sᵀ V_s``; factoring ``Q_t`` out leaves the difference of ``KᵀV``, which needs no
source once training is over. What the paper leaves open is an option here. So is what the
matrices are compared by: their distance, or whom among the source's windows they resemble.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.linalg import matrix_norm

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairedMethod
from xmodal_ros.methods.relational import RelationalModule, RelationalOptions
from xmodal_ros.methods.source import mean_over_pairs, PairedSource
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs

Distance = Literal['frobenius', 'relational']
Normalisation = Literal['frobenius', 'by_length', 'softmax', 'none']
# Keeps the gradient of a norm finite at zero; far below any value the loss is read at.
_TINY = 1e-12


class DcatOptions(RelationalOptions):
    """Options of D-CAT; every default but ``weight`` is a choice of this reconstruction.

    ``weight`` is λ. ``distance`` is how ``N(K_tᵀV_t)`` and ``N(K_sᵀV_s)`` are compared:
    ``frobenius`` by the norm of their difference, ``relational`` by whom among the source's
    windows of the batch they resemble, with ``temperature`` and ``centre`` as of
    :class:`~xmodal_ros.methods.relational.RelationalOptions`. ``normalisation`` is N:
    ``frobenius`` divides by the matrix's own norm, ``by_length`` by the number of tokens,
    ``softmax`` takes it over each row, ``none`` leaves it. ``per_head`` takes each attention
    head's ``(d/h, d/h)`` matrix on its own, otherwise the ``(d, d)`` one of all heads together.
    ``centred`` takes the batch's mean matrix off each side before N: what all windows have in
    common says nothing of any of them, and is most of ``KᵀV``. ``squared`` squares the Frobenius
    distance.
    """

    distance: Distance = 'frobenius'
    normalisation: Normalisation = 'frobenius'
    squared: bool = False
    per_head: bool = True
    centred: bool = False


class Dcat(PairedMethod):
    """Minimise ``CE + λ · mean over sources of L_CA`` on pairs of windows."""

    name: ClassVar[str] = 'dcat'
    Options: ClassVar[type[MethodOptions]] = DcatOptions
    options: DcatOptions

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that compares matrices by their distance, or their relations."""
        if self.options.distance == 'frobenius':
            return super().make_module(task)
        return RelationalModule(task, self.options, self._described)

    def _described(self, outputs: Outputs) -> Tensor:
        return described(outputs.key, outputs.value, self.options)

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Add the alignment loss, averaged over the sources that have partners."""
        if not sources or not self.options.weight:
            return LossTerms(task_loss, {})
        losses = [
            alignment_loss(
                target.key[source.rows],
                target.value[source.rows],
                source.outputs.key,
                source.outputs.value,
                self.options,
            )
            for source in sources.values()
        ]
        alignment = mean_over_pairs(losses, sources.values())
        return LossTerms(
            task_loss + self.options.weight * alignment, {'alignment': detached(alignment)}
        )


def alignment_loss(
    target_key: Tensor,
    target_value: Tensor,
    source_key: Tensor,
    source_value: Tensor,
    options: DcatOptions,
) -> Tensor:
    """Give ``L_CA`` (), the mean over the batch (and heads) of the matrices' distance.

    Keys and values are (B, heads, T, d / heads); the numbers of tokens T of the two sides may
    differ, d and heads may not (:class:`ConfigurationError`). The source's side is detached.
    """
    if target_key.shape[1::2] != source_key.shape[1::2]:
        (_, heads, _, dim), (_, other_heads, _, other_dim) = target_key.shape, source_key.shape
        raise ConfigurationError(
            f'D-CAT compares (d, d) matrices, but the target has {heads} heads of {dim} and the '
            f'source {other_heads} of {other_dim}: train both with the same encoder dim'
        )
    ours = _compared(target_key, target_value, options)
    theirs = _compared(source_key.detach(), source_value.detach(), options)
    squared = (ours - theirs).square().sum(dim=(-2, -1))
    if options.squared:
        return squared.mean()
    # The root's slope at zero is infinite; below _TINY the distance is zero for good.
    near = squared <= _TINY
    distance = torch.where(near, 0.0, torch.where(near, 1.0, squared).sqrt())
    return distance.mean()


def described(key: Tensor, value: Tensor, options: DcatOptions) -> Tensor:
    """Give ``vec N(KᵀV)`` (B, D) of keys and values (B, heads, T, d / heads), heads in a row."""
    return _compared(key, value, options).flatten(1)


def _compared(key: Tensor, value: Tensor, options: DcatOptions) -> Tensor:
    if not options.per_head:
        key, value = (t.transpose(1, 2).flatten(2)[:, None] for t in (key, value))
    matrix = torch.matmul(key.transpose(-2, -1), value)
    if options.centred:
        matrix = matrix - matrix.mean(dim=0, keepdim=True)
    if options.normalisation == 'frobenius':
        size: Tensor = matrix_norm(matrix, keepdim=True)
        return matrix / size.clamp_min(_TINY)
    if options.normalisation == 'by_length':
        return matrix / key.shape[-2]
    if options.normalisation == 'softmax':
        return matrix.softmax(dim=-1)
    return matrix

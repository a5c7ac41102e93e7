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

"""Relations instead of values: whom among the source's windows does a window resemble?

What two sensors make of one moment need not look alike for the target to learn from the source
which moments are alike. For what a method describes a window by, ``z``, over the pairs of a batch:
``P_ij = softmax_j(cos(z_si, z_sj) / τ)``, ``Q_ij = softmax_j(cos(z_ti, z_sj) / τ)`` and
``L = mean_i KL(P_i ‖ Q_i)``. In the manner of similarity-preserving distillation (Tung, Mori, ICCV
2019; Fang et al., "SEED", ICLR 2021), with the source's own windows as what is resembled.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.paired import CombinedOptions
from xmodal_ros.methods.source import mean_over_pairs, paired_sources, PairedSource, Source
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import each_part, Outputs

# Outputs of B windows to what describes them, (B, D).
Describe = Callable[[Outputs], Tensor]
Centre = Literal['source', 'batch', 'none']


class RelationalOptions(CombinedOptions):
    """Options of methods that compare relations.

    ``weight`` is λ and ``temperature`` τ. ``centre`` is what is taken off both sides before
    cosines are: the ``source``'s mean over all its training windows, the mean of each side over
    the ``batch``, or nothing (``none``).
    """

    weight: Annotated[float, Field(ge=0)] = 1.0
    temperature: Annotated[float, Field(gt=0)] = 0.1
    centre: Centre = 'source'


class Relations:
    """The loss of relations with some sources; ``describe`` says what windows are described by."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        describe: Describe,
        temperature: float,
        centre: Centre = 'source',
    ) -> None:
        self._describe = describe
        self._temperature = temperature
        self._centre = centre
        self._centres = {
            name: _mean_over_windows(source, describe)
            for name, source in sources.items()
            if centre == 'source'
        }

    def loss(self, outputs: Outputs, paired: Mapping[str, PairedSource]) -> Tensor:
        """Give the divergence (), averaged over the sources, of which there has to be one."""
        ours = self._describe(outputs)
        losses = [
            relational_loss(
                ours[source.rows],
                self._describe(source.outputs),
                self._temperature,
                self._centres[name] if self._centre == 'source' else self._centre,
            )
            for name, source in paired.items()
        ]
        return mean_over_pairs(losses, paired.values())


class RelationalModule(TrainingModule):
    """Adds the relations of what ``describe`` makes of the outputs to the target's loss."""

    def __init__(self, task: TransferTask, options: RelationalOptions, describe: Describe) -> None:
        super().__init__(task)
        self._sources = task.sources
        self._options = options
        asked = task.sources if options.weight else {}
        self._relations = Relations(asked, describe, options.temperature, options.centre)

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        """Add the divergence, averaged over the sources that have partners."""
        options = self._options
        paired = paired_sources(self._sources, batch.rows, batch.labels, options.pairing)
        taught = options.with_distillation(task_loss, outputs.logits, paired)
        if not paired or not options.weight:
            return taught
        relations = self._relations.loss(outputs, paired)
        return LossTerms(
            taught.loss + options.weight * relations,
            {**taught.parts, 'relations': detached(relations)},
        )


def relational_loss(
    target: Tensor,
    source: Tensor,
    temperature: float,
    centre: Tensor | Literal['batch', 'none'] = 'none',
) -> Tensor:
    """Give ``mean_i KL(P_i ‖ Q_i)`` () of P pairs of windows, described by (P, D) on each side.

    ``centre`` is a vector (D,) to take off both sides, or as of :class:`RelationalOptions`. The
    source's side is detached. Raises :class:`ConfigurationError` when the dimensions differ.
    """
    if target.shape[1] != source.shape[1]:
        raise ConfigurationError(
            f'the target is described by {target.shape[1]} numbers, the source by '
            f'{source.shape[1]}: train both with the same encoder dim'
        )
    source = source.detach()
    if isinstance(centre, Tensor):
        target, source = target - centre, source - centre
    elif centre == 'batch':
        target, source = target - target.mean(dim=0), source - source.mean(dim=0)
    ours, theirs = functional.normalize(target, dim=1), functional.normalize(source, dim=1)
    return functional.kl_div(
        (ours @ theirs.T / temperature).log_softmax(dim=1),
        (theirs @ theirs.T / temperature).log_softmax(dim=1),
        log_target=True,
        reduction='batchmean',
    )


def _mean_over_windows(source: Source, describe: Describe) -> Tensor:
    """Give the mean (D,) of a source's training windows, a part at a time."""
    total = torch.zeros(())
    for part in each_part(source.outputs):
        described = describe(part).double()
        total = total.to(described) + described.sum(dim=0)
    return (total / len(source.windows)).float()

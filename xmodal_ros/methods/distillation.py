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

"""Logit distillation: the target learns a frozen source's softened probabilities.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (2015), between sensors: the
teacher sees another modality's window of the same moment. The baseline that any method which
looks inside the networks has to beat.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field, field_validator, ValidationInfo
from torch import Tensor

from xmodal_ros.methods.focusing import focused
from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairedMethod, PairedModule, PairedOptions
from xmodal_ros.methods.soft_targets import distilled_loss
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.methods.training_module import LossTerms, TrainingModule, TransferTask
from xmodal_ros.models.classifier import Outputs


class DistillationOptions(PairedOptions):
    """``alpha`` is the share of the teacher's word in the loss, ``temperature`` softens it.

    Of each teacher's feature channels the share ``focus`` is kept that the target's sensor
    determines best (:mod:`xmodal_ros.methods.focusing`); 1 keeps all.
    """

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.3
    temperature: Annotated[float, Field(gt=0)] = 4.0
    focus: Annotated[float, Field(gt=0, le=1)] = 1.0

    @field_validator('focus')
    @classmethod
    def _needs_moments(cls, focus: float, info: ValidationInfo) -> float:
        if focus < 1 and info.data.get('pairing') == 'class':
            raise ValueError(
                'below 1 it asks what both sensors saw of one moment: not with pairing=class'
            )
        return focus


class Distillation(PairedMethod):
    """Minimise ``(1 − α) CE + α T² KL(teacher ‖ target)``, on pairs of windows.

    Where only a share of a batch has a partner, α shrinks by that share.
    """

    name: ClassVar[str] = 'distillation'
    Options: ClassVar[type[MethodOptions]] = DistillationOptions
    options: DistillationOptions

    @property
    def gives_pseudo_labels(self) -> bool:
        """Where the target learns them itself."""
        return self.learns_unlabelled and self.options.alpha > 0

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module that distils all that teachers answer, or what they are focused on."""
        if self.options.focus == 1:
            return super().make_module(task)
        return _FocusedModule(task, self)

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Weigh the labels' loss against the teachers'."""
        return distilled_loss(
            task_loss, target.logits, sources, self.options.alpha, self.options.temperature
        )


class _FocusedModule(PairedModule):
    def __init__(self, task: TransferTask, method: Distillation) -> None:
        share = method.options.focus
        found = {name: focused(source, task, share) for name, source in task.sources.items()}
        super().__init__(
            replace(task, sources={n: each.source for n, each in found.items()}), method
        )
        self._facts = {name: each.facts() for name, each in found.items()}

    def facts(self) -> dict[str, object]:
        return {'focus': self._facts}

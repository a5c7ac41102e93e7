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
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.soft_targets import distilled_loss
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.methods.training_module import LossTerms
from xmodal_ros.models.classifier import Outputs


class DistillationOptions(PairedOptions):
    """``alpha`` is the share of the teacher's word in the loss, ``temperature`` softens it."""

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.3
    temperature: Annotated[float, Field(gt=0)] = 4.0


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

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Weigh the labels' loss against the teachers'."""
        return distilled_loss(
            task_loss, target.logits, sources, self.options.alpha, self.options.temperature
        )

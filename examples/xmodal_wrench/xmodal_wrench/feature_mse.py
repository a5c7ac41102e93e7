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

"""Feature regression: the target's pooled feature is to be the frozen source's."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.methods.training_module import detached, LossTerms
from xmodal_ros.models.classifier import Outputs


class FeatureMseOptions(PairedOptions):
    """``weight`` is λ."""

    weight: Annotated[float, Field(ge=0)] = 0.1


class FeatureMse(PairedMethod):
    """Minimise ``CE + λ · mean over sources of ‖f_t − f_s‖²`` on pairs of windows."""

    name: ClassVar[str] = 'feature_mse'
    Options: ClassVar[type[MethodOptions]] = FeatureMseOptions
    options: FeatureMseOptions

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Add the squared distance, averaged over the sources that have partners."""
        if not sources or not self.options.weight:
            return LossTerms(task_loss, {})
        losses = [
            functional.mse_loss(target.feature[each.rows], each.outputs.feature.detach())
            for each in sources.values()
        ]
        distance = torch.stack(losses).mean()
        return LossTerms(task_loss + self.options.weight * distance, {'mse': detached(distance)})

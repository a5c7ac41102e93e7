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

"""Feature alignment: the target's pooled feature points where the frozen source's does.

The plainest form of feature matching, and the baseline of D-CAT, which aligns what attention makes
of the tokens rather than their mean.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import check_same_dim, CombinedOptions, PairedMethod
from xmodal_ros.methods.source import mean_over_pairs, PairedSource
from xmodal_ros.methods.training_module import detached, LossTerms
from xmodal_ros.models.classifier import Outputs


class FeatureCosineOptions(CombinedOptions):
    """``weight`` is λ."""

    weight: Annotated[float, Field(ge=0)] = 1.0


class FeatureCosine(PairedMethod):
    """Minimise ``CE + λ · mean over sources of (1 − cos)`` on pairs of windows."""

    name: ClassVar[str] = 'feature_cosine'
    Options: ClassVar[type[MethodOptions]] = FeatureCosineOptions
    options: FeatureCosineOptions

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Add the distance of directions, averaged over the sources that have partners."""
        if not sources or not self.options.weight:
            return LossTerms(task_loss, {})
        losses = [
            cosine_loss(target.feature[source.rows], source.outputs.feature)
            for source in sources.values()
        ]
        distance = mean_over_pairs(losses, sources.values())
        return LossTerms(
            task_loss + self.options.weight * distance, {'cosine': detached(distance)}
        )


def cosine_loss(target: Tensor, source: Tensor) -> Tensor:
    """Give the mean of ``1 − cos`` (), in [0, 2], of features (P, d); the source's is detached.

    Raises :class:`ConfigurationError` when they have different dimensions.
    """
    check_same_dim(target, source)
    return (1 - functional.cosine_similarity(target, source.detach(), dim=1)).mean()

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

"""The encoders of signals whose features are fixed, and only what is made of them is learnt."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig
from xmodal_ros.models.configuration_features import (
    Features,
    RocketFeatures,
    StatisticsFeatures,
)

if TYPE_CHECKING:
    from torch import nn


class FixedFeaturesConfig(EncoderConfig):
    """Standardised features of a window, or of parts of it, and a linear layer to tokens."""

    input: ClassVar[EncoderInput] = 'sequence'

    @property
    @abstractmethod
    def features(self) -> Features:
        """Which features they are."""

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights."""
        from xmodal_ros.models.modeling_fixed import FixedFeaturesEncoder

        return FixedFeaturesEncoder(self, channels)


class RocketConfig(FixedFeaturesConfig):
    """Shares of ``segments`` parts of a window in which fixed dilated kernels exceed biases.

    After MiniRocket (Dempster, Schmidt, Webb, KDD 2021); ``width`` is eight times the number of
    biases a kernel. A token for each segment.
    """

    widths: ClassVar = {'small': 16, 'default': 64, 'large': 128}

    kind: Literal['rocket'] = 'rocket'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    segments: Annotated[int, Field(ge=1, le=64)] = 4

    @property
    def features(self) -> RocketFeatures:
        """Its kernels."""
        return RocketFeatures(biases=self.width // 8, segments=self.segments)


class StatisticsConfig(FixedFeaturesConfig):
    """Moments, extremes, percentiles, changes over time and correlations: one token.

    ``width`` is that of a hidden layer.
    """

    widths: ClassVar = {'small': 64, 'default': 128, 'large': 256}

    kind: Literal['statistics'] = 'statistics'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 128

    @property
    def features(self) -> StatisticsFeatures:
        """Those of the window."""
        return StatisticsFeatures()

    def check_window(self, steps: int) -> None:
        """Raise ValueError when there is nothing to take statistics of."""
        if steps < 2:
            raise ValueError(f'windows of {steps} steps are too short for statistics')

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

"""Which numbers describe a window where nothing is learnt by gradient; without torch."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

ROCKET_KERNELS: Final = 84
"""Of nine steps with three twos and six minus ones, all that there are."""


class StatisticsFeatures(BaseModel):
    """Moments, extremes, percentiles, changes over time and correlations of channels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['statistics'] = 'statistics'


class RocketFeatures(BaseModel):
    """Shares of the window in which fixed kernels of each dilation exceed ``biases`` each."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['rocket'] = 'rocket'
    dilations: Annotated[
        tuple[Annotated[int, Field(ge=1, le=256)], ...], Field(min_length=1, max_length=16)
    ] = (1, 2, 4, 8, 16)
    biases: Annotated[int, Field(ge=1, le=64)] = 8
    segments: Annotated[int, Field(ge=1, le=64)] = 1

    @property
    def per_window(self) -> int:
        """How many numbers each part of a window is described by."""
        return len(self.dilations) * ROCKET_KERNELS * self.biases


Features = StatisticsFeatures | RocketFeatures

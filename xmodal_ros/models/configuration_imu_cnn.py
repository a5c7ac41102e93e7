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

"""The encoder of signals: convolutions over time."""

from typing import Annotated, ClassVar, Literal, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig

if TYPE_CHECKING:
    from torch import nn


class ImuCnnConfig(EncoderConfig):
    """A convolutional net over time in the manner of CNN-HAR (WHAR Arena, 2026).

    The first three layers halve the rate each: 150 steps become 19 tokens. Long kernels let a
    token see more than a second, and cost little where the rate is low.
    """

    input: ClassVar[EncoderInput] = 'sequence'
    widths: ClassVar = {'small': 32, 'default': 64, 'large': 128}

    kind: Literal['imu_cnn'] = 'imu_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights."""
        from xmodal_ros.models.modeling_imu_cnn import ImuCnnEncoder

        return ImuCnnEncoder(self, channels)

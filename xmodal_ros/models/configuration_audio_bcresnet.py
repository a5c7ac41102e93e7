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

"""The encoder of sound: a net in the manner of BC-ResNet over log-mel frames."""

from typing import Annotated, ClassVar, Literal, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig

if TYPE_CHECKING:
    from torch import nn


class AudioBcResNetConfig(EncoderConfig):
    """Log-mel frames to tokens: 3 s in 297 frames become 38 tokens.

    ``width`` is the channels of the first stage, 8 τ in the paper: 24 is BC-ResNet-3.
    """

    input: ClassVar[EncoderInput] = 'spectrogram'
    # The paper's BC-ResNet-2, -3 and -5.
    widths: ClassVar = {'small': 16, 'default': 24, 'large': 40}

    kind: Literal['audio_bcresnet'] = 'audio_bcresnet'
    width: Annotated[int, Field(ge=8, le=128, multiple_of=8)] = 24
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights."""
        from xmodal_ros.models.modeling_audio_bcresnet import AudioBcResNetEncoder

        return AudioBcResNetEncoder(self, channels)

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

"""The encoder of pictures: convolutions over short stacks of frames, then over time."""

from typing import Annotated, ClassVar, Literal, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig

if TYPE_CHECKING:
    from torch import nn


class CameraCnnConfig(EncoderConfig):
    """2-D convolutions over short stacks of frames, then convolutions over time.

    ``frames_per_token`` consecutive frames are seen as the channels of one picture, the tubelets
    of ViViT (Arnab et al., ICCV 2021): what moves between them is visible where it moves.
    """

    input: ClassVar[EncoderInput] = 'pictures'
    widths: ClassVar = {'small': 8, 'default': 16, 'large': 32}

    kind: Literal['camera_cnn'] = 'camera_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 16
    frames_per_token: Annotated[int, Field(ge=1, le=8)] = 2

    def check_window(self, steps: int) -> None:
        """Raise ValueError when windows hold fewer frames than a token."""
        if steps < self.frames_per_token:
            raise ValueError(
                f'windows of {steps} frames are too short for an encoder that takes '
                f'{self.frames_per_token} at a time'
            )

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights."""
        from xmodal_ros.models.modeling_camera_cnn import CameraCnnEncoder

        return CameraCnnEncoder(self, channels)

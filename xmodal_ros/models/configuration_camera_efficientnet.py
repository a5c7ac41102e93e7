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

"""The encoder of pictures that begins with what a net has learnt from photographs."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig
from xmodal_ros.models.pretrained import find_weights, weights_sha256

if TYPE_CHECKING:
    from torch import nn


class CameraEfficientNetConfig(EncoderConfig):
    """EfficientNet-Lite0, which stays as it is, on each frame; what is learnt is what they say.

    Frames are scaled until the longer side has ``side`` pixels. The map of features after so many
    of the net's ``stages``, or of its head where they are 8, is averaged over a ``grid`` of as
    many rows as columns. Each of so many ``parts`` of a window becomes a token: linear layers, of
    ``width`` between them, on the means, deviations and changes of its frames' features.
    ``backbone_width`` multiplies the net's channels, for tests. ``pretrained`` is the SHA-256 of
    the file of weights that it began with; the weights themselves are in the bundle.
    """

    input: ClassVar[EncoderInput] = 'pictures'
    widths: ClassVar = {'small': 32, 'default': 64, 'large': 128}
    stream_options: ClassVar = {
        'colour': True,
        'height': 72,
        'width': 96,
        'rate_hz': 4,
        'motion': False,
    }
    takes_weights: ClassVar[bool] = True
    remembers_frames: ClassVar[bool] = True

    kind: Literal['camera_efficientnet'] = 'camera_efficientnet'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    side: Annotated[int, Field(ge=32, le=512, multiple_of=8)] = 96
    stages: Annotated[int, Field(ge=1, le=8)] = 4
    grid: Annotated[int, Field(ge=1, le=8)] = 2
    parts: Annotated[int, Field(ge=1, le=16)] = 3
    backbone_width: Annotated[float, Field(ge=0.1, le=2)] = 1.0
    pretrained: Annotated[str, Field(pattern=r'^([0-9a-f]{64})?$')] = ''
    weights: Annotated[Path | None, Field(exclude=True)] = None
    """Where it was trained, the file of them; no document says it."""

    def with_weights(self, file: Path | None) -> Self:
        """Give it with the weights of a file, or of the extra ``pretrained`` where that is there.

        Raises :class:`ConfigurationError` where there are none.
        """
        found = find_weights(file)
        changed: dict[str, Any] = {'weights': found, 'pretrained': weights_sha256(found)}
        return self.model_copy(update=changed)

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights."""
        from xmodal_ros.models.modeling_camera_efficientnet import CameraEfficientNetEncoder

        return CameraEfficientNetEncoder(self, channels)

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

"""What a model wants of a camera."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput, StreamConfig

CameraPixels = Literal['gray', 'rgb', 'depth']
CHANNEL_COUNT: Final[dict[CameraPixels, int]] = {'gray': 1, 'rgb': 3, 'depth': 1}
IMAGE_TYPE: Final = 'sensor_msgs/msg/Image'
COMPRESSED_TYPE: Final = 'sensor_msgs/msg/CompressedImage'


class CameraStream(StreamConfig):
    """A camera: frames scaled to ``height`` x ``width`` pixels."""

    encoder_input: ClassVar[EncoderInput] = 'pictures'

    modality: Literal['camera'] = 'camera'
    pixels: CameraPixels
    height: Annotated[int, Field(ge=8, le=1024)]
    width: Annotated[int, Field(ge=8, le=1024)]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.height, self.width, self.channel_count)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return CHANNEL_COUNT[self.pixels]

    def describe(self) -> str:
        """Say which pixels it has."""
        return f'{self.pixels}, {self.width}x{self.height}'

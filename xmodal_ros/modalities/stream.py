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

"""What a model's stream looks like; part of its bundle, so that robot and training agree."""

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

# What an encoder has to read of a preprocessed window: a sequence (steps, C), pictures
# (steps, H, W, C), or the (frames, bands) of a spectrogram.
EncoderInput = Literal['sequence', 'pictures', 'spectrogram']


class StreamConfig(BaseModel):
    """A modality's stream; each modality extends it by what may differ between sensors."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: str
    encoder_input: ClassVar[EncoderInput] = 'sequence'

    @property
    @abstractmethod
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    @property
    @abstractmethod
    def channel_count(self) -> int:
        """The length of a sample's last axis."""

    def describe(self) -> str:
        """Say in a few words what is particular about this stream; '' where nothing is."""
        return ''

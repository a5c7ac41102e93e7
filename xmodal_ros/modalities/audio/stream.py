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

"""What a model wants of a microphone."""

from typing import ClassVar, Literal

from xmodal_ros.modalities.stream import EncoderInput, StreamConfig


class AudioStream(StreamConfig):
    """A microphone: one channel of sound in [-1, 1], at the rate of the window's grid."""

    encoder_input: ClassVar[EncoderInput] = 'spectrogram'

    modality: Literal['audio'] = 'audio'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return ()

    @property
    def channel_count(self) -> int:
        """One: windows (steps,) have no axis of channels."""
        return 1

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

"""What the parts of a model must have in common, for a document that contradicts itself."""

from collections.abc import Sequence

from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.models.configuration_encoder import EncoderConfig
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep
from xmodal_ros.windows.windowing import WindowingSpec


def check_model(
    stream: StreamConfig,
    window: WindowingSpec,
    preprocessing: Sequence[PreprocessingStep],
    encoder: EncoderConfig,
) -> None:
    """Raise ValueError, as pydantic's validators do, when no model can be made of these parts."""
    if encoder.input != stream.encoder_input:
        raise ValueError(f'encoder {encoder.kind} cannot read a {stream.modality} stream')
    encoder.check_window(window.steps)
    _check_conversion(stream, preprocessing)
    channels = stream.channel_count
    for step in preprocessing:
        step.check(window, channels)
        channels = step.channels(channels)


def _check_conversion(stream: StreamConfig, preprocessing: Sequence[PreprocessingStep]) -> None:
    """Sound, and nothing else, has no channels until a first step gives it some."""
    needed = stream.encoder_input == 'spectrogram'
    places = [n for n, step in enumerate(preprocessing) if step.gives is not None]
    if needed and places != [0]:
        raise ValueError(
            f'a stream of {stream.modality} needs one log_mel step, before all others'
        )
    if places and not needed:
        kind = preprocessing[places[0]].kind
        raise ValueError(f'a {kind} step cannot read a {stream.modality} stream')

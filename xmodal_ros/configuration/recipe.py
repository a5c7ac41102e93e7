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

"""How a sensor is learnt unless the user says otherwise: its modality's defaults, and choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from xmodal_ros import registry
from xmodal_ros.configuration.fit_settings import (
    AUTO,
    DEFAULT_HOP_S,
    DEFAULT_LENGTH_S,
    FitSettings,
    RecipeChoices,
)
from xmodal_ros.errors import ConfigurationError, StreamError
from xmodal_ros.modalities.augmentation import Augmentation, NoAugmentation
from xmodal_ros.modalities.modality import Modality, TrainingDefaults
from xmodal_ros.modalities.registry import find_modality, StreamSpec
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_encoder import encoder_class, EncoderSpec
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.windows.windowing import WindowingSpec

_STEPS: Final = TypeAdapter[tuple[PreprocessingStep, ...]](tuple[PreprocessingStep, ...])


@dataclass(frozen=True)
class Recipe:
    """All that is decided before a sensor's windows are seen.

    ``derived`` are preprocessing steps that need no statistics and come before standardising.
    ``auto`` leaves to the training what answers beside the encoder, which ``quick`` does on fewer
    windows.
    """

    stream: StreamSpec
    window: WindowingSpec
    encoder: EncoderSpec
    derived: tuple[PreprocessingStep, ...]
    augmentation: Augmentation
    fit: FitSettings = field(default_factory=FitSettings)
    auto: bool = False
    quick: bool = False

    @property
    def training_window(self) -> WindowingSpec:
        """The windows to train on, twice as dense as the model's own.

        Those between two of the model's may end between two points of the grid, which matters
        for labels on a robot but not for learning.
        """
        return self.window.model_copy(update={'hop_ns': self.window.hop_ns // 2})


def make_recipe(
    sensor: Sensor, msgtype: str, messages: Sequence[bytes], choices: RecipeChoices
) -> Recipe:
    """Choose a sensor's recipe by its modality, and by what most of some messages hold.

    Raises :class:`ConfigurationError` for a window that cannot be and for an encoder that takes
    something else, and :class:`StreamError` where none of the messages can be read.
    """
    modality = find_modality(sensor.modality)
    chosen = choices.encoders.get(sensor.modality, AUTO)
    asked = {} if chosen == AUTO else encoder_class(chosen).stream_options
    options = {'channels': choices.channels, **asked}
    defaults = _usual_defaults(modality, sensor, msgtype, messages, options)
    kind = defaults.encoder if chosen == AUTO else chosen
    encoder = encoder_class(kind)
    if encoder.input != defaults.stream.encoder_input:
        fitting = [
            each
            for each in registry.names(registry.ENCODERS)
            if encoder_class(each).input == defaults.stream.encoder_input
        ]
        raise ConfigurationError(
            f'the encoder {kind} takes {encoder.input}, and sensors of {sensor.modality} give '
            f'{defaults.stream.encoder_input}: choose one of {", ".join(fitting)}'
        )
    try:
        window = WindowingSpec(
            length_ns=_nanoseconds(choices.length_s, DEFAULT_LENGTH_S),
            hop_ns=_nanoseconds(choices.hop_s, DEFAULT_HOP_S),
            rate_hz=defaults.rate_hz,
            margin_ns=defaults.margin_ns,
            min_coverage=defaults.min_coverage,
        )
    except ValidationError as error:
        problem = error.errors()[0]
        where = ''.join(f'{part}: ' for part in problem['loc'])
        words = problem['msg'].removeprefix('Value error, ')
        raise ConfigurationError(f'--window or --hop: {where}{words}') from error
    return Recipe(
        defaults.stream,
        window,
        encoder.model_validate({}).sized(choices.size).with_weights(choices.weights),
        _STEPS.validate_python(defaults.preprocessing),
        NoAugmentation() if encoder.remembers_frames else modality.augmentation(),
        choices.applied_to(replace(FitSettings(), **defaults.fit)),
        auto=chosen == AUTO,
        quick=choices.quick,
    )


def _usual_defaults(
    modality: Modality,
    sensor: Sensor,
    msgtype: str,
    messages: Sequence[bytes],
    options: Mapping[str, Any],
) -> TrainingDefaults:
    """Give what most messages ask for: the first may be broken, or of another kind."""
    found: list[TrainingDefaults] = []
    refusal: DecodeError | None = None
    for message in messages:
        try:
            found.append(modality.training_defaults(msgtype, message, options))
        except DecodeError as error:
            refusal = refusal or error
    if not found:
        raise StreamError(
            f'none of {len(messages)} messages looked at on {sensor.topic} can be read: {refusal}'
        ) from refusal
    return max(found, key=found.count)


def _nanoseconds(seconds: float | None, default: float) -> int:
    # By microseconds, for 0.1 s must not become 100000000.00000001 ns.
    return round((default if seconds is None else seconds) * 1e6) * 1000

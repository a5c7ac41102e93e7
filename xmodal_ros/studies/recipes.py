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

"""Training's recipes with what a study changes about them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from xmodal_ros.configuration.fit_settings import AUTO
from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.configuration.training import make_choices
from xmodal_ros.data.recording import RecordingFacts, sample_messages
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.studies.specification import SensorSettings, Study

_OF_ENCODER: Final = ('width', 'dim', 'frames_per_token')
# By the stream's own names for them.
_OF_STREAM: Final = {'height': 'height', 'image_width': 'width'}
_OF_FIT: Final = ('epochs', 'patience', 'batch_size', 'least_steps', 'learning_rate', 'pretrain')


def make_recipes(study: Study, facts: Sequence[RecordingFacts]) -> dict[str, Recipe]:
    """Give each sensor's recipe; a camera's pixels are those of the first recording that has it.

    Raises :class:`ConfigurationError` for settings that cannot be, and for a sensor that no
    recording has.
    """
    recipes = {}
    for name in study.sensor_names:
        first = next((each for each in facts if name in each.sensors), None)
        if first is None:
            raise ConfigurationError(facts[0].missing[name])
        recipes[name] = _make_recipe(study, first, name)
    return recipes


def _make_recipe(study: Study, first: RecordingFacts, name: str) -> Recipe:
    sensor, settings = first.sensors[name], _settings(study, first.sensors[name].modality)
    choices: dict[str, Any] = study.windows.model_dump(exclude_none=True)
    choices['size'] = settings.size or 'default'
    if settings.encoder is not None:
        choices['encoder'] = {sensor.modality: settings.encoder}
    made = make_choices(choices)
    recipe = make_recipe(sensor, first.msgtypes[name], sample_messages(first, name), made)
    # A study compares how one net learns, unless it asks for more.
    recipe = replace(recipe, auto=settings.encoder == AUTO)
    return _adapted(recipe, sensor.modality, settings)


def place_sensors(study: Study, facts: RecordingFacts) -> RecordingFacts:
    """Let a recording's cameras look where the study says, if it does."""
    sensors = dict(facts.sensors)
    for name in sensors:
        region = _settings(study, sensors[name].modality).region
        if region is not None:
            placement = replace(sensors[name].placement, region=region)
            sensors[name] = replace(sensors[name], placement=placement)
    return replace(facts, sensors=sensors)


def _settings(study: Study, modality: str) -> SensorSettings:
    return study.sensors.get(modality, SensorSettings())


def _adapted(recipe: Recipe, modality: str, settings: SensorSettings) -> Recipe:
    given = settings.model_dump(exclude_none=True)
    fit: dict[str, Any] = {name: given[name] for name in _OF_FIT if name in given}
    sizes = {name: given[name] for name in _OF_ENCODER if name in given}
    shape = {field: given[name] for name, field in _OF_STREAM.items() if name in given}
    meaningless: list[str] = [
        name for name in sizes if name not in type(recipe.encoder).model_fields
    ]
    meaningless += [
        name
        for name, field in _OF_STREAM.items()
        if name in given and field not in type(recipe.stream).model_fields
    ]
    if 'region' in given and 'region' not in find_modality(modality).placement:
        meaningless.append('region')
    if meaningless:
        raise ConfigurationError(
            f'sensors.{modality}: {" and ".join(meaningless)} mean nothing to sensors of '
            f'{modality} with the encoder {recipe.encoder.kind}: leave them out'
        )
    try:
        # Copies are not checked, so it is made anew; of all fields, for documents lack some.
        encoder = type(recipe.encoder).model_validate({**dict(recipe.encoder), **sizes})
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigurationError(
            f'sensors.{modality}.{problem["loc"][-1]}: {problem["msg"]}'
        ) from error
    return replace(
        recipe,
        fit=recipe.fit.changed(fit),
        encoder=encoder,
        stream=recipe.stream.model_copy(update=shape),
    )

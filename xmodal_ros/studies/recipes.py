"""Training's recipes with what a study changes about them."""

from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.configuration.training import make_choices
from xmodal_ros.data.recording import first_message, RecordingFacts
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.studies.specification import SensorSettings, Study

_OF_ENCODER: Final = ('width', 'dim', 'frames_per_token')
_OF_CAMERA: Final = ('height', 'image_width', 'frames_per_token', 'region')
_OF_FIT: Final = ('epochs', 'patience', 'batch_size', 'least_steps', 'learning_rate')


def make_recipes(study: Study, first: RecordingFacts) -> dict[str, Recipe]:
    """Give each sensor's recipe; a camera's pixels are those of its ``first`` recording.

    Raises :class:`ConfigurationError` for settings that cannot be.
    """
    windows = study.windows.model_dump(exclude_none=True)
    return {
        name: _adapted(
            make_recipe(
                first.sensors[name],
                first.msgtypes[name],
                first_message(first, name),
                make_choices(
                    {
                        **windows,
                        'size': _settings(study, first.sensors[name].modality).size or 'default',
                    }
                ),
            ),
            first.sensors[name].modality,
            _settings(study, first.sensors[name].modality),
        )
        for name in study.sensor_names
    }


def place_sensors(study: Study, facts: RecordingFacts) -> RecordingFacts:
    """Let a recording's cameras look where the study says, if it does."""
    sensors = dict(facts.sensors)
    for name in study.sensor_names:
        region = _settings(study, sensors[name].modality).region
        if region is not None:
            placement = replace(sensors[name].placement, region=region)
            sensors[name] = replace(sensors[name], placement=placement)
    return replace(facts, sensors=sensors)


def _settings(study: Study, modality: str) -> SensorSettings:
    return study.sensors.get(modality, SensorSettings())


def _adapted(recipe: Recipe, modality: str, settings: SensorSettings) -> Recipe:
    given = settings.model_dump(exclude_none=True)
    fit = replace(recipe.fit, **{name: given[name] for name in _OF_FIT if name in given})
    for_camera = [name for name in _OF_CAMERA if name in given]
    if for_camera and modality != 'camera':
        raise ConfigurationError(
            f'sensors.{modality}: {" and ".join(for_camera)} are for a camera only'
        )
    sizes = {name: given[name] for name in _OF_ENCODER if name in given}
    try:
        # Copies are not checked, so it is made anew.
        encoder = type(recipe.encoder).model_validate({**recipe.encoder.model_dump(), **sizes})
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigurationError(
            f'sensors.{modality}.{problem["loc"][-1]}: {problem["msg"]}'
        ) from error
    stream = recipe.stream
    pixels = {'height': settings.height, 'width': settings.image_width}
    pixels = {name: value for name, value in pixels.items() if value is not None}
    return replace(recipe, fit=fit, encoder=encoder, stream=stream.model_copy(update=pixels))

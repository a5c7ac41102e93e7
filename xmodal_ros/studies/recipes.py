"""Training's recipes with what a study changes about them."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.sensors import Modality
from xmodal_ros.streams.specification import CameraStream
from xmodal_ros.studies.specification import SensorSettings, Study
from xmodal_ros.training.dataset import first_message, RecordingFacts
from xmodal_ros.training.recipe import make_recipe, Recipe, RecipeChoices

_OF_FIT = ('epochs', 'patience', 'batch_size', 'least_steps', 'learning_rate')


def make_recipes(study: Study, first: RecordingFacts) -> dict[str, Recipe]:
    """Give each sensor's recipe; a camera's pixels are those of its ``first`` recording.

    Raises :class:`ConfigurationError` for settings that cannot be.
    """
    windows = study.windows
    choices = RecipeChoices(windows.length_s, windows.hop_s, windows.channels)
    return {
        name: _adapted(
            make_recipe(
                first.sensors[name], first.msgtypes[name], first_message(first, name), choices
            ),
            first.sensors[name].modality,
            study.sensors,
        )
        for name in study.sensor_names
    }


def _adapted(
    recipe: Recipe, modality: Modality, sensors: Mapping[Modality, SensorSettings]
) -> Recipe:
    settings = sensors.get(modality, SensorSettings())
    given = settings.model_dump(exclude_none=True)
    fit = replace(recipe.fit, **{name: given[name] for name in _OF_FIT if name in given})
    sizes = {name: given[name] for name in ('width', 'dim') if name in given}
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
    if pixels and not isinstance(stream, CameraStream):
        raise ConfigurationError(
            f'sensors.{modality}: height and image_width are for a camera only'
        )
    return replace(recipe, fit=fit, encoder=encoder, stream=stream.model_copy(update=pixels))

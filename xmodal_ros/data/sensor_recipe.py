"""How a sensor of a data set is learnt: by the first of its recordings that can be read."""

from collections.abc import Sequence

from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.data.recording import RecordingFacts, sample_messages
from xmodal_ros.errors import StreamError


def sensor_recipe(
    recordings: Sequence[RecordingFacts], name: str, choices: RecipeChoices
) -> Recipe | None:
    """Choose a sensor's recipe; None where no recording has it.

    Raises what :func:`~xmodal_ros.configuration.recipe.make_recipe` does, :class:`StreamError`
    only where the sensor's messages cannot be read in any recording.
    """
    refusal: StreamError | None = None
    for facts in recordings:
        if name not in facts.sensors:
            continue
        messages = sample_messages(facts, name)
        try:
            return make_recipe(facts.sensors[name], facts.msgtypes[name], messages, choices)
        except StreamError as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    return None

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

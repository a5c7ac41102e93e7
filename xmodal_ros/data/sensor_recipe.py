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

"""How a sensor of a data set is learnt: by what most of its first recordings hold."""

from collections.abc import Sequence
from typing import Final

from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.data.recording import RecordingFacts, sample_messages
from xmodal_ros.errors import BagError, StreamError, XmodalError

# So many recordings say what most hold.
_LOOKED_AT: Final = 5


def sensor_recipe(
    recordings: Sequence[RecordingFacts], name: str, choices: RecipeChoices
) -> Recipe | None:
    """Choose a sensor's recipe; None where no recording has it.

    Raises what :func:`~xmodal_ros.configuration.recipe.make_recipe` does, :class:`StreamError`
    only where the sensor's messages cannot be read in any recording.
    """
    refusal: XmodalError | None = None
    found: list[Recipe] = []
    for facts in recordings:
        if name not in facts.sensors:
            continue
        try:
            messages = sample_messages(facts, name)
            found.append(make_recipe(facts.sensors[name], facts.msgtypes[name], messages, choices))
        except (BagError, StreamError) as error:
            refusal = refusal or error
            continue
        streams = [recipe.stream for recipe in found]
        if streams.count(streams[-1]) > _LOOKED_AT // 2 or len(streams) == _LOOKED_AT:
            break
    if found:
        # Of as many the first: then it is a matter of the order of names.
        return max(found, key=lambda recipe: streams.count(recipe.stream))
    if refusal is not None:
        raise refusal
    return None

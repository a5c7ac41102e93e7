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

"""How many steps nets take that only show which way to learn is better, and are not kept."""

from dataclasses import replace
import sys
from typing import Final

from xmodal_ros.configuration.recipe import Recipe

# By what encoders take. As many as the shortest training has, so that nothing is shorter where
# windows are few.
_MOST_STEPS: Final = {'sequence': 1000, 'spectrogram': 300, 'pictures': 300}


def to_compare(recipe: Recipe) -> Recipe:
    """Give a recipe for nets that are only compared; epochs asked for make them no longer."""
    most = min(_MOST_STEPS[recipe.encoder.input], recipe.fit.most_steps or sys.maxsize)
    return replace(recipe, fit=replace(recipe.fit, most_steps=most))

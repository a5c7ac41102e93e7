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

"""The activities of the simulation, by the name that labels carry."""

from collections.abc import Callable
from typing import Final

from xmodal_ros.simulator.gestures import clapping, drinking, waving
from xmodal_ros.simulator.handiwork import hammering, sawing, sweeping, typing
from xmodal_ros.simulator.locomotion import jogging, squatting, walking
from xmodal_ros.simulator.motion import Motion, Take

ACTIVITIES: Final[dict[str, Callable[[Take], Motion]]] = {
    'clapping': clapping,
    'drinking': drinking,
    'hammering': hammering,
    'jogging': jogging,
    'sawing': sawing,
    'squatting': squatting,
    'sweeping': sweeping,
    'typing': typing,
    'walking': walking,
    'waving': waving,
}

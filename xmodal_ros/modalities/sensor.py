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

"""A sensor: the name every node, bag reader and command knows it by, and how it sits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.modality import PlacementField
from xmodal_ros.modalities.registry import all_modalities, find_modality
from xmodal_ros.streams.placement import AS_IT_COMES, Placement

_IN_WORDS: Final[Mapping[PlacementField, str]] = {
    'rotation': 'a mounting rotation',
    'region': 'a region of interest',
}


@dataclass(frozen=True)
class Sensor:
    """One named source of a modality, for example ``imu_wrist`` on the topic ``/imu_wrist``.

    ``frame`` is that of its messages, ``placement`` how it sits on the robot. Raises
    :class:`ConfigurationError` for a placement that means nothing to its modality: nothing would
    be turned or cut.
    """

    name: str
    modality: str
    topic: str
    frame: str = ''
    placement: Placement = AS_IT_COMES

    def __post_init__(self) -> None:
        for field, words in _IN_WORDS.items():
            if getattr(self.placement, field) is None:
                continue
            if field not in find_modality(self.modality).placement:
                able = [each.name for each in all_modalities() if field in each.placement]
                raise ConfigurationError(
                    f'sensor {self.name!r} is of modality {self.modality}, and {words} is for '
                    f'{" or ".join(map(_with_article, able))} only: leave it out'
                )


def _with_article(name: str) -> str:
    return f'an {name}' if name[0] in 'aeiou' else f'a {name}'

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

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import pytest

from xmodal_ros.modalities.audio.info import choose_info

MICROPHONE = frozenset({'/microphone'})
OTHER = frozenset({'/other'})


@pytest.mark.parametrize(
    ('infos', 'chosen'),
    [
        ({}, None),
        ({'/info': OTHER}, '/info'),
        ({'/audio_info': OTHER, '/info': MICROPHONE}, '/audio_info'),
        ({'/a': OTHER, '/b': MICROPHONE}, '/b'),
        ({'/a': OTHER, '/b': OTHER}, None),
    ],
    ids=['none', 'the only one', 'by its name', 'of the same node', 'any of several'],
)
def test_the_info_of_a_topic(infos: Mapping[str, AbstractSet[str]], chosen: str | None) -> None:
    assert choose_info('/audio', MICROPHONE, infos) == chosen

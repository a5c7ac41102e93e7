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

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

"""What a node is told by parameters is what a recording declares of a sensor."""

import pytest

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.registry import (
    all_modalities,
    find_modality,
    intake_of_type,
    modality_names,
)
from xmodal_ros.streams.placement import AS_IT_COMES, make_placement, Placement

TURNED = make_placement(angles=(180.0, 0.0, 90.0))
CUT = make_placement(region=(0.25, 0.0, 0.5, 1.0))


@pytest.mark.parametrize('name', modality_names())
def test_by_default_samples_are_read_large(name: str) -> None:
    modality = find_modality(name)
    defaults = {each.name: each.default for each in modality.node_parameters}
    settings = modality.read_parameters('/there', 'link', defaults.__getitem__)
    assert (settings.topic, settings.frame) == ('/there', 'link')
    assert settings.placement == AS_IT_COMES
    assert settings.audio_format is None
    assert modality.parameters_for(AS_IT_COMES, None) == {}


@pytest.mark.parametrize(
    ('name', 'placement', 'audio_format'),
    [
        ('imu', TURNED, None),
        ('camera', CUT, None),
        ('audio', AS_IT_COMES, AudioFormat(44_100, 2, 'F32LE')),
    ],
)
def test_parameters_read_a_sensor_as_its_recording_declares_it(
    name: str, placement: Placement, audio_format: AudioFormat | None
) -> None:
    modality = find_modality(name)
    defaults = {each.name: each.default for each in modality.node_parameters}
    given = modality.parameters_for(placement, audio_format)
    assert given.keys() <= defaults.keys()
    settings = modality.read_parameters('/there', '', {**defaults, **given}.__getitem__)
    assert settings.placement == placement
    assert settings.audio_format == audio_format


def test_messages_are_taken_as_the_modality_that_reads_them_says() -> None:
    for modality in all_modalities():
        for msgtype in modality.message_types:
            assert intake_of_type(msgtype) == modality.intake
    assert not intake_of_type('std_msgs/msg/String').large

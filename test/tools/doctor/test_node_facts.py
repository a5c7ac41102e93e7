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

import pytest

from xmodal_ros.tools.doctor.facts import NodeFacts
from xmodal_ros.tools.doctor.node_facts import NodeAnswers, summarise_node, wanted_parameters

CLASSIFIER = {'model': '/m', 'topic': 'imu', 'unknown_threshold': -1.0}


def summary(
    said: NodeAnswers | None, state: str = 'active', parameters: dict[str, object] | None = None
) -> NodeFacts | None:
    return summarise_node('/node', said, state, parameters)


@pytest.mark.parametrize(
    ('hardware', 'kind', 'modality'),
    [
        ('imu classifier', 'classifier', 'imu'),
        ('camera classifier', 'classifier', 'camera'),
        ('audio classifier', 'classifier', 'audio'),
        ('radar classifier', 'classifier', None),
        ('activity selector', 'selector', None),
        ('microphone', 'driver', 'audio'),
        ('camera', 'driver', 'camera'),
    ],
)
def test_a_node_is_known_by_its_diagnostics(
    hardware: str, kind: str, modality: str | None
) -> None:
    found = summary(
        NodeAnswers(hardware, 'warning', 'words', {'state': 'inactive', 'topic': '/imu'})
    )
    assert found is not None
    assert (found.kind, found.modality) == (kind, modality)
    assert (found.state, found.level, found.message) == ('inactive', 'warning', 'words')
    assert found.values['topic'] == '/imu'
    assert found.answered


def test_a_node_is_known_by_its_parameters() -> None:
    found = summary(None, 'unconfigured', dict(CLASSIFIER))
    assert found is not None
    assert (found.kind, found.state, found.level) == ('classifier', 'unconfigured', '')
    found = summary(None, 'active', {'source_names': ['a'], 'return_after': 3.0, 'stand_in': True})
    assert found is not None
    assert found.kind == 'selector'


def test_nodes_of_others_are_left_alone() -> None:
    assert summary(None, 'active', {'topic': '/x', 'model': 'y'}) is None
    assert summary(NodeAnswers('motor', 'error', 'hot', {})) is None
    # Of another package's driver, that says nothing of a lifecycle.
    assert summary(NodeAnswers('camera', 'ok', '', {'rate': '30'})) is None
    named_by_words = NodeAnswers('imu classifier', 'ok', '')
    assert summarise_node('my node: state', named_by_words, '', None) is None


def test_a_node_that_does_not_answer_is_known_not_to() -> None:
    found = summary(NodeAnswers('imu classifier', 'ok', 'walk', {'state': 'active'}), '', None)
    assert found is not None
    assert not found.answered
    assert found.state == 'active'


def test_only_parameters_that_tell_something_are_asked_for() -> None:
    names = ['model', 'qos_overrides./imu.depth', 'sources.a.topic', 'sources.a.weight', 'topic']
    assert wanted_parameters(names) == ('model', 'sources.a.topic', 'topic')

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

"""What is said of this package's nodes, and of what they listen to."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from test.bundles import make_imu_bundle
from test.tools.doctor.robots import audio, codes, grid, imu, levels, topic
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE
from xmodal_ros.tools.doctor.facts import (
    ClockFacts,
    Endpoint,
    GraphFacts,
    NodeFacts,
    TopicFacts,
)
from xmodal_ros.tools.doctor.measurement import Measurement
from xmodal_ros.tools.doctor.node_findings import (
    check_node,
    format_of,
    resolve,
    sources_of,
    topic_of,
)

SELECTOR = NodeFacts(
    '/robot/activity_selector',
    'selector',
    state='active',
    level='ok',
    parameters={'source_names': ['imu', 'camera'], 'sources.camera.topic': '/elsewhere/activity'},
)
LABELS = {'/robot/imu_classifier/activity', '/elsewhere/activity'}


@pytest.fixture(scope='module')
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_imu_bundle(tmp_path_factory.mktemp('models') / 'imu')


def classifier(model: Path | str, **facts: Any) -> NodeFacts:
    node = NodeFacts(
        '/imu_classifier',
        'classifier',
        'imu',
        'active',
        level='ok',
        message='walk',
        parameters={'model': str(model), 'topic': 'imu', 'use_sim_time': False},
    )
    return replace(node, **facts)


def graph(*topics: TopicFacts, **facts: Any) -> GraphFacts:
    return GraphFacts(5.0, ('/imu_classifier', '/driver'), topics, **facts)


def labels(*names: str) -> list[TopicFacts]:
    return [
        topic(name, CLASSIFICATION_TYPE, None, [Endpoint('/a', CLASSIFICATION_TYPE)])
        for name in names
    ]


def test_a_classifier_that_works_is_left_alone(bundle: Path) -> None:
    assert list(check_node(classifier(bundle), graph(imu()))) == []


@pytest.mark.parametrize('level', ['error', 'warning'])
def test_what_a_node_says_of_itself_is_passed_on(bundle: Path, level: str) -> None:
    node = classifier(bundle, level=level, message='no gyro on /imu: choose another topic')
    found = next(iter(check_node(node, graph(imu()))))
    assert (found.level, found.code, found.subject) == (level, 'diagnostics', '/imu_classifier')
    assert (found.problem, found.remedy) == ('no gyro on /imu', 'choose another topic')


def test_the_words_of_a_selector_stay_whole() -> None:
    node = replace(SELECTOR, level='warning', message='imu: dead; camera: nobody: start it')
    (found,) = check_node(node, graph())
    assert found.problem == 'imu: dead; camera: nobody: start it'


@pytest.mark.parametrize(
    ('state', 'transition'), [('unconfigured', 'configure'), ('inactive', 'activate')]
)
def test_a_node_that_is_not_active_is_named_with_the_transition(
    bundle: Path, state: str, transition: str
) -> None:
    (found,) = check_node(classifier(bundle, state=state), graph(imu()))
    assert (found.level, found.code) == ('warning', 'not-active')
    assert f'ros2 lifecycle set /imu_classifier {transition}' in found.remedy


def test_a_node_that_failed_has_said_why(bundle: Path) -> None:
    node = classifier(bundle, state='unconfigured', level='error', message='bad model: copy it')
    assert codes(check_node(node, graph(imu()))) == ['diagnostics']
    node = classifier('/gone', state='unconfigured', level='error', message='bad model: copy it')
    assert codes(check_node(node, graph(imu()))) == ['diagnostics']


def test_a_node_that_does_not_answer_is_named(bundle: Path) -> None:
    found = list(check_node(classifier(bundle, answered=False), graph(imu())))
    assert levels(found) == [('warning', 'no-answer')]


def test_a_topic_that_does_not_fit_the_bundle_is_told(bundle: Path) -> None:
    found = list(check_node(classifier(bundle), graph(imu(grid(20, 20)))))
    assert levels(found) == [('warning', 'low-rate')]
    found = list(check_node(classifier(bundle), graph(imu(has_gyro=False))))
    assert levels(found) == [('error', 'no-gyro')]
    assert found[0].subject == '/imu_classifier'


def test_errors_that_the_node_reports_itself_are_not_told_twice(bundle: Path) -> None:
    node = classifier(bundle, level='error', message='no gyro: choose another topic')
    assert codes(check_node(node, graph(imu(has_gyro=False)))) == ['diagnostics']
    assert codes(check_node(node, graph())) == ['diagnostics']
    # What it does not see itself is.
    slow = codes(check_node(node, graph(imu(grid(20, 20)))))
    assert slow == ['diagnostics', 'low-rate']


def test_a_topic_without_publisher_comes_with_those_that_would_do(bundle: Path) -> None:
    others = [imu(name='/imu_left'), imu(name='/imu_right'), audio()]
    (found,) = check_node(classifier(bundle), graph(*others))
    assert (found.level, found.code) == ('error', 'unpublished')
    assert 'nobody publishes on /imu,' in found.problem
    assert found.remedy == 'ros2 param set /imu_classifier topic /imu_left (or /imu_right)'
    (found,) = check_node(classifier(bundle), graph())
    assert found.remedy == "start the sensor's driver"


@pytest.mark.parametrize('subscribed', [False, True])
def test_a_topic_of_another_type_is_named_with_it(bundle: Path, *, subscribed: bool) -> None:
    string = Endpoint('/robot', 'std_msgs/msg/String')
    if subscribed:
        facts = graph(topic('/imu', IMU_TYPE, Measurement(), [string]))
    else:
        facts = graph(other_types={'/imu': ('std_msgs/msg/String',)})
    (found,) = check_node(classifier(bundle), facts)
    assert (found.level, found.code) == ('error', 'unpublished')
    assert 'carries std_msgs/msg/String' in found.problem


@pytest.mark.parametrize(
    ('model', 'words'),
    [('', 'no model is set'), ('/gone', 'not on this machine'), ('.', 'holds no bundle.json')],
)
def test_a_bundle_that_cannot_be_read_here_is_a_note_unless_the_node_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    node = classifier(model, state='inactive')
    found = list(check_node(node, graph(imu())))
    assert levels(found) == [('warning', 'not-active'), ('note', 'bundle')]
    assert words in found[1].problem
    assert list(check_node(classifier(model), graph(imu()))) == []


def test_the_topic_is_what_the_node_says_it_is(bundle: Path) -> None:
    assert topic_of(classifier(bundle)) == '/imu'
    assert topic_of(classifier(bundle, values={'topic': '/remapped'})) == '/remapped'


@pytest.mark.parametrize(
    ('name', 'node', 'full'),
    [
        ('imu', '/robot/node', '/robot/imu'),
        ('/imu', '/robot/node', '/imu'),
        ('~/imu', '/robot/node', '/robot/node/imu'),
        ('imu', '/node', '/imu'),
        ('', '/node', ''),
    ],
)
def test_names_are_resolved_as_the_node_does(name: str, node: str, full: str) -> None:
    assert resolve(name, node) == full


def test_the_sources_of_a_selector() -> None:
    assert set(sources_of(SELECTOR).values()) == LABELS
    said = replace(SELECTOR, values={'imu: topic': '/remapped/activity'})
    assert sources_of(said)['imu'] == '/remapped/activity'
    assert sources_of(replace(SELECTOR, parameters={})) == {}
    assert sources_of(replace(SELECTOR, parameters={'source_names': ['']})) == {}


def test_a_source_that_nobody_publishes_is_told() -> None:
    assert list(check_node(SELECTOR, graph(*labels(*LABELS)))) == []
    (found,) = check_node(SELECTOR, graph(*labels('/elsewhere/activity')))
    assert (found.level, found.code) == ('warning', 'source-unpublished')
    assert found.remedy.startswith('start or configure its classifier')
    assert "'imu'" in found.problem
    assert 'sources.imu.topic' in found.remedy


def test_a_selector_that_complains_has_looked_at_its_sources() -> None:
    node = replace(SELECTOR, level='warning', message='imu is silent')
    assert codes(check_node(node, graph())) == ['diagnostics']


def test_simulated_time_without_a_clock_stands_still() -> None:
    node = replace(SELECTOR, parameters={'use_sim_time': True})
    assert levels(check_node(node, graph())) == [('error', 'no-clock')]
    assert list(check_node(node, graph(clock=ClockFacts(('/player',), 5)))) == []


def test_system_time_beside_a_simulated_one_is_told() -> None:
    node = replace(SELECTOR, parameters={'use_sim_time': False})
    (found,) = check_node(node, graph(clock=ClockFacts(('/player',), 5)))
    assert (found.level, found.code) == ('warning', 'system-time')
    assert '/player' in found.problem
    assert list(check_node(node, graph(clock=ClockFacts(('/player',), 0)))) == []


@pytest.mark.parametrize(
    ('parameters', 'found'),
    [
        ({}, None),
        ({'audio_rate': 0, 'info_topic': ''}, None),
        (
            {'audio_rate': 8000, 'audio_channels': 2, 'audio_format': 'S16LE'},
            AudioFormat(8000, 2, 'S16LE'),
        ),
        ({'audio_rate': 8000, 'audio_channels': 2, 'audio_format': 'mp3'}, None),
        ({'audio_rate': 'fast'}, None),
        ({'info_topic': 'sound/info'}, AudioFormat(44_100, 1, 'S16LE')),
        ({'info_topic': '/gone'}, None),
    ],
)
def test_the_format_that_a_classifier_is_told(
    parameters: Mapping[str, object], found: AudioFormat | None
) -> None:
    node = NodeFacts('/robot/audio_classifier', 'classifier', parameters=parameters)
    formats = {'/robot/sound/info': AudioFormat(44_100, 1, 'S16LE')}
    assert format_of(node, graph(audio_formats=formats)) == found

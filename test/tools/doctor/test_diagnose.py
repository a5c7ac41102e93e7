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

"""The whole of a robot: what counts as an error, and what follows from several facts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from test.bundles import make_camera_bundle, make_imu_bundle
from test.tools.doctor.robots import (
    audio,
    camera,
    codes,
    GOOD,
    imu,
    levels,
    OURS,
    tone,
    topic,
)
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.tools.doctor.diagnose import check_model, diagnose
from xmodal_ros.tools.doctor.environment import RosFacts
from xmodal_ros.tools.doctor.facts import Endpoint, GraphFacts, NodeFacts, TopicFacts
from xmodal_ros.tools.doctor.finding import Finding, has_errors, in_order
from xmodal_ros.tools.doctor.measurement import Measurement

MACHINE = replace(GOOD, profile=OURS)
SILENT = topic('/imu', IMU_TYPE, Measurement())
CLASSIFIER = NodeFacts(
    '/imu_classifier', 'classifier', 'imu', 'active', level='ok', parameters={'topic': 'imu'}
)


def graph(*topics: TopicFacts, **facts: Any) -> GraphFacts:
    return GraphFacts(5.0, **{'nodes': ('/driver',), **facts}, topics=topics)


def test_nothing_is_wrong_with_a_good_robot() -> None:
    found = diagnose(MACHINE, graph(imu(), camera(), audio(), ours=(CLASSIFIER,)))
    assert found == ()
    assert not has_errors(found)


def test_a_silent_robot_is_an_error_with_a_list_to_check() -> None:
    (found,) = diagnose(MACHINE, graph(nodes=()))
    assert (found.level, found.code) == ('error', 'silent-robot')
    for words in (
        'ROS_DOMAIN_ID',
        'ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET',
        'RMW_IMPLEMENTATION',
        'drivers.launch.py',
        'ros2 daemon stop',
    ):
        assert words in found.remedy


def test_a_silent_robot_in_another_domain_is_looked_for_there() -> None:
    machine = replace(MACHINE, domain='7', domains_in_use=(7, 42))
    (found,) = diagnose(machine, graph(nodes=()))
    assert found.remedy.startswith('1. another domain')
    assert 'export ROS_DOMAIN_ID=42' in found.remedy


def test_who_listens_to_this_machine_only_is_told() -> None:
    (found,) = diagnose(replace(MACHINE, discovery_range='LOCALHOST'), graph(nodes=()))
    assert 'only this machine is listened to' in found.remedy


def test_zenoh_needs_its_router() -> None:
    machine = replace(MACHINE, ros=RosFacts('rmw_zenoh_cpp'))
    (found,) = diagnose(machine, graph(nodes=()))
    assert 'rmw_zenohd' in found.remedy


@pytest.mark.parametrize(
    'topics', [(), (topic('/imu', IMU_TYPE, Measurement(), []),)], ids=['none', 'subscribed only']
)
def test_a_robot_without_sensors_is_an_error(topics: tuple[TopicFacts, ...]) -> None:
    assert levels(diagnose(MACHINE, graph(*topics))) == [('error', 'no-sensors')]


def test_nodes_of_the_same_name_are_told() -> None:
    facts = graph(imu(), nodes=('/driver', '/driver', '/other'))
    (found,) = diagnose(MACHINE, facts)
    assert (found.level, found.code, found.subject) == ('warning', 'same-name', '/driver')


def test_a_useless_topic_is_an_error_where_it_is_needed() -> None:
    spare = imu(name='/spare')
    assert levels(diagnose(MACHINE, graph(SILENT))) == [('error', 'silent')]
    assert levels(diagnose(MACHINE, graph(SILENT, spare))) == [('warning', 'silent')]
    wanted = graph(SILENT, spare, ours=(CLASSIFIER,))
    assert levels(diagnose(MACHINE, wanted)) == [('error', 'silent')]


def test_whole_images_without_a_profile_are_noted() -> None:
    facts = graph(camera())
    (found,) = diagnose(GOOD, facts)
    assert (found.level, found.code) == ('note', 'no-profile')
    assert '/camera/image' in found.problem
    assert diagnose(replace(GOOD, ros=RosFacts('rmw_cyclonedds_cpp')), facts) == ()
    assert diagnose(GOOD, graph(imu())) == ()


def test_a_format_that_the_classifier_was_told_is_not_missed() -> None:
    node = NodeFacts(
        '/audio_classifier',
        'classifier',
        'audio',
        'active',
        level='ok',
        parameters={
            'topic': '/audio',
            'audio_rate': 16_000,
            'audio_channels': 1,
            'audio_format': 'S16LE',
        },
    )
    unknown = audio(tone(), None)
    assert codes(diagnose(MACHINE, graph(unknown))) == ['no-format']
    assert diagnose(MACHINE, graph(unknown, ours=(node,))) == ()


def test_what_is_wrong_with_machine_topics_and_nodes_comes_together() -> None:
    failed = replace(CLASSIFIER, level='error', message='no gyro: choose another')
    found = diagnose(replace(MACHINE, domain='150'), graph(imu(has_gyro=False), ours=(failed,)))
    assert levels(found) == [
        ('error', 'diagnostics'),
        ('warning', 'domain'),
        ('note', 'no-gyro'),
    ]


def test_findings_come_by_gravity_and_once() -> None:
    note = Finding('note', 'a', 'x', 'y', 'z')
    error = Finding('error', 'b', 'x', 'y', 'z')
    assert in_order([note, error, note]) == (error, note)
    assert has_errors([note, error])
    assert not has_errors([note])


@pytest.fixture(scope='module')
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_imu_bundle(tmp_path_factory.mktemp('models') / 'imu')


def examine(path: Path, *topics: TopicFacts) -> tuple[Finding, ...]:
    facts = graph(*topics)
    return diagnose(MACHINE, facts, [check_model(path, facts)])


def test_topics_that_can_feed_it_are_noted_with_the_command(bundle: Path) -> None:
    found = examine(bundle, imu(has_gyro=False, name='/a'), imu(name='/b'))
    fits = next(each for each in found if each.code == 'model-fits')
    assert (fits.level, fits.problem) == ('note', '/b can feed the model')
    assert f'imu_classifier --ros-args -p model:={bundle} -p topic:=/b' in fits.remedy
    assert not has_errors(found)


def test_what_is_doubtful_about_the_best_topic_is_told(bundle: Path) -> None:
    stamps = [t * 5 for t in range(1, 100)]
    slow = imu([1_700_000_000_000_000_000 + t * 10_000_000 for t in stamps])
    found = examine(bundle, slow)
    assert levels(found) == [('warning', 'low-rate'), ('note', 'model-fits')]


def test_none_that_fits_is_an_error_with_the_reasons(bundle: Path) -> None:
    found = examine(bundle, imu(has_gyro=False))
    assert ('error', 'no-topic') in levels(found)
    error = next(each for each in found if each.level == 'error')
    assert '/imu: the IMU has no gyro' in error.problem


def test_no_topic_of_its_modality_is_an_error(bundle: Path) -> None:
    string = [Endpoint('/robot', 'std_msgs/msg/String')]
    for facts in ((), (topic('/imu', IMU_TYPE, Measurement(), string),)):
        found = examine(bundle, camera(), *facts)
        assert ('error', 'no-topic') in levels(found)
        assert 'carries imu' in found[0].problem


def test_a_bundle_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (found,) = examine(tmp_path / 'nowhere', imu())
    assert (found.level, found.code) == ('error', 'bundle')
    assert found.remedy == 'give the folder that training wrote'


def test_each_topic_of_the_modality_is_tried(tmp_path: Path) -> None:
    bundle = make_camera_bundle(tmp_path / 'camera')
    found = check_model(bundle, graph(camera(), camera(encoding='32FC1', name='/d'), imu()))
    assert [(name, codes(why)) for name, why in found.fits] == [
        ('/camera/image', []),
        ('/d', ['encoding']),
    ]

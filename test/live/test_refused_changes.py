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

"""What a running classifier cannot take up is said, and everything goes on as it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import ListParameters, SetParameters, SetParametersAtomically
import rclpy
from safetensors.torch import load_file, save_file
from sensor_msgs.msg import Imu
from vision_msgs.msg import Classification

from test.bundles import make_imu_bundle, rewrite_document
from test.live.graph import NodeProcess, RELIABLE, running, Watcher
from test.live.talker import Stream, talking
from test.messages import imu_bytes, SECOND
from xmodal_ros.runtime import health
from xmodal_ros.windows.windowing import WindowingSpec

NAME = '/imu_classifier'
SELECTOR = '/activity_selector'
WINDOW = WindowingSpec(length_ns=SECOND, hop_ns=SECOND // 4, rate_hz=40)


@dataclass(frozen=True)
class Robot:
    watcher: Watcher
    node: NodeProcess
    folder: Path

    def set_together(self, **values: object) -> tuple[bool, str]:
        request = SetParametersAtomically.Request(
            parameters=[
                rclpy.Parameter(name, value=value).to_parameter_msg()
                for name, value in values.items()
            ]
        )
        service = f'{NAME}/set_parameters_atomically'
        result = self.watcher.call(SetParametersAtomically, service, request).result
        return bool(result.successful), str(result.reason)

    def check_labels_go_on(self) -> None:
        _, _, values = self.watcher.wait_for_status(NAME, lambda s: health.WINDOWS in s[2])
        before = int(values[health.WINDOWS])
        self.watcher.wait_for_status(NAME, lambda s: int(s[2][health.WINDOWS]) > before + 2)


@pytest.fixture(scope='module')
def robot(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    folder = tmp_path_factory.mktemp('robot')
    settings = {
        'model': str(make_imu_bundle(folder / 'first', window=WINDOW)),
        'topic': '/left',
        'device': 'cpu',
        'diagnostics_period': 0.1,
        'qos_overrides./odd.subscription.reliability': 'unfailing',
    }
    with (
        watcher.publisher(Imu, '/left', RELIABLE) as left,
        watcher.publisher(Imu, '/right', RELIABLE) as right,
        talking([Stream(each, 100, imu_bytes) for each in (left, right)]),
        running(folder, 'imu_classifier', settings) as node,
    ):
        robot = Robot(watcher, node, folder)
        robot.check_labels_go_on()
        yield robot
        robot.check_labels_go_on()
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
        assert 'unexpected' not in node.log


def test_a_topic_without_a_name_is_refused(robot: Robot) -> None:
    successful, reason = robot.watcher.set_parameter(NAME, 'topic', '')
    assert not successful
    assert "'' is no name of a topic" in reason


def test_a_parameter_of_dynamic_type_cannot_be_deleted(robot: Robot) -> None:
    name = 'mounting_rotation'
    request = SetParameters.Request(parameters=[Parameter(name=name)])
    result = robot.watcher.call(SetParameters, f'{NAME}/set_parameters', request).results[0]
    assert not result.successful
    assert 'mounting_rotation cannot be deleted' in result.reason
    known = robot.watcher.call(ListParameters, f'{NAME}/list_parameters', ListParameters.Request())
    assert name in known.result.names


@pytest.mark.parametrize('kind', [SetParameters, SetParametersAtomically])
def test_a_value_of_a_type_that_does_not_exist_is_refused(robot: Robot, kind: Any) -> None:
    """Of this rclpy makes an exception, which leaves whoever asked without an answer."""
    wrong = Parameter(name='frame_id', value=ParameterValue(type=77))
    right = rclpy.Parameter('frame_id', value='wrist').to_parameter_msg()
    service = f'{NAME}/set_parameters' + '_atomically' * (kind is SetParametersAtomically)
    response = robot.watcher.call(kind, service, kind.Request(parameters=[wrong, right]))
    results = [response.result] if kind is SetParametersAtomically else response.results
    assert not results[0].successful
    assert 'no type of number 77' in results[0].reason
    # One by one, each stands for itself.
    assert all(each.successful for each in results[1:])
    expected = 'wrist' if results[1:] else ''
    assert robot.watcher.get_parameter(NAME, 'frame_id') == expected
    robot.watcher.set_parameter(NAME, 'frame_id', '')


def test_a_topic_that_cannot_be_subscribed_to_is_taken_back(robot: Robot) -> None:
    """Whether it can is found out by trying: that the user's quality of service is none."""
    assert robot.watcher.set_parameter(NAME, 'topic', '/odd')[0]
    _, text, values = robot.watcher.wait_for_status(NAME, lambda s: "'unfailing'" in s[1])
    assert 'topic /odd was not taken' in text
    assert values['topic'] == '/left'
    assert robot.watcher.get_parameter(NAME, 'topic') == '/left'
    robot.check_labels_go_on()
    # Said until there is something else to say.
    assert robot.watcher.set_parameter(NAME, 'frame_id', 'wrist')[0]
    robot.watcher.wait_for_status(NAME, lambda s: s[0] == b'\0')
    assert robot.watcher.set_parameter(NAME, 'frame_id', '')[0]


def test_a_topic_set_with_a_model_that_fails_late_is_taken_nevertheless(robot: Robot) -> None:
    """Found out on loading only, when the topic has been accepted with it."""
    drifted = make_imu_bundle(robot.folder / 'drifted', seed=1, window=WINDOW)
    golden = load_file(drifted / 'golden.safetensors')
    save_file({**golden, 'logits': golden['logits'] + 1}, drifted / 'golden.safetensors')
    rewrite_document(drifted)

    assert robot.set_together(model=str(drifted), topic='/right') == (True, '')
    status = robot.watcher.wait_for_status(
        NAME,
        lambda s: s[2].get('topic') == '/right' and 'golden sample' in s[2].get('change', ''),
    )
    assert status[2]['model'] == str(robot.folder / 'first')
    assert robot.watcher.get_parameter(NAME, 'model') == str(robot.folder / 'first')
    assert robot.watcher.get_parameter(NAME, 'topic') == '/right'
    assert robot.set_together(model=str(robot.folder / 'first'), topic='/left') == (True, '')
    robot.watcher.wait_for_status(NAME, lambda s: s[2].get('topic') == '/left')


def test_a_threshold_that_means_nothing_is_refused(robot: Robot) -> None:
    successful, reason = robot.watcher.set_parameter(NAME, 'unknown_threshold', -0.5)
    assert not successful
    assert 'no probability' in reason


def test_a_change_of_the_mounting_is_logged_and_shown(robot: Robot) -> None:
    assert robot.watcher.set_parameter(NAME, 'mounting_rotation', [0.0, 0.0, 90.0])[0]
    robot.watcher.wait_for_status(
        NAME, lambda s: s[2].get('placement') == 'turned by roll 0°, pitch 0°, yaw 90°'
    )
    assert 'mounting_rotation is now 0, 0, 90' in robot.node.log
    assert robot.watcher.set_parameter(NAME, 'mounting_rotation', [0.0, 0.0, 0.0])[0]
    robot.watcher.wait_for_status(NAME, lambda s: 'placement' not in s[2])


def test_a_node_that_could_not_start_does_once_corrected_and_tells_of_its_sensor(
    robot: Robot, tmp_path: Path
) -> None:
    watcher, name, remap = robot.watcher, '/late', ['-r', '__node:=late']
    settings = {
        'model': str(tmp_path / 'none'),
        'topic': '/late_imu',
        'diagnostics_period': 0.1,
        'qos_overrides./odd.subscription.reliability': 'unfailing',
    }
    with running(tmp_path, 'imu_classifier', settings, arguments=remap) as node:
        watcher.wait_for_status(name, lambda s: 'cannot configure' in s[1])
        assert watcher.set_parameter(name, 'topic', '/odd')[0]
        assert watcher.set_parameter(name, 'model', str(robot.folder / 'first'))[0]
        watcher.wait_for_status(name, lambda s: 'cannot activate' in s[1])
        assert watcher.set_parameter(name, 'topic', '/late_imu')[0]
        watcher.wait_for_status(name, lambda s: s[2].get('state') == 'active')
        with watcher.publisher(Imu, '/late_imu', RELIABLE) as publisher:
            watcher.poll_for(lambda: 'silence on /late_imu' in node.log, 'silence was not told')
            with talking([Stream(publisher, 100, imu_bytes)]):
                watcher.poll_for(lambda: 'well again' in node.log, 'its end was not told')
        assert node.end() == 0
        assert 'unexpected' not in node.log
        assert node.log.count('silence on') == 1


def test_a_source_that_cannot_be_subscribed_to_stays_where_it_is(
    watcher: Watcher, tmp_path: Path
) -> None:
    settings = {
        'source_names': ['imu'],
        'diagnostics_period': 0.1,
        'qos_overrides./odd.subscription.reliability': 'unfailing',
    }
    with (
        running(tmp_path, 'activity_selector', settings) as node,
        watcher.publisher(Classification, '/imu_classifier/activity'),
    ):
        watcher.wait_for_status(
            SELECTOR, lambda s: s[2].get('imu: publishers matched', '0') != '0'
        )
        assert watcher.set_parameter(SELECTOR, 'sources.imu.topic', '/odd')[0]
        watcher.poll_for(lambda: 'imu stays on /imu_classifier/activity' in node.log, 'no word')
        assert watcher.get_parameter(SELECTOR, 'sources.imu.topic') == '/imu_classifier/activity'
        watcher.wait_for_status(
            SELECTOR, lambda s: s[2].get('imu: publishers matched', '0') != '0'
        )
        assert node.end() == 0
        assert 'unexpected' not in node.log


@pytest.mark.parametrize('name', ['imu-wrist', '1st', 'wrist imu', 'auto'])
def test_a_sensor_whose_name_no_node_may_have_ends_with_a_sentence(
    tmp_path: Path, name: str
) -> None:
    settings = {f'sensors.{name}.modality': 'imu', f'sensors.{name}.model': '/models/imu'}
    with running(tmp_path, 'perception', settings) as node:
        assert node.wait() == 1
        assert f'a sensor cannot be called {name!r}' in node.log
        assert 'Traceback' not in node.log

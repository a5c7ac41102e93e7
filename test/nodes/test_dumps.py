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

"""What ``ros2 param dump`` writes of a node, it takes back: at its start, and while it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
import threading
from typing import Any, Final

import pytest
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import parameter_dict_from_yaml_file, parameter_value_to_python
from rclpy.signals import SignalHandlerOptions
import yaml

from test.recordings import clips, write_imu_bag
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.nodes.annotator_node import Annotator
from xmodal_ros.nodes.bag_player_node import BagPlayer
from xmodal_ros.nodes.camera_node import CameraNode
from xmodal_ros.nodes.evaluator_node import Evaluator
from xmodal_ros.nodes.microphone_node import MicrophoneNode
from xmodal_ros.nodes.perception_node import _TableNode
from xmodal_ros.nodes.pose_estimator_node import PoseEstimatorNode
from xmodal_ros.nodes.trainer_node import TrainerNode
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_services import answer_everything

Make = Callable[..., Any]
MAKE: Final[dict[str, Make]] = {
    **{
        f'{name}_classifier': partial(ClassifierNode, name)
        for name in ('imu', 'camera', 'audio', 'skeleton')
    },
    'activity_selector': ActivitySelector,
    'annotator': Annotator,
    'bag_player': partial(BagPlayer, threading.Event()),
    'camera': partial(CameraNode, threading.Event()),
    'evaluator': partial(Evaluator, threading.Event()),
    'microphone': MicrophoneNode,
    'perception': _TableNode,
    'pose_estimator': PoseEstimatorNode,
    'trainer': partial(TrainerNode, threading.Event()),
}
# Lists of nothing too, which ROS takes for parameters without a value.
GIVEN: Final = {
    'activity_selector': [
        'source_names:=[imu, camera]',
        'sources.imu.priority:=2',
        'qos_overrides./imu_classifier/activity.subscription.depth:=7',
    ],
    'bag_player': ['bag:={folder}/bag', 'topics:=[]'],
    'evaluator': ['topics:=[]'],
    'imu_classifier': ['mounting_rotation:=[0.0, 180.0, 0.0]'],
    'perception': ['sensors.imu.model:=/models/2024', 'sensors.imu.topic:=/imu'],
    'trainer': ['bags:=[]', 'test_subjects:=["05"]', 'source:=[camera]'],
}


@contextmanager
def made(name: str, arguments: list[str]) -> Iterator[Node]:
    context = Context()
    rclpy.init(
        args=[name, '--ros-args', *arguments],
        context=context,
        signal_handler_options=SignalHandlerOptions.NO,
    )
    try:
        node = MAKE[name](context=context)
        try:
            STATES.get(name, lambda _: None)(node)
            answer_everything(node)
            yield node
        finally:
            if name in STATES:
                node.stop()
            node.destroy_node()
    finally:
        context.try_shutdown()


# Parameters of quality of service are declared with topics.
STATES: Final[dict[str, Callable[[Any], object]]] = {
    'camera': lambda node: node.trigger_configure(),
    'microphone': lambda node: node.trigger_configure(),
    'activity_selector': lambda node: (node.trigger_configure(), node.trigger_activate()),
}


def insert(into: dict[str, Any], key: str, value: Any) -> None:
    """Put a value where ``ros2 param dump`` puts it."""
    first, dot, rest = key.partition('.')
    if dot:
        insert(into.setdefault(first, {}), rest, value)
    else:
        into[first] = value


def values(node: Node) -> dict[str, Any]:
    names = sorted(node.list_parameters([], 0).names)
    messages = [node.get_parameter(name).get_parameter_value() for name in names]
    return dict(zip(names, map(parameter_value_to_python, messages), strict=True))


def map_text(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def dump(node: Node, path: Path) -> Path:
    parameters: dict[str, Any] = {}
    for name, value in values(node).items():
        insert(parameters, name, value)
    content = {node.get_fully_qualified_name(): {'ros__parameters': parameters}}
    path.write_text(yaml.dump(content, default_flow_style=False))
    return path


@pytest.mark.parametrize('name', MAKE)
def test_a_node_takes_back_what_was_dumped_of_it(name: str, tmp_path: Path) -> None:
    if name == 'bag_player':
        write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    given = [word.format(folder=tmp_path) for word in GIVEN.get(name, ())]
    with made(name, [word for each in given for word in ('-p', each)]) as node:
        before = values(node)
        assert None not in before.values()
        path = dump(node, tmp_path / 'dump.yaml')
        # As "ros2 param load" does.
        target = node.get_fully_qualified_name()
        loaded = list(parameter_dict_from_yaml_file(str(path), target_nodes=[target]).values())
        assert len(loaded) == len(before)
        (service,) = (each for each in node.services if each.srv_type is SetParameters)
        request = SetParameters.Request(parameters=loaded)
        answer = service.callback(request, SetParameters.Response())
        assert [each.reason for each in answer.results if not each.successful] == []
        # It reads '0' as a number, which the driver of the camera takes for a device, too.
        assert map_text(values(node)) == map_text(before)
    with made(name, ['--params-file', str(path)]) as node:
        assert values(node) == before


def test_the_list_of_sources_may_be_given_by_its_former_name() -> None:
    with made('activity_selector', ['-p', 'sources:=[a, b]']) as node:
        assert node.get_parameter('source_names').value == ['a', 'b']
        assert not node.has_parameter('sources')


def test_no_numbers_at_all_are_refused() -> None:
    with (
        pytest.raises(ConfigurationError, match=r'mounting_rotation is given as \[\]'),
        made('imu_classifier', ['-p', 'mounting_rotation:=[]']),
    ):
        pass

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

"""The evaluator without a classifier: what it refuses, what truth it hears, when it gives up."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import threading
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String
from std_srvs.srv import Trigger
from vision_msgs.msg import Classification

from test.live.graph import watching
from test.waiting import poll_for
from xmodal_ros.errors import XmodalError
from xmodal_ros.nodes.evaluator_node import Evaluator
from xmodal_ros.ros.messages import classification


@contextmanager
def evaluator(**given: object) -> Iterator[tuple[Evaluator, threading.Event]]:
    context, done = Context(), threading.Event()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    overrides = [Parameter(name, value=value) for name, value in given.items()]
    node = Evaluator(done, context=context, parameter_overrides=overrides)
    try:
        yield node, done
    finally:
        node.destroy_node()
        context.try_shutdown()


def finish(node: Evaluator) -> Trigger.Response:
    (service,) = (each for each in node.services if each.srv_name.endswith('/finish'))
    answer: Trigger.Response = service.callback(Trigger.Request(), Trigger.Response())
    return answer


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        ({'topics': ['']}, "'topics' is empty: name topics of labels"),
        ({'topics': ['activity'], 'html': '/tmp/x.html'}, "set 'bag' to the one that is played"),
        ({'topics': ['activity'], 'bag': '/none'}, 'does not exist'),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_keeps_no_player_waiting(
    given: dict[str, object], words: str
) -> None:
    with evaluator(**given) as (node, done):
        node.start()
        assert words in node.problem
        # Somebody may correct it.
        assert not done.is_set()
        assert finish(node).message == 'the node is unconfigured: activate it first'
        node.stop()
    with evaluator(**given, player='/player') as (node, done):
        node.start()
        assert done.is_set()
        with pytest.raises(XmodalError, match='nothing was evaluated: '):
            node.stop()


def test_truth_may_be_a_text_without_a_stamp_and_what_is_none_is_counted(tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    with (
        evaluator(topics=['activity'], report=str(report)) as (node, _),
        watching() as robot,
        robot.publisher(String, '/activity_label') as truth,
        robot.publisher(Classification, '/activity') as labels,
    ):
        node.start()
        assert node.state == 'active', node.problem

        def told(message: object, key: str, value: str = '') -> bool:
            node.look_at_graph()
            truth.publish(message)
            # What is done now is what is done at the newest label.
            labels.publish(classification(time.time_ns(), '', [('walk', 1.0)]))
            found = dict(node.report().values).get(key, '')
            return found == value if value else bool(found)

        poll_for(lambda: told(String(data='walk'), 'truth', 'walk'), 'the truth is not heard')
        refused = 'refused, truth, truncated'
        poll_for(lambda: told(b'\0\1\0\0\1', refused), 'nothing is refused')
        answer = finish(node)
        assert answer.success, answer.message
        assert json.loads(report.read_text())['refused']['truth, truncated'] >= 1
        # Another take begins with another truth.
        node.time_jumped()
        node.stop()


def test_a_report_that_cannot_be_written_in_the_end_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / 'out'
    with evaluator(topics=['activity'], report=str(folder / 'report.json')) as (node, _):
        node.start()
        assert node.state == 'active', node.problem
        folder.write_text('a file in the place of the folder')
        with pytest.raises(XmodalError, match='out'):
            node.stop()

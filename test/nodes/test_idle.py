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

"""Nodes look for messages when a label has come or a window can be due, and hardly ever else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import threading
import time
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification

from test.bundles import make_camera_bundle
from test.live.graph import watching
from test.messages import image_bytes
from test.recordings import clips, write_imu_bag
from test.waiting import poll_for
from xmodal_ros.nodes.annotator_node import Annotator
from xmodal_ros.nodes.evaluator_node import Evaluator
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.messages import classification
from xmodal_ros.ros.topic_reader import TopicReader
from xmodal_ros.runtime.pipeline import Received

IDLE_S = 0.5
# It may be asked for once by patience, and once more where that has just been over.
MOST = 2
FRAMES, FRAMES_HZ = 60, 30
# Where nobody is busy it is half of this; the queue holds 30.
MOST_PICTURES = 15

Taken = dict[str, list[int]]


@pytest.fixture
def taken(monkeypatch) -> Taken:
    """How many messages each look at a topic gave."""
    found: Taken = {}
    take = TopicReader.take

    def look(reader: TopicReader) -> Sequence[Received]:
        received = take(reader)
        found.setdefault(reader.topic, []).append(len(received))
        return received

    monkeypatch.setattr(TopicReader, 'take', look)
    return found


@contextmanager
def active(kind: type, *arguments: object, **given: object) -> Iterator[Any]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    overrides = [Parameter(name, value=value) for name, value in given.items()]
    node = kind(*arguments, context=context, parameter_overrides=overrides)
    try:
        node.start()
        assert node.state == 'active', node.problem
        yield node
    finally:
        node.destroy_node()
        context.try_shutdown()


def looks_while_idle(taken: Taken, topic: str) -> int:
    before = len(taken.get(topic, []))
    time.sleep(IDLE_S)
    return len(taken.get(topic, [])) - before


def test_annotator_takes_a_label_when_it_comes(taken: Taken) -> None:
    with (
        watching() as robot,
        robot.publisher(Classification, '/activity') as labels,
        active(Annotator) as node,
    ):
        robot.wait_for_subscriber(labels)
        assert looks_while_idle(taken, '/activity') <= MOST
        labels.publish(classification(1, 'eye', [('walk', 0.9)]))
        poll_for(lambda: dict(node.report().values)['label'] == 'walk')
        assert looks_while_idle(taken, '/activity') <= MOST


@pytest.mark.parametrize('knows', [True, False], ids=['by a recording', 'by a topic'])
def test_evaluator_takes_labels_and_truth_when_they_come(
    taken: Taken, tmp_path: Path, *, knows: bool
) -> None:
    bag = str(write_imu_bag(tmp_path / 'bag', clips(['walk'], seconds=2))) if knows else ''
    topics = ['/activity', '/other']
    with (
        watching() as robot,
        robot.publisher(Classification, topics[1]) as labels,
        robot.publisher(Classification, '/activity_label') as truth,
        active(Evaluator, threading.Event(), topics=topics, bag=bag),
    ):
        robot.wait_for_subscriber(labels)
        robot.wait_for_subscriber(truth)
        assert looks_while_idle(taken, topics[1]) <= MOST
        # What is said of the truth waits for ever where a recording tells it.
        truth.publish(classification(1, '', [('walk', 1.0)]))
        poll_for(lambda: knows or sum(taken.get('/activity_label', [])) == 1)
        labels.publish(classification(1, '', [('walk', 1.0)]))
        poll_for(lambda: sum(taken.get(topics[1], [])) == 1)
        assert looks_while_idle(taken, topics[1]) <= MOST
        assert sum(taken.get('/activity_label', [])) == (0 if knows else 1)


def show(robot: Any, model: Path, **settings: object) -> Iterator[int]:
    """Show a classifier pictures; gives the number of each, and waits for the next one's time."""
    picture = np.zeros((16, 16), np.uint8)
    given = {'model': str(make_camera_bundle(model)), 'topic': '/eye', 'device': 'cpu'}
    with (
        robot.publisher(Image, '/eye') as eye,
        active(ClassifierNode, 'camera', **given, **settings),
    ):
        robot.wait_for_subscriber(eye)
        begun = time.monotonic()
        for number in range(1, FRAMES + 1):
            eye.publish(image_bytes(time.time_ns(), picture, 'mono8'))
            time.sleep(max(0.0, begun + number / FRAMES_HZ - time.monotonic()))
            yield number


def test_pictures_are_taken_several_at_a_time(taken: Taken, tmp_path: Path) -> None:
    with watching() as robot:
        for number in show(robot, tmp_path / 'bundle'):
            if number == FRAMES:
                poll_for(lambda: sum(taken['/eye']) == FRAMES)
    assert len(taken['/eye']) < 0.7 * FRAMES
    assert max(taken['/eye']) <= MOST_PICTURES


def test_pictures_are_taken_as_they_come_where_the_user_wants_a_queue_of_one(
    taken: Taken, tmp_path: Path
) -> None:
    depth = {'qos_overrides./eye.subscription.depth': 1}
    with watching() as robot:
        assert sum(1 for _ in show(robot, tmp_path / 'bundle', **depth)) == FRAMES
    # With pauses three of five are lost; where the machine is busy, some may be without.
    assert sum(taken['/eye']) > 0.6 * FRAMES

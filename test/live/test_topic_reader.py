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

"""A source over DDS: who waits for messages is woken, whatever becomes of the subscription."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from pathlib import Path
import subprocess
import sys
import threading
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, Imu

from test.live.graph import BEST_EFFORT, RELIABLE, watching
from test.messages import imu_bytes
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.ros import qos
from xmodal_ros.ros import topic_reader as source_module
from xmodal_ros.ros.message_class import message_class
from xmodal_ros.ros.qos import QosOverrides
from xmodal_ros.ros.topic_reader import TopicReader, wait_for_any
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.pipeline import Received
from xmodal_ros.streams.cdr import read_stamp_ns

IMU_TYPES = ('sensor_msgs/msg/Imu',)
IMAGE_TYPES = ('sensor_msgs/msg/Image',)


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node('listener', context=context, enable_rosout=False)
    yield node
    node.destroy_node()
    context.try_shutdown()


@pytest.fixture
def source(node: Node) -> Iterator[TopicReader]:
    source = TopicReader(node, '/imu', IMU_TYPES)
    # Subscribing is news to whoever waits next.
    source.wait(0)
    yield source
    source.close()


@contextmanager
def publisher(
    node: Node, source: TopicReader, profile: QoSProfile = RELIABLE, msgtype: Any = Imu
) -> Iterator[Any]:
    publisher = node.create_publisher(msgtype, source.topic, profile)
    yield publisher
    node.destroy_publisher(publisher)


class Waiter:
    """Waits on a source in a thread; ``answer`` gives what came of it."""

    def __init__(self, source: TopicReader) -> None:
        self._answers: list[bool] = []
        self._thread = threading.Thread(target=self._run, args=(source,), daemon=True)
        self._thread.start()
        poll_for(lambda: source._waited_on is not None)

    def _run(self, source: TopicReader) -> None:
        self._answers.append(source.wait(10 * PATIENCE_S))

    def answer(self) -> bool:
        self._thread.join(PATIENCE_S)
        assert self._answers, 'still waiting'
        return self._answers[0]


def test_a_message_ends_the_wait_and_is_there_until_it_is_taken(
    node: Node, source: TopicReader
) -> None:
    with publisher(node, source) as imu:
        poll_for(lambda: source.publishers == 1)
        waiter = Waiter(source)
        imu.publish(imu_bytes(1))
        assert waiter.answer()
        assert source.wait(PATIENCE_S)
        assert [read_stamp_ns(each.data) for each in source.take()] == [1]
        assert not source.wait(0)


@pytest.mark.parametrize(('wanted', 'depth'), [(None, 30), (2, 2), (100, 30)])
def test_a_queue_holds_as_many_as_the_user_wants_and_gives_as_many_as_the_sensor_has(
    node: Node, wanted: int | None, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qos, 'read_overrides', lambda *_: QosOverrides(depth=wanted))
    source = TopicReader(node, '/imu', IMU_TYPES, depth=30)
    assert source.depth == depth
    source.close()


def test_closing_ends_the_wait(source: TopicReader) -> None:
    waiter = Waiter(source)
    source.close()
    # Before the subscription went, not some time after.
    assert source._waited_on is None
    assert not waiter.answer()
    assert source.take() == []
    assert not source.wait(0)


def test_waking_ends_the_wait_or_the_next_one(source: TopicReader) -> None:
    waiter = Waiter(source)
    source.wake()
    assert not waiter.answer()
    source.wake()
    assert not source.wait(10 * PATIENCE_S)


def test_a_message_or_a_waking_of_any_of_several_ends_the_wait(
    node: Node, source: TopicReader
) -> None:
    other = TopicReader(node, '/other_imu', IMU_TYPES)
    other.wait(0)
    with publisher(node, other) as imu:
        poll_for(lambda: other.publishers == 1)
        for waking in (source, other):
            waking.wake()
            assert not wait_for_any([source, other], 10 * PATIENCE_S)
        imu.publish(imu_bytes(1))
        assert wait_for_any([source, other], PATIENCE_S)
        assert source.take() == []
        assert [read_stamp_ns(each.data) for each in other.take()] == [1]
        assert not wait_for_any([source, other], 0)
    other.close()


def test_subscribing_anew_ends_the_wait_and_the_next_one_hears_the_new_subscription(
    node: Node, source: TopicReader
) -> None:
    assert source.reliability == 'reliable'
    waiter = Waiter(source)
    with publisher(node, source, BEST_EFFORT) as imu:
        poll_for(lambda: (source.follow(), source.reliability)[1] == 'best effort')
        assert not waiter.answer()
        source.wait(0)
        poll_for(lambda: source.publishers == 1)
        waiter = Waiter(source)
        imu.publish(imu_bytes(1))
        assert waiter.answer()
        assert len(source.take()) == 1


def test_a_source_may_be_closed_two_hundred_times_while_another_thread_waits(
    node: Node, source: TopicReader
) -> None:
    taken: list[Received] = []
    thread = EventThread(
        'intake',
        wait=source.wait,
        work=lambda: taken.extend(source.take()),
        wake=source.wake,
    )
    with publisher(node, source) as imu:
        for _ in range(200):
            source.follow()
            # As messages come, so that the thread is now waiting and now taking.
            imu.publish(imu_bytes(1))
            source.close()
        source.follow()
        poll_for(lambda: source.publishers == 1)
        taken.clear()
        imu.publish(imu_bytes(2))
        poll_for(lambda: [read_stamp_ns(each.data) for each in taken] == [2])
    thread.stop()


def test_waiting_after_ros_is_over_gives_up(node: Node, source: TopicReader) -> None:
    node.context.shutdown()
    assert not source.wait(0.01)
    node.destroy_node()
    assert not source.wait(0.01)
    assert source.take() == []


def test_a_queue_holds_the_newest_messages_up_to_its_depth(node: Node) -> None:
    source = TopicReader(node, '/image', IMAGE_TYPES, depth=Camera.intake.depth)
    with publisher(node, source, msgtype=Image) as camera:
        poll_for(lambda: source.publishers == 1)
        for number in range(1, 51):
            image = Image()
            image.header.stamp.nanosec = number
            camera.publish(image)
        assert camera.wait_for_all_acked(Duration(seconds=int(PATIENCE_S)))
        assert [read_stamp_ns(each.data) for each in source.take()] == list(range(21, 51))
    source.close()


def test_no_image_of_a_reliable_camera_is_lost(node: Node, tmp_path: Path) -> None:
    # No more than the queue holds, for a machine that is busy for a second reads none meanwhile.
    count = Camera.intake.depth
    source = TopicReader(node, '/image', IMAGE_TYPES, depth=count)
    stamps: list[int] = []

    def take() -> None:
        stamps.extend(read_stamp_ns(each.data) for each in source.take())

    thread = EventThread('intake', wait=source.wait, work=take, wake=source.wake)
    driver = subprocess.Popen(
        [sys.executable, '-m', 'test.live.image_driver', source.topic, str(count), '30'],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b'published\n'
        poll_for(lambda: len(stamps) >= count)
        driver.communicate(timeout=PATIENCE_S)
        assert driver.returncode == 0
    finally:
        driver.kill()
        driver.wait()
        thread.stop()
        source.close()
    assert stamps == list(range(1, count + 1))


def test_a_type_that_is_not_installed_is_explained_and_may_come_later(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a missing package: what is not installed cannot be published here either."""
    real = message_class

    def without_images(msgtype: str) -> Any:
        if msgtype in IMAGE_TYPES:
            raise ConfigurationError("install the ROS package 'sensor_msgs'")
        return real(msgtype)

    source = TopicReader(node, '/imu', (*IMU_TYPES, *IMAGE_TYPES))
    with watching() as other, other.publisher(Image, '/imu'):
        monkeypatch.setattr(source_module, 'message_class', without_images)
        poll_for(lambda: bool(node.get_publishers_info_by_topic('/imu')))
        assert not source.follow()
        assert 'install the ROS package' in source.problem
        monkeypatch.undo()
        assert source.follow()
        assert (source.msgtype, source.problem) == (IMAGE_TYPES[0], '')
    source.close()


def test_the_remedy_names_topics_that_somebody_publishes_on_and_not_all_of_them(
    node: Node, source: TopicReader
) -> None:
    """Others that only wait, and what the node publishes itself, are no help."""
    with ExitStack() as stack:
        other = stack.enter_context(watching())
        waiting = TopicReader(node, '/another/imu', IMU_TYPES)
        stack.callback(waiting.close)
        stack.enter_context(publisher(node, waiting))
        for number in range(9):
            stack.enter_context(other.publisher(Imu, f'/other_{number}/imu'))

        def nine() -> bool:
            source.follow()
            return 'and 4 more' in source.problem

        poll_for(nine)
        assert source.problem.count('/other_') == 5
        assert '/another/imu' not in source.problem


def test_a_topic_that_the_process_reads_as_another_type_is_refused(
    node: Node, source: TopicReader
) -> None:
    with pytest.raises(ConfigurationError, match='as another type'):
        TopicReader(node, source.topic, IMAGE_TYPES)

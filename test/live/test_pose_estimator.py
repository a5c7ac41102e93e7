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

"""The pose estimator in a real graph, on nets that stand in for the published ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import time
from typing import Any, Final

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseArray
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from test.bundles import make_skeleton_bundle
from test.live.graph import is_active, is_error, RELIABLE, running, Status, Watcher
from test.live.talker import Stream, talking
from test.messages import compressed_bytes, EPOCH, image_bytes, SECOND
from test.pose.published_weights import photograph, published_weights
from test.pose.stand_ins import make_estimator, picture_of
from test.pose.test_messages import jpeg
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.pose.loading import load_estimator
from xmodal_ros.pose.messages import skeleton_message
from xmodal_ros.ros.messages import to_nanoseconds, to_time
from xmodal_ros.runtime import health

NODE: Final = '/pose_estimator'
EMPTY: Final = np.full((120, 160, 3), 90, np.uint8)


def settings(folder: Path, **given: object) -> dict[str, object]:
    return {
        'weights': str(folder),
        'image_topic': '/eye',
        'diagnostics_period': 0.05,
        **given,
    }


def somebody(step: int = 0) -> Any:
    hips = np.array([80.0, 60.0])
    return picture_of(120, 160, hips, np.add(hips, [3 * step, -40]), size=3)


def is_connected(status: Status) -> bool:
    matched = status[2].get(health.INPUTS) == status[2].get(health.OUTPUTS) == '1'
    return is_active(status) and matched and not is_error(status)


def connect(watcher: Watcher, eye: Any) -> None:
    """Wait until both sides of both topics know each other: what is published earlier is lost."""
    watcher.wait_for_status(NODE, is_connected)
    watcher.poll_for(lambda: eye.get_subscription_count() == 1, 'pictures are not listened to')
    listening = [each for each in watcher.node.subscriptions if each.topic_name == '/skeleton']
    watcher.poll_for(
        lambda: all(each.get_publisher_count() == 1 for each in listening), 'no skeletons to come'
    )


def count(status: Status, name: str) -> int:
    return int(status[2].get(name, '-1'))


@contextmanager
def listening(watcher: Watcher) -> Iterator[None]:
    subscription = watcher.hear(PoseArray, '/skeleton')
    try:
        yield
    finally:
        watcher.node.destroy_subscription(subscription)
        watcher.heard.clear()


@pytest.fixture
def skeletons(watcher: Watcher) -> Iterator[list[tuple[str, PoseArray]]]:
    watcher.heard.clear()
    with listening(watcher):
        yield watcher.heard


def positions(message: PoseArray) -> Any:
    return np.array(
        [[p.position.x, p.position.y, p.position.z, p.orientation.w] for p in message.poses]
    )


def test_skeletons_are_those_of_the_estimator_offline_and_keep_the_stamps_of_pictures(
    watcher: Watcher, skeletons: list[tuple[str, PoseArray]], tmp_path: Path
) -> None:
    estimator, _, _ = make_estimator()
    pictures = [somebody(0), EMPTY, *map(somebody, range(8))]
    messages = [
        image_bytes(EPOCH + index, picture, 'rgb8') for index, picture in enumerate(pictures)
    ]
    expected = [skeleton_message(estimator, IMAGE_TYPE, each) for each in messages]
    with (
        running(tmp_path, 'dot_finder', settings(tmp_path), package='test.live') as node,
        watcher.publisher(Image, '/eye') as eye,
    ):
        connect(watcher, eye)
        for number, message in enumerate(messages, start=1):
            eye.publish(message)
            # One at a time: none is passed over.
            status = watcher.wait_for_status(
                NODE,
                lambda s, n=number: count(s, health.RECEIVED) == n,  # type: ignore[misc]
            )
        watcher.wait_for(lambda: len(skeletons) == 9, 'skeletons are missing')
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
    assert count(status, 'pictures passed over while busy') == 0
    found = [message for _, message in skeletons]
    assert [to_nanoseconds(each.header.stamp) - EPOCH for each in found] == [0, *range(2, 10)]
    assert {each.header.frame_id for each in found} == {'camera_link'}
    assert [expected.index(None)] == [1]
    for message, data in zip(found, filter(None, expected), strict=True):
        poses = np.frombuffer(data[-33 * 56 :], '<f8').reshape(33, 7)
        assert (positions(message) == poses[:, [0, 1, 2, 6]]).all()


def test_pictures_without_a_person_and_those_that_are_none_are_counted(
    watcher: Watcher, skeletons: list[tuple[str, PoseArray]], tmp_path: Path
) -> None:
    with (
        running(
            tmp_path,
            'dot_finder',
            settings(tmp_path, image_topic='/compressed'),
            package='test.live',
        ) as node,
        watcher.publisher(CompressedImage, '/compressed') as eye,
    ):
        connect(watcher, eye)
        for number, (data, told) in enumerate(
            [
                (compressed_bytes(EPOCH, jpeg(EMPTY)), 'nobody is seen'),
                (compressed_bytes(EPOCH, b'no picture'), 'a picture cannot be used'),
                (compressed_bytes(EPOCH + SECOND, jpeg(somebody())), 'a person is seen'),
            ],
            start=1,
        ):
            watcher.forget_statuses(NODE)
            eye.publish(data)
            status = watcher.wait_for_status(
                NODE,
                lambda s, n=number, words=told: count(s, health.RECEIVED) == n and words in s[1],  # type: ignore[misc]
                anew=False,
            )
        watcher.wait_for(lambda: len(skeletons) == 1, 'no skeleton')
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
    assert count(status, 'pictures without a person') == 1
    assert count(status, 'skeletons published') == 1
    assert count(status, f'{health.DROPPED}corrupt') == 1


def test_after_what_cannot_be_used_nobody_is_seen(watcher: Watcher, tmp_path: Path) -> None:
    good = image_bytes(EPOCH, somebody(), 'rgb8')
    with (
        running(tmp_path, 'dot_finder', settings(tmp_path), package='test.live') as node,
        watcher.publisher(Image, '/eye') as eye,
        listening(watcher),
    ):
        connect(watcher, eye)
        eye.publish(good)
        watcher.wait_for_status(NODE, lambda s: 'a person is seen' in s[1])
        watcher.forget_statuses(NODE)
        eye.publish(image_bytes(EPOCH, np.ones((48, 64), np.uint16), '16UC1'))
        told = watcher.wait_for_status(NODE, lambda s: 'cannot be used' in s[1], anew=False)
        assert count(told, f'{health.DROPPED}encoding') == 1
        watcher.wait_for_status(NODE, lambda s: 'nobody is seen' in s[1])
        eye.publish(good)
        watcher.wait_for_status(NODE, lambda s: 'a person is seen' in s[1])
        (tmp_path / 'fail').touch()
        watcher.forget_statuses(NODE)
        eye.publish(good)
        told = watcher.wait_for_status(NODE, lambda s: 'something failed' in s[1], anew=False)
        assert is_error(told)
        assert count(told, health.FAILURES) == 1
        quiet = watcher.wait_for_status(NODE, lambda s: 'nobody is seen' in s[1])
        assert count(quiet, health.FAILURES) == 1
        (tmp_path / 'fail').unlink()
        eye.publish(good)
        watcher.wait_for_status(NODE, lambda s: 'a person is seen' in s[1])
        assert node.end() == 0, node.log
    assert 'ZeroDivisionError' in node.log


def test_two_seconds_without_a_picture_are_told(watcher: Watcher, tmp_path: Path) -> None:
    with (
        running(tmp_path, 'dot_finder', settings(tmp_path), package='test.live') as node,
        watcher.publisher(Image, '/eye') as eye,
        listening(watcher),
    ):
        connect(watcher, eye)
        for number in (1, 2):
            watcher.forget_statuses(NODE)
            begun_s = time.monotonic()
            eye.publish(image_bytes(EPOCH, somebody(), 'rgb8'))
            level, _, _ = watcher.wait_for_status(
                NODE,
                lambda s, n=number: (
                    'no picture for 2 s' in s[1] and count(s, 'skeletons published') == n
                ),  # type: ignore[misc]
            )
            assert time.monotonic() - begun_s > 2
            assert level == DiagnosticStatus.WARN
        assert node.end() == 0, node.log


def test_a_person_is_looked_for_anew_when_time_jumps_back_and_on_activation(
    watcher: Watcher, tmp_path: Path
) -> None:
    given = settings(tmp_path, use_sim_time=True)
    detected = tmp_path / 'detected'
    with (
        running(tmp_path, 'dot_finder', given, package='test.live') as node,
        watcher.publisher(Image, '/eye') as eye,
        watcher.publisher(Clock, '/clock') as clock,
        listening(watcher),
    ):

        def show(number: int) -> int:
            """How often the detector was asked once this picture was looked at."""
            eye.publish(image_bytes(EPOCH, somebody(), 'rgb8'))
            watcher.wait_for_status(NODE, lambda s: count(s, 'skeletons published') == number)
            return detected.stat().st_size

        def tell(seconds: int) -> None:
            watcher.tell_time(clock, Clock(clock=to_time(seconds * SECOND)), seconds * SECOND)

        connect(watcher, eye)
        tell(100)
        assert [show(1), show(2)] == [1, 1]
        tell(101)
        assert show(3) == 1
        tell(50)
        assert [show(4), show(5)] == [2, 2]
        for transition in ('deactivate', 'activate'):
            assert watcher.change(NODE, transition)
        connect(watcher, eye)
        assert count(watcher.status(NODE), health.RECEIVED) == 0
        assert [show(1), show(2)] == [3, 3]
        assert node.end() == 0, node.log


def test_the_newest_picture_is_looked_at_and_those_before_are_passed_over(
    watcher: Watcher, skeletons: list[tuple[str, PoseArray]], tmp_path: Path
) -> None:
    wait, waiting = tmp_path / 'wait', tmp_path / 'waiting'
    wait.touch()
    with (
        running(tmp_path, 'dot_finder', settings(tmp_path), package='test.live') as node,
        watcher.publisher(Image, '/eye', RELIABLE) as eye,
    ):
        connect(watcher, eye)
        eye.publish(image_bytes(EPOCH, somebody(), 'rgb8'))
        watcher.poll_for(waiting.exists, 'the first picture is not looked at')
        for index in range(1, 5):
            eye.publish(image_bytes(EPOCH + index, somebody(), 'rgb8'))
        assert eye.wait_for_all_acked()
        wait.unlink()
        status = watcher.wait_for_status(NODE, lambda s: count(s, health.RECEIVED) == 5)
        watcher.wait_for(lambda: len(skeletons) == 2, 'skeletons are missing')
        assert node.end() == 0, node.log
    stamps = [to_nanoseconds(message.header.stamp) - EPOCH for _, message in skeletons]
    assert stamps == [0, 4]
    assert count(status, 'pictures passed over while busy') == 3


def test_a_skeleton_classifier_decides_on_what_it_publishes(
    watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_skeleton_bundle(tmp_path / 'bundle', joints=33)
    given = {'model': str(bundle), 'device': 'cpu', 'diagnostics_period': 0.1}
    watcher.labels.clear()
    subscription = watcher.hear_labels('/skeleton_classifier')
    with (
        running(tmp_path, 'dot_finder', settings(tmp_path), package='test.live'),
        running(tmp_path, 'skeleton_classifier', given),
        watcher.publisher(Image, '/eye') as eye,
        talking([Stream(eye, 20, lambda stamp: image_bytes(stamp, somebody(), 'rgb8'))]),
    ):
        watcher.wait_for(
            lambda: any(len(each.results) > 1 for each in watcher.labels), 'nothing is decided'
        )
    watcher.node.destroy_subscription(subscription)
    decided = next(each for each in watcher.labels if len(each.results) > 1)
    assert decided.header.frame_id == 'camera_link'
    watcher.labels.clear()


def test_without_weights_it_stays_unconfigured_and_says_where_to_get_them(
    watcher: Watcher, tmp_path: Path
) -> None:
    given = settings(tmp_path)
    with running(tmp_path, 'pose_estimator', given) as node:
        _, text, values = watcher.wait_for_status(NODE, is_error)
        assert values['state'] == 'unconfigured'
        assert 'pip' in text
        assert 'mediapipe==0.10.14' in text or 'xmodal_ros[pose]' in text
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log


def test_where_nothing_is_published_it_says_so_and_another_topic_may_be_set(
    watcher: Watcher, skeletons: list[tuple[str, PoseArray]], tmp_path: Path
) -> None:
    given = settings(tmp_path, image_topic='/nowhere')
    with (
        running(tmp_path, 'dot_finder', given, package='test.live') as node,
        watcher.publisher(Image, '/eye') as eye,
    ):
        _, text, _ = watcher.wait_for_status(NODE, lambda s: is_active(s) and is_error(s))
        assert 'nobody publishes on /nowhere' in text
        for transition in ('deactivate', 'cleanup'):
            assert watcher.change(NODE, transition)
        assert watcher.set_parameter(NODE, 'image_topic', '/eye') == (True, '')
        for transition in ('configure', 'activate'):
            assert watcher.change(NODE, transition)
        connect(watcher, eye)
        eye.publish(image_bytes(EPOCH, somebody(), 'rgb8'))
        watcher.wait_for(lambda: len(skeletons) == 1, 'no skeleton')
        assert node.end() == 0, node.log


def test_with_the_published_nets_skeletons_are_those_of_the_estimator_offline(
    watcher: Watcher,
    skeletons: list[tuple[str, PoseArray]],
    tmp_path: Path,
    shared_data: Path,
) -> None:
    weights = published_weights(shared_data)
    messages = [
        image_bytes(EPOCH + step, np.roll(photograph(), 10 * step, axis=1), 'rgb8')
        for step in range(3)
    ]
    estimator = load_estimator(weights)
    expected = [skeleton_message(estimator, IMAGE_TYPE, each) for each in messages]
    with (
        running(tmp_path, 'pose_estimator', settings(weights)) as node,
        watcher.publisher(Image, '/eye') as eye,
    ):
        connect(watcher, eye)
        for number, message in enumerate(messages, start=1):
            eye.publish(message)
            watcher.wait_for(lambda n=number: len(skeletons) == n, 'no skeleton')  # type: ignore[misc]
        assert node.end() == 0, node.log
    for (_, message), data in zip(skeletons, expected, strict=True):
        assert data is not None
        poses = np.frombuffer(data[-33 * 56 :], '<f8').reshape(33, 7)
        assert (positions(message) == poses[:, [0, 1, 2, 6]]).all()

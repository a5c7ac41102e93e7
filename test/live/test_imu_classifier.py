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

"""The IMU classifier in a real graph: what it publishes, what it survives, what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu
from std_msgs.msg import String
from vision_msgs.msg import Classification, LabelInfo

from test.bundles import LABELS, make_imu_bundle
from test.live.graph import (
    BEST_EFFORT,
    is_active,
    is_error,
    LATCHED,
    NodeProcess,
    RELIABLE,
    running,
    Watcher,
)
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.ros.messages import to_nanoseconds, to_time
from xmodal_ros.runtime import health
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine, Prediction

NAME = '/imu_classifier'
TOPIC = '/imu/data'
PERIOD = SECOND // 100


@dataclass(frozen=True)
class Live:
    watcher: Watcher
    bundle: Path
    process: NodeProcess

    def restart(self) -> None:
        """Let the node begin anew, with counters at zero."""
        if self.watcher.state(NAME) == 'active':
            assert self.watcher.change(NAME, 'deactivate')
        self.watcher.labels.clear()
        assert self.watcher.change(NAME, 'activate')

    def feed(self, messages: Sequence[bytes], profile: QoSProfile = RELIABLE) -> dict[str, str]:
        """Publish messages, and give the values of the report that has counted them all."""
        with self.watcher.publisher(Imu, TOPIC, profile) as publisher:
            self.watcher.wait_for_subscriber(publisher)
            self.watcher.wait_for_status(NAME, lambda s: s[2].get(health.INPUTS) == '1')
            before = int(self.watcher.status(NAME)[2][health.RECEIVED])
            for message in messages:
                publisher.publish(message)
            total = str(before + len(messages))
            _, _, values = self.watcher.wait_for_status(
                NAME,
                lambda s: s[2].get(health.RECEIVED) == total and s[2][health.PENDING] == '0',
            )
        count = int(values[health.WINDOWS])
        self.watcher.wait_for(lambda: len(self.watcher.labels) >= count, 'labels are missing')
        return values


@pytest.fixture(scope='module')
def process(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp('imu_classifier')
    bundle = make_imu_bundle(folder / 'bundle')
    watcher.hear_labels(NAME)
    settings = {'model': str(bundle), 'diagnostics_period': 0.1, 'device': 'cpu'}
    with running(folder, 'imu_classifier', settings) as node:
        watcher.wait_for_status(NAME, is_active)
        yield Live(watcher, bundle, node)
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log


@pytest.fixture
def live(process: Live) -> Live:
    process.restart()
    return process


def motion(start_ns: int, seconds: float, seed: int = 0) -> list[bytes]:
    """An IMU at 100 Hz that shakes."""
    rng = np.random.default_rng(seed)
    stamps = range(start_ns, start_ns + int(seconds * SECOND), PERIOD)
    return [imu_bytes(t, [*rng.normal(0, 5, 3)], [*rng.normal(0, 1, 3)]) for t in stamps]


def offline(bundle: Path, messages: Sequence[bytes]) -> list[Prediction]:
    make_deterministic()
    engine = Engine(load_bundle(bundle))
    info = engine.bundle.info
    intake = SensorIntake(info.stream, info.window, 'sensor_msgs/msg/Imu')
    return [engine.classify(window) for window in intake.windows(messages)]


def as_pairs(label: Classification) -> list[tuple[str, float]]:
    return [(result.class_id, result.score) for result in label.results]


def stamps_of(labels: Sequence[Classification]) -> list[int]:
    return [to_nanoseconds(label.header.stamp) for label in labels]


def test_labels_are_those_of_the_offline_engine_whatever_comes_between(live: Live) -> None:
    good = motion(EPOCH, 6)
    bad = [
        b'\x00\x01\x00\x00',
        b'\x07\x07\x00\x00' + bytes(400),
        good[0][:100],
        imu_bytes(EPOCH + 3 * SECOND, (np.nan, 0, 0)),
        imu_bytes(EPOCH + 3 * SECOND, has_gyro=False),
        imu_bytes(EPOCH + 3 * SECOND, has_acc=False),
        imu_bytes(0),
        good[340],
        good[349],
    ]
    messages = good[:350] + bad + good[350:]
    expected = offline(live.bundle, good)
    assert [p.stamp_ns for p in expected] == [EPOCH + k * SECOND // 2 for k in range(5, 12)]

    values = live.feed(messages)

    labels = live.watcher.labels
    assert stamps_of(labels) == [p.stamp_ns for p in expected]
    for label, prediction in zip(labels, expected, strict=True):
        assert as_pairs(label) == list(prediction.scores)
        assert label.header.frame_id == 'imu_link'
        assert sorted(name for name, _ in as_pairs(label)) == sorted(LABELS)
    drops = {key: int(n) for key, n in values.items() if key.startswith(health.DROPPED)}
    reasons = {
        'truncated': 2,
        'encapsulation': 1,
        'not_finite': 1,
        'no_gyro': 1,
        'no_acceleration': 1,
        'zero_stamp': 1,
        'late': 1,
        'duplicate': 1,
    }
    assert drops == {health.DROPPED + health.in_words(name): n for name, n in reasons.items()}
    assert values[health.FAILURES] == '0'


def test_a_best_effort_publisher_is_heard(live: Live) -> None:
    messages = motion(EPOCH, 3)

    values = live.feed(messages, BEST_EFFORT)

    assert values['reliability'] == 'best effort'
    assert len(live.watcher.labels) == len(offline(live.bundle, messages)) > 0


def test_windows_start_anew_when_the_stamps_jump_back(live: Live) -> None:
    later, earlier = motion(EPOCH + 3600 * SECOND, 4), motion(EPOCH, 4, seed=1)

    values = live.feed(later + earlier)

    stamps = stamps_of(live.watcher.labels)
    assert stamps == [p.stamp_ns for p in offline(live.bundle, later + earlier)]
    assert min(stamps) < EPOCH + 10 * SECOND < max(stamps)
    assert values[health.RESETS] == '1'


def test_windows_start_anew_when_ros_time_jumps_back(live: Live) -> None:
    assert live.watcher.set_parameter(NAME, 'use_sim_time', True)[0]
    try:
        with live.watcher.publisher(Clock, '/clock') as clock:
            live.watcher.wait_for_subscriber(clock)
            for seconds in (100, 50):
                message = Clock(clock=to_time(seconds * SECOND))
                live.watcher.tell_time(clock, message, seconds * SECOND)
            status = live.watcher.wait_for_status(NAME, lambda s: s[2].get(health.RESETS) == '1')
        assert is_active(status)
    finally:
        assert live.watcher.set_parameter(NAME, 'use_sim_time', False)[0]


def test_a_gap_becomes_unknown_when_data_return(live: Live) -> None:
    messages = motion(EPOCH, 4) + motion(EPOCH + 10 * SECOND, 4)

    values = live.feed(messages)

    expected = offline(live.bundle, messages)
    labels = [as_pairs(label)[0][0] for label in live.watcher.labels]
    assert labels == [p.label for p in expected]
    assert labels.count('unknown') > 8
    assert values['windows unknown'] == str(labels.count('unknown'))


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (imu_bytes(EPOCH, has_gyro=False), 'no gyro'),
        (imu_bytes(EPOCH, (np.inf, 0, 0)), 'NaN or infinite'),
        (imu_bytes(0), 'header.stamp is not set'),
        (bytes(16), 'past the end'),
    ],
)
def test_a_topic_of_useless_messages_is_an_error_in_words(
    live: Live, message: bytes, words: str
) -> None:
    with live.watcher.publisher(Imu, TOPIC) as publisher:
        live.watcher.wait_for_subscriber(publisher)
        live.watcher.wait_for_status(NAME, lambda s: s[2].get(health.INPUTS) == '1')
        # Said once of each message.
        live.watcher.forget_statuses(NAME)
        publisher.publish(message)
        _, text, _ = live.watcher.wait_for_status(NAME, lambda s: words in s[1], anew=False)
    assert TOPIC in text
    assert live.process.running


def test_two_sensors_on_one_topic_are_doubtful_and_one_is_not(live: Live) -> None:
    def doubts(values: dict[str, str]) -> set[str]:
        return {key.removeprefix(health.DOUBT) for key in values if key.startswith(health.DOUBT)}

    assert doubts(live.feed(motion(EPOCH, 4))) == set()
    frames = ('imu_left', 'imu_right')
    acc = np.random.default_rng(0).normal(0, 5, (400, 3)).tolist()
    both = [
        imu_bytes(EPOCH + 5 * SECOND + n * PERIOD, each, each, frame_id=frames[n % 2])
        for n, each in enumerate(acc)
    ]
    live.feed(both)
    _, _, values = live.watcher.wait_for_status(
        NAME, lambda s: health.DOUBT + 'frames' in s[2], anew=False
    )
    assert 'imu_left' in values[health.DOUBT + 'frames']
    assert 'imu_right' in values[health.DOUBT + 'frames']


def test_a_topic_without_publisher_is_an_error_that_names_others(live: Live) -> None:
    with live.watcher.publisher(Imu, '/imu_thigh/data'):
        _, text, _ = live.watcher.wait_for_status(
            NAME, lambda s: is_error(s) and '/imu_thigh/data' in s[1]
        )
    assert 'nobody publishes on /imu/data' in text


def test_a_topic_of_another_type_is_an_error_with_the_remedy(live: Live) -> None:
    with live.watcher.publisher(String, TOPIC):
        _, text, _ = live.watcher.wait_for_status(
            NAME, lambda s: is_error(s) and 'std_msgs/msg/String' in s[1]
        )
    assert 'sensor_msgs/msg/Imu is needed' in text
    assert "'topic'" in text


def test_a_late_subscriber_gets_the_classes(live: Live) -> None:
    live.watcher.hear(LabelInfo, f'{NAME}/labels', LATCHED)
    heard: list[tuple[str, Any]] = live.watcher.heard
    live.watcher.wait_for(lambda: bool(heard), 'no LabelInfo')
    info = heard[-1][1]
    assert [item.class_name for item in info.class_map] == list(LABELS)
    assert [item.class_id for item in info.class_map] == list(range(len(LABELS)))


def test_the_threshold_for_unknown_may_be_set_while_running(live: Live) -> None:
    assert live.watcher.set_parameter(NAME, 'unknown_threshold', 0.99) == (True, '')
    try:
        live.feed(motion(EPOCH, 4))
        for label in live.watcher.labels:
            (first, unknown), *rest = as_pairs(label)
            assert first == 'unknown'
            assert unknown == pytest.approx(1 - rest[0][1])
            assert [name for name, _ in rest] != []
    finally:
        live.watcher.set_parameter(NAME, 'unknown_threshold', -1.0)


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('queue_size', 5, 'while the node is unconfigured; it is active'),
        ('topic', 'not a name', "'not a name' is no name of a topic"),
        ('model', '/elsewhere', 'there is no bundle at /elsewhere'),
        ('model', '', "the parameter 'model' is not set"),
        ('device', 'cuda:99', "device 'cuda:99' is not there"),
        ('device', 'abacus', "is none of 'auto', 'cpu'"),
        ('precision', 'int4', "precision 'int4' is none of fp32, fp16, bf16"),
        ('mounting_rotation', [1.0, 2.0], 'roll, pitch and yaw in degrees'),
        ('mounting_rotation', 'upside down', 'roll, pitch and yaw in degrees'),
        ('mounting_rotation', [float('nan'), 0.0, 0.0], '3 finite numbers'),
        ('autostart', False, 'read-only'),
        ('diagnostics_period', 2.0, 'read-only'),
        ('unknown_threshold', 1.5, 'out of range'),
        ('unknown_threshold', float('nan'), 'out of range'),
        ('unknown_threshold', 'high', 'type'),
    ],
)
def test_a_parameter_that_cannot_be_set_says_why(
    live: Live, name: str, value: object, words: str
) -> None:
    successful, reason = live.watcher.set_parameter(NAME, name, value)
    assert not successful
    assert words in reason

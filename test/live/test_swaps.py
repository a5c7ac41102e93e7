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

"""Models and topics are exchanged while a classifier works: no label is missed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import itertools
from pathlib import Path
import re
import shutil
import threading
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from sensor_msgs.msg import Imu
from vision_msgs.msg import LabelInfo

from test.bundles import make_camera_bundle, make_imu_bundle, rewrite_document
from test.live.graph import is_active, LATCHED, NodeProcess, RELIABLE, running, Status, Watcher
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.runtime import health
from xmodal_ros.windows.windowing import WindowingSpec

NAME = '/imu_classifier'
HOP = SECOND // 2
# One message every 10 ms of its stamps, and several for each pause: ten times as fast as a robot.
PERIOD = SECOND // 100
BURST = 10
PAUSE_S = 0.01


class Feeder:
    """Publishes an endless movement on several topics at once, until it is stopped."""

    def __init__(self, publishers: Sequence[Any]) -> None:
        self._publishers = publishers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> 'Feeder':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = np.random.default_rng(0)
        for burst in itertools.count():
            for k in range(BURST):
                stamp_ns = EPOCH + (burst * BURST + k) * PERIOD
                data = imu_bytes(stamp_ns, [*rng.normal(0, 5, 3)], [*rng.normal(0, 1, 3)])
                for publisher in self._publishers:
                    publisher.publish(data)
            if self._stop.wait(PAUSE_S):
                return


@dataclass(frozen=True)
class Robot:
    watcher: Watcher
    node: NodeProcess
    folder: Path

    def set(self, name: str, value: object) -> None:
        assert self.watcher.set_parameter(NAME, name, value) == (True, '')

    def wait(self, condition: Callable[[dict[str, str]], bool]) -> Status:
        return self.watcher.wait_for_status(NAME, lambda status: condition(status[2]))

    def wait_for_labels(self, count: int) -> None:
        """Wait for so many more labels."""
        wanted = len(self.watcher.labels) + count
        self.watcher.wait_for(lambda: len(self.watcher.labels) >= wanted, 'no more labels')

    def check_no_hop_missed(self) -> None:
        stamps = [to_nanoseconds(label.header.stamp) for label in self.watcher.labels]
        steps = {b - a for a, b in itertools.pairwise(stamps)}
        assert steps == {HOP}, sorted(steps)


@pytest.fixture(scope='module')
def process(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    """A classifier that hears one of two topics of the same movement."""
    folder = tmp_path_factory.mktemp('swaps')
    for seed, name in enumerate(('first', 'second')):
        make_imu_bundle(folder / name, seed=seed)
    make_imu_bundle(folder / 'other_labels', ['run', 'rest'], seed=2)
    longer = WindowingSpec(length_ns=3 * SECOND, rate_hz=40)
    make_imu_bundle(folder / 'longer', seed=3, window=longer, channels='acc')
    settings = {
        'model': str(folder / 'first'),
        'topic': 'left',
        'device': 'cpu',
        'diagnostics_period': 0.1,
        'queue_size': 1000,
    }
    with running(folder, 'imu_classifier', settings) as node:
        with (
            watcher.publisher(Imu, '/left', RELIABLE) as left,
            watcher.publisher(Imu, '/right', RELIABLE) as right,
        ):
            watcher.wait_for_status(NAME, lambda s: s[2].get(health.INPUTS) == '1')
            with Feeder([left, right]):
                yield Robot(watcher, node, folder)
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
        assert 'unexpected' not in node.log


@pytest.fixture
def robot(process: Robot) -> Iterator[Robot]:
    """The classifier as it began: with the first model, on the first topic."""
    at_first = {'model': str(process.folder / 'first'), 'topic': '/left'}
    for name, value in at_first.items():
        if process.watcher.get_parameter(NAME, name) != value:
            process.set(name, value)
    process.wait(lambda values: at_first.items() <= values.items() and 'change' not in values)
    with hearing(process.watcher):
        process.wait_for_labels(2)
        yield process


@contextmanager
def hearing(watcher: Watcher) -> Iterator[None]:
    watcher.labels.clear()
    subscription = watcher.hear_labels(NAME)
    try:
        yield
    finally:
        watcher.node.destroy_subscription(subscription)


def anonymous_kib(pid: int) -> int:
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    found = re.search(r'^Anonymous: +(\d+) kB$', text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_a_model_is_exchanged_between_two_labels(robot: Robot) -> None:
    robot.watcher.hear(LabelInfo, f'{NAME}/labels', LATCHED)
    path = str(robot.folder / 'other_labels')

    robot.set('model', path)
    robot.wait(lambda values: values.get('model') == path)
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()
    names = [{r.class_id for r in label.results} - {'unknown'} for label in robot.watcher.labels]
    assert [key for key, _ in itertools.groupby(names)] == [
        {'sit', 'walk', 'wave'},
        {'run', 'rest'},
    ]
    robot.watcher.wait_for(
        lambda: [c.class_name for c in robot.watcher.heard[-1][1].class_map] == ['run', 'rest'],
        'the new labels were not published',
    )


def test_a_model_of_other_windows_takes_over_when_its_first_one_is_full(robot: Robot) -> None:
    path = str(robot.folder / 'longer')

    robot.set('model', path)
    robot.wait(lambda values: values.get('model') == path)
    robot.wait_for_labels(3)
    robot.set('model', str(robot.folder / 'second'))
    robot.wait(lambda values: values.get('model') == str(robot.folder / 'second'))
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()


def test_another_topic_takes_over_when_its_first_window_is_full(robot: Robot) -> None:
    robot.set('topic', '/right')
    robot.wait(lambda values: values.get('topic') == '/right')
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()


def test_a_topic_without_data_leaves_the_old_one_deciding(robot: Robot) -> None:
    robot.set('topic', '/nowhere')
    status = robot.wait(lambda values: 'change' in values)
    assert 'changing to /nowhere, not there yet: nobody publishes on /nowhere' in status[1]
    robot.wait_for_labels(5)
    robot.set('topic', '/left')
    robot.wait(lambda values: 'change' not in values)
    robot.wait_for_labels(2)

    robot.check_no_hop_missed()
    assert robot.watcher.status(NAME)[2]['topic'] == '/left'


def test_a_bundle_that_cannot_be_used_is_refused_and_the_old_one_goes_on(robot: Robot) -> None:
    altered = Path(shutil.copytree(robot.folder / 'second', robot.folder / 'altered'))
    weights = altered / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1] + b'\x77')
    camera = make_camera_bundle(robot.folder / 'camera')
    for path, words in (
        (altered, 'is not the file this bundle was made with'),
        (camera, 'is for camera, this node classifies imu'),
        (robot.folder, 'is no bundle'),
    ):
        successful, reason = robot.watcher.set_parameter(NAME, 'model', str(path))
        assert not successful
        assert words in reason
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()
    assert robot.watcher.status(NAME)[2]['model'] == str(robot.folder / 'first')


def test_a_bundle_that_fails_late_is_rolled_back(robot: Robot) -> None:
    """Its files are whole, but it answers its golden sample otherwise: found on loading only."""
    drifted = Path(shutil.copytree(robot.folder / 'second', robot.folder / 'drifted'))
    golden = load_file(drifted / 'golden.safetensors')
    save_file({**golden, 'logits': golden['logits'] + 1}, drifted / 'golden.safetensors')
    rewrite_document(drifted)

    robot.set('model', str(drifted))
    status = robot.wait(lambda values: 'golden sample' in values.get('change', ''))
    assert f'model {drifted} was not taken' in status[1]
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()
    assert robot.watcher.get_parameter(NAME, 'model') == str(robot.folder / 'first')
    robot.set('model', str(robot.folder / 'second'))
    robot.wait(lambda values: 'change' not in values)


def test_a_bundle_deleted_while_it_runs_goes_on_and_cannot_be_taken_again(robot: Robot) -> None:
    path = str(shutil.copytree(robot.folder / 'first', robot.folder / 'deleted'))
    robot.set('model', path)
    robot.wait(lambda values: values.get('model') == path)
    shutil.rmtree(path)
    robot.wait_for_labels(3)
    successful, reason = robot.watcher.set_parameter(NAME, 'model', path)
    assert not successful
    assert 'there is no bundle' in reason
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()


def test_fifty_swaps_of_models_and_of_topics_miss_no_hop_and_fill_no_memory(robot: Robot) -> None:
    bundles = [str(robot.folder / name) for name in ('second', 'first')]
    topics = ['/right', '/left']
    sizes: list[int] = []
    for swap in range(50):
        robot.set('model', bundles[swap % 2])
        robot.wait(lambda values, path=bundles[swap % 2]: values.get('model') == path)  # type: ignore[misc]
        robot.set('topic', topics[swap % 2])
        robot.wait(lambda values, topic=topics[swap % 2]: values.get('topic') == topic)  # type: ignore[misc]
        sizes.append(anonymous_kib(robot.node.pid))
    robot.wait_for_labels(3)

    robot.check_no_hop_missed()
    assert sizes[-1] < 1.02 * sizes[4], sizes
    values = robot.watcher.status(NAME)[2]
    assert values[health.FAILURES] == '0'
    assert values[health.QUEUE_DROPS] == '0'
    assert is_active(robot.watcher.status(NAME))

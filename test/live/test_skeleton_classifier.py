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

"""Skeletons in a real graph: alone, by the name of their modality, among others, and replayed."""

from collections.abc import Iterator, Sequence
import json
from pathlib import Path
from typing import Final

from geometry_msgs.msg import PoseArray
import numpy as np
import pytest
from typer.testing import CliRunner
from vision_msgs.msg import Classification

from test.bundles import LABELS, make_skeleton_bundle
from test.live.graph import is_active, KEEP_ALL, running, Watcher
from test.live.talker import Stream, talking
from test.messages import EPOCH, pose_array_bytes, SECOND
from test.recordings import clips
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli.main import app
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.runtime import health
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.offline import BagPredictions, classify_bag
from xmodal_ros.tools.doctor.diagnose import check_model, diagnose, types_read_by
from xmodal_ros.tools.doctor.environment import Environment, TorchFacts
from xmodal_ros.tools.doctor.listener import listen

SENSOR = Sensor('skeleton', 'skeleton', '/skeleton', 'camera_link')
JOINTS = 5
SEGMENTS = clips(LABELS, seconds=4)
PERIOD = SECOND // 30
START, END = SEGMENTS[0].start_ns, SEGMENTS[-1].end_ns + SECOND
# No window is dropped however fast messages come.
UNHURRIED: Final[dict[str, object]] = {'diagnostics_period': 0.1, 'queue_size': 1000}
BAD = {
    'joints': pose_array_bytes(EPOCH + SECOND, np.zeros((JOINTS + 1, 3))),
    'not_finite': pose_array_bytes(EPOCH + SECOND, np.full((JOINTS, 3), np.nan)),
    'zero_stamp': pose_array_bytes(0, np.zeros((JOINTS, 3))),
    'truncated': b'\x00\x01\x00\x00',
}


def poses() -> list[bytes]:
    """A person whose joints shake about a place of their own, and messages that are none."""
    rng = np.random.default_rng(0)
    stamps = range(START, END, PERIOD)
    good = [
        pose_array_bytes(stamp, rng.normal(0, 1, 3) + rng.normal(0, 5, (JOINTS, 3)))
        for stamp in stamps
    ]
    return [*good[:60], *BAD.values(), *good[60:]]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('skeleton')


@pytest.fixture(scope='module')
def bundle(folder: Path) -> Path:
    return make_skeleton_bundle(folder / 'bundle', joints=JOINTS)


@pytest.fixture(scope='module')
def bag(folder: Path) -> Path:
    with BagWriter(folder / 'bag', sensors=[SENSOR], subject='1') as writer:
        write_segments(writer, SEGMENTS)
        for index, data in enumerate(poses()):
            writer.write(SENSOR.topic, SKELETON_TYPE, START + index * PERIOD, data)
    return folder / 'bag'


@pytest.fixture(scope='module')
def expected(bundle: Path, bag: Path) -> BagPredictions:
    make_deterministic()
    with BagReader(bag) as reader:
        found = classify_bag(Engine(load_bundle(bundle)), reader, SENSOR)
    assert len(found.predictions) > 20
    assert found.drops == dict.fromkeys(BAD, 1)
    return found


@pytest.fixture
def labels(watcher: Watcher) -> Iterator[list[tuple[str, Classification]]]:
    """What is published from now on, with where."""
    watcher.heard.clear()
    yield watcher.heard
    watcher.heard.clear()


def check(labels: Sequence[Classification], expected: Sequence[Prediction]) -> None:
    assert [to_nanoseconds(each.header.stamp) for each in labels] == [p.stamp_ns for p in expected]
    for label, prediction in zip(labels, expected, strict=True):
        found = [(result.class_id, result.score) for result in label.results]
        assert [name for name, _ in found] == [name for name, _ in prediction.scores]
        assert [score for _, score in found] == pytest.approx(
            [score for _, score in prediction.scores], abs=1e-6
        )
        assert label.header.frame_id == prediction.frame_id == 'camera_link'


@pytest.mark.parametrize(
    ('executable', 'settings'),
    [('skeleton_classifier', {}), ('classifier', {'modality': 'skeleton'})],
)
def test_labels_are_those_of_the_offline_engine(
    watcher: Watcher,
    labels: list[tuple[str, Classification]],
    bundle: Path,
    expected: BagPredictions,
    tmp_path: Path,
    executable: str,
    settings: dict[str, object],
) -> None:
    name = f'/{executable}'
    given = {'model': str(bundle), 'device': 'cpu', **UNHURRIED, **settings}
    watcher.hear(Classification, f'{name}/activity', KEEP_ALL)
    with (
        running(tmp_path, executable, given) as node,
        watcher.publisher(PoseArray, SENSOR.topic) as publisher,
    ):
        watcher.wait_for_status(
            name, lambda s: (s[2].get(health.INPUTS), s[2].get(health.OUTPUTS)) == ('1', '1')
        )
        watcher.wait_for_subscriber(publisher)
        for message in poses():
            publisher.publish(message)
        _, _, values = watcher.wait_for_status(
            name,
            lambda s: (
                s[2][health.RECEIVED] == str(expected.received) and s[2][health.PENDING] == '0'
            ),
        )
        watcher.wait_for(lambda: len(labels) >= len(expected.predictions), 'labels are missing')
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
    check([message for _, message in labels], expected.predictions)
    drops = {key: n for key, n in values.items() if key.startswith(health.DROPPED)}
    assert drops == {health.DROPPED + health.in_words(reason): '1' for reason in BAD}


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({}, "the parameter 'modality' is not set: give one of audio, camera, imu, skeleton"),
        ({'modality': 'skeletons'}, "there is no modality 'skeletons'"),
    ],
)
def test_a_classifier_of_no_modality_says_what_there_is(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    with running(tmp_path, 'classifier', settings) as node:
        assert node.wait() == 1
        assert words in node.log
        assert 'Traceback' not in node.log


def test_perception_takes_a_skeleton_among_its_sensors(
    watcher: Watcher,
    labels: list[tuple[str, Classification]],
    bundle: Path,
    bag: Path,
    expected: BagPredictions,
    tmp_path: Path,
) -> None:
    name = '/tracker_classifier'
    settings = {
        'diagnostics_period': 0.1,
        'use_sim_time': True,
        'sensors.tracker.modality': 'skeleton',
        'sensors.tracker.topic': SENSOR.topic,
        'sensors.tracker.model': str(bundle),
        'sensors.tracker.device': 'cpu',
        'sensors.tracker.queue_size': UNHURRIED['queue_size'],
    }
    player = {'bag': str(bag), 'rate': 4.0, 'wait_for_subscribers': [SENSOR.topic]}
    for topic in (f'{name}/activity', '/activity'):
        watcher.hear(Classification, topic, KEEP_ALL)
    with running(tmp_path, 'perception', settings) as node:
        watcher.wait_for_status(name, lambda s: s[2].get(health.OUTPUTS) == '2')
        with running(tmp_path, 'bag_player', player) as playing:
            assert playing.wait() == 0, playing.log

        def of(topic: str) -> list[Classification]:
            return [message for where, message in labels if where == topic]

        count = len(expected.predictions)
        watcher.wait_for(lambda: len(of(f'{name}/activity')) >= count, 'labels are missing')
        watcher.wait_for(lambda: len(of('/activity')) >= count, 'nothing is selected')
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log
    check(of(f'{name}/activity'), expected.predictions)


def test_what_is_replayed_live_agrees_with_the_offline_evaluation(
    bundle: Path, bag: Path, expected: BagPredictions, tmp_path: Path
) -> None:
    out = tmp_path / 'out.json'
    arguments = ['evaluate', str(bundle), str(bag), '--live', '--json', str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.stderr, result.exception)
    found = json.loads(out.read_text())
    assert found['equals_offline'] is True
    assert found['stamps_compared'] == len(expected.predictions)
    assert found['live']['drops'] == len(BAD)


def test_the_doctor_knows_the_poses_that_are_a_skeleton(
    watcher: Watcher, bundle: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)

    def pose(stamp: int) -> bytes:
        return pose_array_bytes(stamp, rng.normal(0, 1, (JOINTS, 3)))

    given = {'model': str(bundle), 'device': 'cpu'}
    with (
        running(tmp_path, 'skeleton_classifier', given),
        watcher.publisher(PoseArray, SENSOR.topic) as skeleton,
        watcher.publisher(PoseArray, '/particles') as particles,
        talking([Stream(skeleton, 30, pose), Stream(particles, 10, pose)]),
    ):
        watcher.wait_for_status('/skeleton_classifier', is_active)
        graph = listen(2.0)
        asked = listen(2.0, types=types_read_by([bundle]))
    found = graph.topic(SENSOR.topic)
    assert found is not None
    assert found.modality == 'skeleton'
    assert found.measurement is not None
    assert found.measurement.timing is not None
    assert found.measurement.timing.rate_hz == pytest.approx(30, rel=0.05)
    assert graph.other_types['/particles'] == (SKELETON_TYPE,)
    machine = Environment(torch=TorchFacts('2'))
    errors = [each for each in diagnose(machine, graph) if each.level == 'error']
    assert not errors
    fits = dict(check_model(bundle, asked).fits)
    assert {*fits} == {SENSOR.topic, '/particles'}
    assert not [each for each in fits[SENSOR.topic] if each.level == 'error']

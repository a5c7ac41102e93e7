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

"""Promise 7: what the live node says of a recording is what the offline engine says."""

from collections.abc import Sequence
import os
from pathlib import Path
import signal

import numpy as np
import pytest

from test.bundles import make_camera_bundle, make_imu_bundle
from test.messages import EPOCH, imu_bytes, SECOND
from test.recordings import clips, IMU, write_imu_bag
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, BundleError, ConfigurationError
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import BagPredictions, classify_bag
from xmodal_ros.tools.replay.child_node import ChildNode
from xmodal_ros.tools.replay.replay import LivePrediction, replay

BAD = (
    imu_bytes(EPOCH, (np.nan, 0, 0)),
    imu_bytes(EPOCH, has_gyro=False),
    b'\x00\x01\x00\x00',
    bytes(50),
)


def offline(bundle: Path, bag: Path) -> BagPredictions:
    make_deterministic()
    engine = Engine(load_bundle(bundle))
    with BagReader(bag) as reader:
        return classify_bag(engine, reader, IMU)


def children() -> Sequence[str]:
    """Processes that this one has started and that are still there.

    Without the one that Python starts beside the first pool of processes, and keeps.
    """
    own = str(os.getpid())
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
            command = stat.with_name('cmdline').read_bytes()
        except OSError:
            continue
        if b'multiprocessing.resource_tracker' in command:
            continue
        if fields[1] == own and fields[0] != 'Z':
            found.append(stat.parent.name)
    return found


@pytest.mark.parametrize('rate', [0.0, 20.0])
def test_live_equals_offline(tmp_path: Path, rate: float) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    pauses = clips(['sit', 'walk', 'wave'], seconds=8, pause=5)
    bag = write_imu_bag(tmp_path / 'bag', pauses, bad=BAD)
    expected = offline(bundle, bag)
    seen: list[LivePrediction] = []
    progress: list[tuple[int, int]] = []

    result = replay(
        bundle,
        bag,
        IMU,
        rate=rate,
        progress=lambda *counts: progress.append(counts),
        on_label=seen.append,
    )

    agreement = compare(expected.predictions, result.predictions)
    assert agreement.equal, agreement
    assert agreement.compared == len(expected.predictions) > 60
    assert [p.stamp_ns for p in result.predictions] == [p.stamp_ns for p in expected.predictions]
    assert [p.frame_id for p in result.predictions] == [p.frame_id for p in expected.predictions]
    assert [p.probabilities for p in result.predictions] == [
        pytest.approx(p.probabilities, abs=1e-6) for p in expected.predictions
    ]
    assert result.sent == result.received == expected.received
    assert sum(result.drops.values()) == sum(expected.drops.values()) == len(BAD)
    assert tuple(seen) == result.predictions
    assert progress[-1] == (result.sent, result.sent)
    assert all(0 <= p.latency_s < 5 for p in result.predictions)
    assert children() == []


def test_a_long_gap_that_releases_many_windows_at_once_loses_none(tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    # 58 s of silence, then windows for all of it at one message.
    bag = write_gap(tmp_path / 'bag', 58)
    expected = offline(bundle, bag)

    result = replay(bundle, bag, IMU)

    assert compare(expected.predictions, result.predictions).equal
    assert len(result.predictions) > 116
    assert result.drops == {}


def write_gap(path: Path, seconds: int) -> Path:
    with BagWriter(path, sensors=[IMU]) as writer:
        for start in (EPOCH, EPOCH + (4 + seconds) * SECOND):
            for stamp in range(start, start + 4 * SECOND, SECOND // 50):
                writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp))
    return path


def test_an_interrupted_replay_leaves_no_process(tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk'], seconds=8))

    def interrupt(_: LivePrediction) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(bundle, bag, IMU, on_label=interrupt)
    assert children() == []


def test_a_node_that_is_still_starting_ends_at_once_even_if_interruptions_are_ignored() -> None:
    """As in a background job of a script, whose processes all inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ChildNode('xmodal_ros.nodes.imu_classifier', 'imu_classifier', {}) as child:
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    # It has not been killed for not ending.
    assert child._process.returncode in (0, -signal.SIGTERM)


def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=3))
    weights = bundle / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1] + b'\x77')

    with pytest.raises(ConfigurationError, match='not the file this bundle was made with'):
        replay(bundle, bag, IMU)
    assert children() == []


def test_what_cannot_be_replayed_is_refused_before_anything_starts(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=3))
    with pytest.raises(ConfigurationError, match='is for camera'):
        replay(make_camera_bundle(tmp_path / 'camera'), bag, Sensor('camera', 'camera', '/imu'))
    with pytest.raises(BundleError, match='no bundle'):
        replay(tmp_path / 'none', bag, IMU)
    bundle = make_imu_bundle(tmp_path / 'bundle')
    with pytest.raises(BagError, match='has no messages on /nowhere'):
        replay(bundle, bag, Sensor('imu', 'imu', '/nowhere'))
    with BagWriter(tmp_path / 'other') as writer:
        writer.write('/imu', 'sensor_msgs/msg/MagneticField', EPOCH, bytes(100))
    with pytest.raises(ConfigurationError, match=r'carries .*MagneticField: choose another'):
        replay(bundle, tmp_path / 'other', IMU)

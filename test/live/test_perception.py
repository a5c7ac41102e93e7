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

"""Three sensors of one recording, their classifiers and the selector in one process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import itertools
from pathlib import Path

import pytest
from std_msgs.msg import String
from vision_msgs.msg import Classification

from test.bundles import LABELS, make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.live.graph import KEEP_ALL, LATCHED, running, Status, Watcher
from test.messages import SECOND
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.runtime import health
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.offline import BagPredictions, classify_bag
from xmodal_ros.simulator.simulate import plan_recordings, simulate
from xmodal_ros.windows.windowing import WindowingSpec

# A minute at twice its speed: an IMU at 200 Hz, a camera at 30 Hz, audio of 16 kHz twice as fast.
RATE = 2.0
HOP = SECOND // 2
MAKE: Mapping[str, Callable[..., Path]] = {
    'imu_wrist': make_imu_bundle,
    'camera': make_camera_bundle,
    'microphone': make_audio_bundle,
}


@dataclass(frozen=True)
class Recorded:
    """A recording, and for each sensor a bundle and what the offline engine says."""

    bag: Path
    models: dict[str, Path]
    topics: dict[str, str]
    counts: dict[str, int]
    expected: dict[str, BagPredictions]


@pytest.fixture(scope='module')
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp('recorded')
    bag = simulate(folder / 'bags', plan_recordings(1, 1, seed=3))[0].path
    models = {name: make(folder / name, sensor=name) for name, make in MAKE.items()}
    make_deterministic()
    with BagReader(bag) as reader:
        sensors = {name: reader.sensor(name) for name in models}
        return Recorded(
            bag,
            models,
            {name: sensor.topic for name, sensor in sensors.items()},
            {name: reader.topics[sensor.topic].count for name, sensor in sensors.items()},
            {
                name: classify_bag(Engine(load_bundle(path)), reader, sensors[name])
                for name, path in models.items()
            },
        )


def modality(name: str) -> str:
    return {'imu_wrist': 'imu', 'microphone': 'audio'}.get(name, name)


def as_predictions(labels: list[Classification]) -> list[Prediction]:
    made = []
    for label in labels:
        scores = tuple((result.class_id, result.score) for result in label.results)
        chances = dict(scores)
        known = all(name in chances for name in LABELS)
        made.append(
            Prediction(
                to_nanoseconds(label.header.stamp),
                label.header.frame_id,
                scores,
                tuple(chances[name] for name in LABELS) if known else (),
                1.0,
            )
        )
    return made


def test_no_window_is_lost_and_every_label_is_that_of_the_offline_engine(
    watcher: Watcher, tmp_path: Path, recorded: Recorded
) -> None:
    sensors = {
        f'sensors.{name}.{field}': value
        for name, path in recorded.models.items()
        for field, value in {
            'modality': modality(name),
            'topic': recorded.topics[name],
            'model': str(path),
            'device': 'cpu',
            # Deep enough that no queue drops messages on a machine too busy for the pace: what is
            # looked for here is lost elsewhere.
            'queue_size': 1000,
        }.items()
    }
    perception = {'diagnostics_period': 0.2, 'use_sim_time': True, **sensors}
    player = {
        'bag': str(recorded.bag),
        'rate': RATE,
        'wait_for_subscribers': [*recorded.topics.values(), '/audio_info'],
    }
    nodes = {name: f'/{name}_classifier' for name in recorded.models}
    for node in nodes.values():
        watcher.hear(Classification, f'{node}/activity', KEEP_ALL)
    watcher.hear(Classification, '/activity', KEEP_ALL)
    watcher.hear(String, '/activity/source', LATCHED)

    with running(tmp_path, 'perception', perception) as process:
        for node in nodes.values():
            watcher.wait_for_status(node, lambda s: s[2].get(health.OUTPUTS) == '2')
        with running(tmp_path, 'bag_player', player) as playing:
            assert playing.wait() == 0, playing.log

        def finished(name: str, status: Status) -> bool:
            received, pending = (status[2].get(key) for key in (health.RECEIVED, health.PENDING))
            return received == str(recorded.counts[name]) and pending == '0'

        for name, node in nodes.items():
            _, _, values = watcher.wait_for_status(node, lambda s, name=name: finished(name, s))  # type: ignore[misc]
            assert not [key for key in values if key.startswith(health.DROPPED)], values
            assert values[health.FAILURES] == '0'
            assert values[health.RESETS] == '0'
            count = len(recorded.expected[name].predictions)
            assert values[health.WINDOWS] == str(count)
            watcher.wait_for(
                lambda node=node, count=count: len(labels_of(watcher, node)) >= count,  # type: ignore[misc]
                f'labels of {node} are missing',
            )
        assert process.end() == 0, process.log
        assert 'Traceback' not in process.log

    for name, node in nodes.items():
        agreement = compare(
            recorded.expected[name].predictions, as_predictions(labels_of(watcher, node))
        )
        assert agreement.equal, (name, agreement)
        assert agreement.compared > 100
    chosen = [to_nanoseconds(m.header.stamp) for topic, m in watcher.heard if topic == '/activity']
    assert chosen == sorted(set(chosen))
    # Of the hops from the first label to the last none is left undecided; what lies between them,
    # and after (where the clock may stand on a hop), is the selector's own, said in silence.
    labelled = [p.stamp_ns for each in recorded.expected.values() for p in each.predictions]
    first, last = min(labelled), max(labelled)
    hops = [stamp for stamp in chosen if stamp % HOP == 0 and first <= stamp <= last]
    assert {b - a for a, b in itertools.pairwise(hops)} == {HOP}
    assert len(hops) >= len(recorded.expected['imu_wrist'].predictions)
    assert 'imu_wrist' in {m.data for topic, m in watcher.heard if topic == '/activity/source'}


def labels_of(watcher: Watcher, node: str) -> list[Classification]:
    return [message for topic, message in watcher.heard if topic == f'{node}/activity']


def test_a_window_spec_of_each_modality_shares_its_stamps(recorded: Recorded) -> None:
    """Hops that are equal make labels that can be compared and fused."""
    stamps = [{p.stamp_ns for p in each.predictions} for each in recorded.expected.values()]
    assert len(set.intersection(*stamps)) > 100
    assert WindowingSpec(rate_hz=50).hop_ns == HOP

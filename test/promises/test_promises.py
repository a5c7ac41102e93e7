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

"""The promises of the package, each by a test of its name; docs/reliability.md says what else.

In one process, with real parts: bundles on disk, the way of a message up to the decision, the
selector, the middleware. Nodes in processes of their own are in ``test/live``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any, Final

from diagnostic_msgs.msg import DiagnosticArray
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Imu, MagneticField
import torch

from test.bundles import (
    LABELS,
    make_audio_bundle,
    make_camera_bundle,
    make_imu_bundle,
    make_skeleton_bundle,
)
from test.fuzz.decoders import Mutator
from test.messages import EPOCH, image_bytes, imu_bytes, pose_array_bytes, SECOND
from test.runtime.selector_script import SteadyClock
from test.sound_bags import audio_bytes
from test.waiting import PATIENCE_S, poll_for, run_python
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BundleError
from xmodal_ros.modalities.audio.decoder import AudioFormat, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_tables import DIAGNOSTICS_PERIOD
from xmodal_ros.ros.qos import node_name
from xmodal_ros.runtime.devices import choose_device
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.health import Connection, DROPPED, HealthMonitor, in_words
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.label import Label, Scores
from xmodal_ros.runtime.models import ModelStore
from xmodal_ros.runtime.offline import classify_bag
from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_health import Input, SelectorHealth
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.windowing import WindowingSpec

RATE: Final = 50
ROOT: Final = Path(__file__).parents[2]
FORMAT: Final = AudioFormat(16_000, 1, 'S16LE')


@dataclass
class Robot:
    """One sensor's way from its messages to decisions, as a classifier node has it."""

    engine: Engine
    msgtype: str
    inference: InferenceThread
    audio_format: AudioFormat | None = None
    published: list[Prediction] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = Feed(self.engine, self.msgtype, audio_format=self.audio_format)
        self.pipeline = Pipeline(
            self.feed,
            self.inference,
            10_000,
            self.published.append,
            lambda where, error: self.failures.append(f'{where}: {error!r}'),
        )

    def hear(self, messages: Sequence[bytes]) -> None:
        """Take messages and wait until all that is due is decided."""
        self.pipeline.push(self.feed, lambda: [Received(data, EPOCH) for data in messages])
        assert self.pipeline.finish(PATIENCE_S)


@pytest.fixture(scope='module')
def inference() -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.close()


@pytest.fixture(scope='module')
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_imu_bundle(tmp_path_factory.mktemp('promises') / 'imu')


def motion(first: int, count: int, seed: int = 0) -> list[bytes]:
    """Messages of an IMU at 50 Hz from its ``first`` on."""
    rng = np.random.default_rng(seed)
    return [
        imu_bytes(EPOCH + k * SECOND // RATE, [*rng.normal(0, 5, 3)])
        for k in range(first, first + count)
    ]


def sensor_messages(modality: str, seconds: int = 6) -> list[tuple[int, bytes]]:
    """What a sensor says in some seconds: stamps and messages."""
    rng = np.random.default_rng(0)
    rate = {'imu': RATE, 'camera': 10, 'audio': 50, 'skeleton': 20}[modality]
    said = []
    for k in range(seconds * rate):
        stamp = EPOCH + k * SECOND // rate
        if modality == 'imu':
            data = imu_bytes(stamp, [*rng.normal(0, 5, 3)])
        elif modality == 'camera':
            data = image_bytes(stamp, rng.integers(0, 255, (24, 32), np.uint8), 'mono8')
        elif modality == 'audio':
            data = audio_bytes(stamp, rng.normal(0, 3000, 320))
        else:
            data = pose_array_bytes(stamp, rng.normal(0, 1, (5, 3)))
        said.append((stamp, data))
    return said


MAKE: Final[dict[str, Any]] = {
    'imu': (make_imu_bundle, IMU_TYPE),
    'camera': (make_camera_bundle, IMAGE_TYPE),
    'audio': (make_audio_bundle, STAMPED_TYPE),
    'skeleton': (make_skeleton_bundle, SKELETON_TYPE),
}


@pytest.mark.parametrize('modality', MAKE)
def test_promise_1_no_input_ends_anything_and_all_of_it_is_counted(
    tmp_path: Path, inference: InferenceThread, modality: str
) -> None:
    make, msgtype = MAKE[modality]
    engine = Engine(load_bundle(make(tmp_path / 'bundle')))
    robot = Robot(engine, msgtype, inference, FORMAT if modality == 'audio' else None)
    valid = tuple(data for _, data in sensor_messages(modality, 2))
    mutate = Mutator(valid, seed=1)
    bad, hopeless = [mutate() for _ in range(300)], [b'', b'\0', b'\xff' * 999]
    robot.hear(bad)
    dropped = sum(robot.pipeline.counters().drops.values())
    assert dropped > 50
    robot.hear(hopeless)
    counts = robot.pipeline.counters()
    assert counts.received == len(bad) + len(hopeless)
    assert counts.failures == 0, robot.failures
    # Not one of them is passed over in silence.
    assert sum(counts.drops.values()) == dropped + len(hopeless)
    # Diagnosed in words: each reason is one, and the last refusal is a sentence.
    connection = Connection('/t', msgtype, 'reliable', 1, 1, '')
    told = dict(HealthMonitor(lambda: 0).active(counts, connection, {}).values)
    for reason, count in counts.drops.items():
        assert told[f'{DROPPED}{in_words(reason)}'] == str(count)
    assert ' ' in counts.complaint
    # And good messages are used afterwards, of a time that it has not seen.
    robot.pipeline.reset()
    before = len(robot.published)
    robot.hear([data for _, data in sensor_messages(modality, 5)])
    assert len(robot.published) > before


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 32),
    lost=st.floats(0, 0.5),
    silent=st.integers(0, 40),
    changed=st.integers(0, 149),
)
def test_promise_2_a_stamp_is_the_end_of_its_evidence(
    seed: int, lost: float, silent: int, changed: int
) -> None:
    spec = WindowingSpec(length_ns=SECOND, hop_ns=SECOND // 5, rate_hz=RATE)
    rng = np.random.default_rng(seed)
    jitter, kept = rng.integers(-8_000_000, 8_000_000, 150), rng.random(150) >= lost
    # After silence several windows are due at once.
    kept[80 : 80 + silent] = False
    stamps = [EPOCH + k * SECOND // RATE + int(off) for k, off in enumerate(jitter)]

    def windows(odd: int) -> dict[int, Window]:
        intake = SensorIntake(ImuStream(), spec, IMU_TYPE)
        messages = [
            imu_bytes(stamp, (1.0, 2.0, 1000.0 if k == odd else 9.0))
            for k, stamp in enumerate(stamps)
            if kept[k]
        ]
        made = list(intake.windows(messages))
        ends = [window.end_ns for window in made]
        assert ends == sorted(set(ends))
        assert all(end % spec.hop_ns == 0 for end in ends)
        # None before the evidence was there.
        assert all(end <= stamps[-1] for end in ends)
        return {window.end_ns: window for window in made}

    plain, odd = windows(-1), windows(changed)
    assert plain.keys() == odd.keys()
    for end, window in plain.items():
        first = end - spec.length_ns - spec.margin_ns
        if not first <= stamps[changed] <= end + spec.margin_ns:
            assert np.array_equal(window.values, odd[end].values)


@given(back_s=st.integers(5, 1000))
@settings(max_examples=8)
def test_promise_2_windows_begin_anew_when_time_goes_back(back_s: int) -> None:
    spec = WindowingSpec(length_ns=SECOND, hop_ns=SECOND // 5, rate_hz=RATE)
    intake = SensorIntake(ImuStream(), spec, IMU_TYPE)
    before = [imu_bytes(EPOCH + k * SECOND // RATE, (100.0, 0, 0)) for k in range(150)]
    start = EPOCH - back_s * SECOND
    after = [imu_bytes(start + k * SECOND // RATE, (1.0, 0, 0)) for k in range(150)]
    assert len(list(intake.windows(before))) > 5
    made = list(intake.windows(after))
    assert intake.resets == 1
    assert len(made) > 5
    # Nothing of the time before is in them.
    assert all(window.end_ns >= start + spec.length_ns for window in made)
    assert max(float(np.abs(window.values).max()) for window in made) < 10


def test_promise_3_weak_evidence_is_unknown(bundle: Path, inference: InferenceThread) -> None:
    robot = Robot(Engine(load_bundle(bundle)), IMU_TYPE, inference)
    robot.hear(motion(0, 4 * RATE))
    decided = len(robot.published)
    assert decided
    assert all(each.label in LABELS for each in robot.published)
    # Three seconds without a message, then the sensor is back: what lies between says so.
    robot.hear(motion(7 * RATE, 4 * RATE))
    spec = robot.engine.bundle.info.window
    for each in robot.published[decided:]:
        assert (each.label == 'unknown') == (each.coverage < spec.min_coverage)
        assert sum(score for _, score in each.scores) > 0.99
    labels = [each.label for each in robot.published[decided:]]
    assert labels.count('unknown') >= 4
    assert labels[-1] in LABELS
    # A model that is not sure says so too.
    doubtful = Robot(Engine(load_bundle(bundle), unknown_threshold=0.999), IMU_TYPE, inference)
    doubtful.hear(motion(0, 4 * RATE))
    assert {each.label for each in doubtful.published} == {'unknown'}


WALK: Final[Scores] = (('walk', 0.9), ('sit', 0.1))
TWO: Final = (SourceSettings('imu', priority=2), SourceSettings('camera', priority=1))


def test_promise_3_silence_is_unknown_and_told() -> None:
    clock = SteadyClock()
    selector = Selector(SelectorSettings(TWO), clock)
    health = SelectorHealth(clock)
    for k in range(8):
        clock.now_ns = k * SECOND // 2
        stamp = EPOCH + clock.now_ns
        assert [each.label for each in selector.push('imu', Label(stamp, '', WALK))] == ['walk']
        assert selector.watch(stamp) is None
    last = EPOCH + clock.now_ns
    said = []
    while clock.now_ns < 10 * SECOND:
        clock.now_ns += SECOND // 50
        decision = selector.watch(EPOCH + clock.now_ns)
        said += [decision] if decision is not None else []
    timeout = selector.settings.timeout_ns
    assert {each.label for each in said} == {'unknown'}
    assert said[0].stamp_ns - last <= timeout + SECOND // 50
    assert said[0].source == ''
    inputs = {name: Input(f'/{name}/activity', 1, 8) for name in ('imu', 'camera')}
    report = health.active(selector, inputs, 1)
    assert report.level != 'ok'
    assert 'imu' in report.message or 'source' in report.message


@contextmanager
def listening() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node('promised', context=context, enable_rosout=False)
    yield node
    node.destroy_node()
    context.try_shutdown()


def test_promise_4_a_mismatch_is_told_with_its_remedy(bundle: Path) -> None:
    topic, remedy = '/promised_imu', 'qos_overrides./promised_imu.subscription'
    settings_of_node = {
        'model': str(bundle),
        'device': 'cpu',
        'topic': topic,
        # As seldom as may be.
        'diagnostics_period': DIAGNOSTICS_PERIOD.bounds[1],  # type: ignore[index]
        # The user wants it so; the driver is not.
        f'{remedy}.reliability': 'reliable',
    }
    overrides = [Parameter(name, value=value) for name, value in settings_of_node.items()]
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    said: list[DiagnosticArray] = []
    # Two participants: none publishes two types on a topic.
    with listening() as robot, listening() as own:
        robot.create_subscription(DiagnosticArray, '/diagnostics', said.append, 100)
        executor = SingleThreadedExecutor(context=robot.context)
        executor.add_node(robot)
        node = ClassifierNode('imu', context=own.context, parameter_overrides=overrides)
        node.start()
        assert node.state == 'active', node.problem
        (timer,) = node.timers
        # What is told once is heard where both sides know each other.
        poll_for(lambda: node.count_subscribers('/diagnostics') > 0)
        poll_for(lambda: robot.count_publishers('/diagnostics') > 0)
        # However seldom it reports, it looks at the graph so often, and tells what is new at once.
        assert timer.timer_period_ns <= SECOND

        def look(publishers: int) -> None:
            """Let it look once, as soon as the graph shows so many publishers, by their names."""

            def there() -> bool:
                names = map(node_name, node.get_publishers_info_by_topic(topic))
                return [*names] == ['/promised'] * publishers

            poll_for(there)
            said.clear()
            timer.callback()

        def told(*words: str) -> bool:
            executor.spin_once(timeout_sec=0.01)
            found = [status.message for each in said for status in each.status]
            return any(all(word in message for word in words) for message in found)

        look(0)
        wrong = robot.create_publisher(MagneticField, topic, 1)
        look(1)
        needed = 'carries sensor_msgs/msg/MagneticField from /promised, but sensor_msgs/msg/Imu is'
        poll_for(lambda: told(needed, "parameter 'topic'"))
        robot.destroy_publisher(wrong)
        look(0)
        driver = robot.create_publisher(Imu, topic, best_effort)
        look(1)
        poll_for(lambda: told('reliab', '/promised', remedy))
        robot.destroy_publisher(driver)
        node.stop()
        node.destroy_node()
        executor.shutdown()


@settings(max_examples=60)
@given(
    hop_ns=st.sampled_from([SECOND // 10, SECOND // 4, SECOND // 2, SECOND]),
    timeout_ns=st.sampled_from([SECOND, 2 * SECOND, 3 * SECOND]),
    return_ns=st.sampled_from([0, SECOND, 4 * SECOND]),
    dies_s=st.integers(3, 8),
    dead_s=st.integers(8, 20),
)
def test_promise_5_a_dead_sensor_is_replaced_in_time_and_returns_with_hysteresis(
    hop_ns: int, timeout_ns: int, return_ns: int, dies_s: int, dead_s: int
) -> None:
    if timeout_ns <= hop_ns:
        timeout_ns = 2 * hop_ns
    clock = SteadyClock()
    chosen = SelectorSettings(TWO, timeout_ns=timeout_ns, return_after_ns=return_ns)
    selector = Selector(chosen, clock)
    dies, returns = dies_s * SECOND, (dies_s + dead_s) * SECOND
    made: list[Decision] = []
    for now in range(0, returns + 12 * SECOND, hop_ns):
        clock.now_ns = now
        for name in ('imu', 'camera'):
            if name == 'camera' or not dies <= now < returns:
                made += selector.push(name, Label(EPOCH + now, name, WALK))
    stamps = [each.stamp_ns - EPOCH for each in made]
    assert stamps == sorted(set(stamps))
    # Before and after, the better one; between, the other, and never nobody for long.
    camera = [at for at, each in zip(stamps, made, strict=True) if each.source == 'camera']
    imu = [at for at, each in zip(stamps, made, strict=True) if each.source == 'imu']
    last_heard = max(at for at in imu if at < dies)
    assert camera[0] - last_heard <= timeout_ns + hop_ns
    back = min((at for at in imu if at >= returns), default=None)
    assert back is not None
    assert back - returns >= return_ns - hop_ns
    assert back - returns <= return_ns + timeout_ns + 2 * hop_ns
    assert not [at for at in camera if at > back]


def broken(path: Path) -> Path:
    """Change one weight and let everything else be as it was, hashes included."""
    from safetensors.torch import load_file, save_file

    from test.bundles import rewrite_document
    from xmodal_ros.models.configuration_bundle import file_sha256

    file = path / 'model.safetensors'
    weights = load_file(file)
    weights['head.bias'][0] += 1
    save_file(weights, file)
    rewrite_document(path, weights_sha256=file_sha256(file))
    return path


def test_promise_6_a_swap_is_whole_or_not_at_all(
    tmp_path: Path, bundle: Path, inference: InferenceThread
) -> None:
    store = ModelStore()
    engine = store.engine(bundle, 'cpu', 'fp32', None)
    robot = Robot(engine, IMU_TYPE, inference)
    robot.hear(motion(0, 4 * RATE))
    bad = broken(make_imu_bundle(tmp_path / 'bad', ['run', 'rest'], seed=1))
    with pytest.raises(BundleError, match='golden sample'):
        store.engine(bad, 'cpu', 'fp32', None)
    robot.hear(motion(4 * RATE, 2 * RATE, seed=1))
    assert {each.label for each in robot.published} <= set(LABELS)
    good = store.engine(make_imu_bundle(tmp_path / 'good', ['run', 'rest'], seed=1), 'cpu',
                        'fp32', None)  # fmt: skip
    assert robot.feed.fits(good)
    robot.feed.engine = good
    robot.hear(motion(6 * RATE, 4 * RATE, seed=2))
    stamps = [each.stamp_ns for each in robot.published]
    hop = engine.bundle.info.window.hop_ns
    assert stamps == list(range(stamps[0], stamps[-1] + 1, hop))
    names = [{name for name, _ in each.scores} - {'unknown'} for each in robot.published]
    swapped = names.index({'run', 'rest'})
    assert all(each == set(LABELS) for each in names[:swapped])
    assert all(each == {'run', 'rest'} for each in names[swapped:])


@pytest.mark.parametrize('modality', MAKE)
def test_promise_7_offline_is_live(
    tmp_path: Path, inference: InferenceThread, modality: str
) -> None:
    make, msgtype = MAKE[modality]
    engine = Engine(load_bundle(make(tmp_path / 'bundle')))
    messages = sensor_messages(modality)
    sensor = Sensor(engine.bundle.info.sensor, modality, '/sensor', 'link')
    with BagWriter(tmp_path / 'bag', sensors=[sensor], subject='1') as writer:
        if modality == 'audio':
            from test.sound_bags import info_bytes
            from xmodal_ros.modalities.audio.decoder import INFO_TYPE

            writer.write('/audio_info', INFO_TYPE, EPOCH, info_bytes(), latched=True)
        for stamp, data in messages:
            writer.write('/sensor', msgtype, stamp, data)
    with BagReader(tmp_path / 'bag') as reader:
        offline = classify_bag(engine, reader, reader.sensor(sensor.name)).predictions
    robot = Robot(engine, msgtype, inference, FORMAT if modality == 'audio' else None)
    for first in range(0, len(messages), 7):
        robot.hear([data for _, data in messages[first : first + 7]])
    assert len(offline) > 3
    assert [each.stamp_ns for each in robot.published] == [each.stamp_ns for each in offline]
    assert [each.label for each in robot.published] == [each.label for each in offline]
    for live, past in zip(robot.published, offline, strict=True):
        assert live.probabilities == pytest.approx(past.probabilities, abs=1e-6)


def test_promise_8_without_a_gpu_it_computes_and_without_torch_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert choose_device('auto') == torch.device('cpu')
    # A node whose process has no torch starts, and its first transition fails in words.
    code = (
        'import sys; sys.modules["torch"] = None\n'
        'import rclpy; rclpy.init()\n'
        'from xmodal_ros.ros.classifier import ClassifierNode\n'
        'from rclpy.parameter import Parameter\n'
        'given = [Parameter("model", value=sys.argv[1])]\n'
        'node = ClassifierNode("imu", parameter_overrides=given)\n'
        'node.start()\n'
        'print(node.state, node.problem)\n'
    )
    done = run_python(code, ROOT, check=False, cwd=ROOT)
    assert 'unconfigured' in done.stdout, done.stderr
    assert "'torch' is missing" in done.stdout
    assert 'pip install torch' in done.stdout


_OFFLINE: Final = """
import json, sys
reached = []
def note(event, arguments):
    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto'):
        reached.append([event, repr(arguments[1:])])
sys.addaudithook(note)
from pathlib import Path
import numpy as np
from xmodal_ros.runtime.models import ModelStore
from xmodal_ros.windows.assembler import Window
names = []
for path in sys.argv[1:]:
    engine = ModelStore().engine(Path(path), 'cpu', 'fp32', None)
    shape = engine.bundle.info.window_shape
    names.append(engine.classify(Window(0, np.zeros(shape, np.float32), 1.0, '')).label)
print(json.dumps([names, reached, sorted(n for n in sys.modules if n in ('requests', 'httpx'))]))
"""


def test_promise_9_nothing_is_fetched_and_weights_are_hashed(tmp_path: Path) -> None:
    paths = [make(tmp_path / name) for name, (make, _) in MAKE.items()]
    done = run_python(_OFFLINE, *paths, cwd=ROOT)
    names, reached, clients = json.loads(done.stdout)
    assert len(names) == len(MAKE)
    assert (reached, clients) == ([], [])
    for path in paths:
        files = {file.name for file in path.iterdir()}
        assert files == {'bundle.json', 'model.safetensors', 'golden.safetensors'}
        weights = bytearray((path / 'model.safetensors').read_bytes())
        weights[-1] ^= 1
        (path / 'model.safetensors').write_bytes(weights)
        with pytest.raises(BundleError, match='not the file this bundle was made with'):
            load_bundle(path)

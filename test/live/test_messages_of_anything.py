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

"""Whatever comes on a topic is received, counted and told; what is good afterwards is used."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
import cv2
from hypothesis import given, HealthCheck, Phase, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image, Imu
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Classification

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.live.graph import LATCHED, NodeProcess, RELIABLE, running, Status, Watcher
from test.messages import compressed_bytes, EPOCH, image_bytes, imu_bytes, SECOND
from test.messages_of_anything import anything_like
from test.sound_bags import audio_bytes, info_bytes
from test.transforms import transforms_bytes, turned
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.ros.messages import classification
from xmodal_ros.runtime import health, selector_health
from xmodal_ros.windows.windowing import WindowingSpec

HOP = SECOND // 4
SIXTEEN = AudioFormat(16_000, 1, 'S16LE')
# The node remembers: neither an example nor what it is shrunk to means the same again.
batches = settings(
    max_examples=12,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def window(rate_hz: int, margin_ns: int = SECOND // 10) -> WindowingSpec:
    return WindowingSpec(length_ns=SECOND, hop_ns=HOP, rate_hz=rate_hz, margin_ns=margin_ns)


def pictures(stamp_ns: int) -> list[bytes]:
    rng = np.random.default_rng(stamp_ns % 1000)
    colours = rng.integers(0, 255, (12, 16, 3), np.uint8)
    depth = rng.integers(0, 4000, (12, 16), np.uint16)
    return [
        image_bytes(stamp_ns, colours, 'bgr8', padding=3),
        image_bytes(stamp_ns, colours[..., 0], 'mono8', little_endian=False),
        image_bytes(stamp_ns, colours[..., 0], 'bayer_rggb8'),
        image_bytes(stamp_ns, colours[..., :2], 'yuv422_yuy2'),
        image_bytes(stamp_ns, depth, 'mono16', big_endian_pixels=True),
        image_bytes(stamp_ns, depth, '16UC1'),
    ]


def compressed_pictures(stamp_ns: int) -> list[bytes]:
    rng = np.random.default_rng(stamp_ns % 1000)
    colours = rng.integers(0, 255, (24, 32, 3), np.uint8)
    return [
        compressed_bytes(stamp_ns, cv2.imencode(suffix, colours)[1].tobytes(), encoding)
        for suffix, encoding in (('.jpg', 'bgr8; jpeg compressed bgr8'), ('.png', 'png'))
    ]


def sound(stamp_ns: int, *, stamped: bool = True) -> bytes:
    rng = np.random.default_rng(stamp_ns % 1000)
    return audio_bytes(stamp_ns, rng.normal(0, 1000, 1600), stamped=stamped)


@dataclass(frozen=True)
class Sensor:
    """A sensor of the table, its messages, and how fast they come."""

    modality: str
    msgtype: str
    publish_as: Any
    make: Callable[[Path], Path]
    messages: Callable[[int], Sequence[bytes]]
    good: Callable[[int], bytes]
    rate_hz: int
    settings: Mapping[str, object] = field(default_factory=dict)
    audio_format: AudioFormat | None = None


SENSORS: Final[Mapping[str, Sensor]] = {
    'wrist': Sensor(
        'imu',
        IMU_TYPE,
        Imu,
        lambda path: make_imu_bundle(path, window=window(40)),
        lambda t: [imu_bytes(t), imu_bytes(t, little_endian=False), imu_bytes(t, has_gyro=False)],
        imu_bytes,
        100,
    ),
    'front': Sensor(
        'camera',
        IMAGE_TYPE,
        Image,
        lambda path: make_camera_bundle(path, window=window(8, SECOND // 8)),
        pictures,
        lambda t: pictures(t)[0],
        20,
    ),
    'rear': Sensor(
        'camera',
        COMPRESSED_TYPE,
        CompressedImage,
        lambda path: make_camera_bundle(path, window=window(8, SECOND // 8)),
        compressed_pictures,
        lambda t: compressed_pictures(t)[0],
        20,
    ),
    'head': Sensor(
        'audio',
        STAMPED_TYPE,
        AudioDataStamped,
        lambda path: make_audio_bundle(path, window=window(16_000)),
        lambda t: [sound(t), sound(t + 1)],
        sound,
        10,
        {'info_topic': '/head_info'},
        SIXTEEN,
    ),
    'room': Sensor(
        'audio',
        PLAIN_TYPE,
        AudioData,
        lambda path: make_audio_bundle(path, window=window(16_000)),
        lambda t: [sound(t, stamped=False)],
        lambda t: sound(t, stamped=False),
        10,
        {'audio_rate': 16_000},
        SIXTEEN,
    ),
}
# An IMU whose mounting static transforms are to say.
TURNED: Final = 'turned'
SELECTOR: Final = '/activity_selector'


class Robot:
    """All sensors of the table in one process, a publisher for each, and their twins here.

    A twin is what the node windows with, offline: it must count the same.
    """

    def __init__(self, watcher: Watcher, process: NodeProcess, folder: Path) -> None:
        self.watcher = watcher
        self.process = process
        self.publishers: dict[str, Any] = {}
        self.sent: dict[str, int] = dict.fromkeys((*SENSORS, TURNED), 0)
        self.windows: dict[str, int] = dict.fromkeys(SENSORS, 0)
        self.twins = {}
        for name, sensor in SENSORS.items():
            info = read_bundle_info(folder / name)
            self.twins[name] = SensorIntake(
                info.stream, info.window, sensor.msgtype, audio_format=sensor.audio_format
            )

    def send(self, name: str, messages: Sequence[bytes]) -> dict[str, str]:
        """Publish messages, and give the values of the report that has counted them all."""
        for data in messages:
            self.publishers[name].publish(data)
        self.sent[name] += len(messages)
        return self.counted(name)

    def counted(self, name: str) -> dict[str, str]:
        total = str(self.sent[name])
        return self.watcher.wait_for_status(
            f'/{name}_classifier',
            lambda s: s[2].get(health.RECEIVED) == total and s[2][health.PENDING] == '0',
        )[2]


def hears(msgtype: str, status: Status) -> bool:
    return (status[2].get(health.INPUTS), status[2].get('type')) == ('1', msgtype)


def drops(values: Mapping[str, str]) -> dict[str, int]:
    return {
        key.removeprefix(health.DROPPED): int(count)
        for key, count in values.items()
        if key.startswith(health.DROPPED)
    }


@pytest.fixture(scope='module')
def robot(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    folder = tmp_path_factory.mktemp('robot')
    given: dict[str, object] = {'diagnostics_period': 0.1, 'selector': False}
    for name, sensor in SENSORS.items():
        said = {
            'modality': sensor.modality,
            'topic': f'/{name}',
            'model': str(sensor.make(folder / name)),
            'device': 'cpu',
            **sensor.settings,
        }
        given |= {f'sensors.{name}.{key}': value for key, value in said.items()}
    said = {
        'modality': 'imu',
        'topic': f'/{TURNED}',
        'model': str(folder / 'wrist'),
        'mounting_frame': 'base',
    }
    given |= {f'sensors.{TURNED}.{key}': value for key, value in said.items()}
    with running(folder, 'perception', given) as process:
        robot = Robot(watcher, process, folder)
        for name in (*SENSORS, TURNED):
            kind = SENSORS[name].publish_as if name in SENSORS else Imu
            robot.publishers[name] = watcher.node.create_publisher(kind, f'/{name}', RELIABLE)
        robot.publishers['info'] = watcher.node.create_publisher(AudioInfo, '/head_info', LATCHED)
        robot.publishers['info'].publish(info_bytes())
        for name in (*SENSORS, TURNED):
            msgtype = SENSORS[name].msgtype if name in SENSORS else IMU_TYPE
            watcher.wait_for_status(f'/{name}_classifier', partial(hears, msgtype))
            watcher.wait_for_subscriber(robot.publishers[name])
        yield robot
        log = process.log
        assert process.end() == 0, log
        assert 'Traceback' not in log, log
        assert 'unexpected' not in log, log


def stamps(sensor: Sensor, seconds: float) -> range:
    """From a moment that is new to the node, and to its twin."""
    start = EPOCH + 10_000 * SECOND
    return range(start, start + int(seconds * SECOND), SECOND // sensor.rate_hz)


@pytest.mark.parametrize('name', SENSORS)
def test_whatever_comes_is_counted_as_offline_and_good_messages_are_used(
    robot: Robot, name: str
) -> None:
    sensor, twin = SENSORS[name], robot.twins[name]
    valid = [data for k in range(20) for data in sensor.messages(EPOCH + k * SECOND // 10)]

    def both(messages: Sequence[bytes]) -> dict[str, str]:
        robot.windows[name] += sum(
            len(twin.push(data, EPOCH + (twin.received + 1) * SECOND // 10)) for data in messages
        )
        values = robot.send(name, messages)
        expected = {health.in_words(reason): count for reason, count in twin.drops.items()}
        assert drops(values) == expected
        assert values[health.FAILURES] == '0', values
        return values

    @batches
    @given(messages=st.lists(anything_like(valid), min_size=10, max_size=20))
    def check(messages: list[bytes]) -> None:
        both(messages)

    check()

    good = [sensor.good(stamp) for stamp in stamps(sensor, 3)]
    before = robot.windows[name]
    for first in range(0, len(good), 20):
        values = both(good[first : first + 20])
    assert robot.windows[name] > before + 2
    if sensor.msgtype != PLAIN_TYPE:
        # Without a stamp, windows are those of the time of receipt.
        said = int(values[health.WINDOWS]) + int(values[health.QUEUE_DROPS])
        assert said == robot.windows[name]
        assert values[health.RESETS] == str(twin.resets)


def test_no_audio_info_harms(robot: Robot) -> None:
    valid = [
        info_bytes(),
        info_bytes(44_100, 2, 'F32LE'),
        info_bytes(coding='mp3'),
        info_bytes(sample_format='what'),
    ]
    name = 'head'

    @batches
    @given(infos=st.lists(anything_like(valid), min_size=5, max_size=10))
    def check(infos: list[bytes]) -> None:
        for info in infos:
            robot.publishers['info'].publish(info)
        # Nobody knows how these are read now, only that each of them is counted.
        values = robot.send(name, [sound(stamp) for stamp in stamps(SENSORS[name], 1)])
        assert values[health.FAILURES] == '0'
        assert sum(drops(values).values()) <= robot.sent[name]

    check()

    robot.publishers['info'].publish(info_bytes(coding='mp3'))
    _, text, _ = robot.watcher.wait_for_status(
        f'/{name}_classifier', lambda s: 'format:=wave' in s[1]
    )
    assert '/head_info' in text
    robot.publishers['info'].publish(info_bytes())
    robot.watcher.wait_for_status(f'/{name}_classifier', lambda s: 'format:=wave' not in s[1])
    before = int(robot.counted(name)[health.WINDOWS])
    values = robot.send(name, [sound(stamp + 60 * SECOND) for stamp in stamps(SENSORS[name], 3)])
    assert int(values[health.WINDOWS]) > before + 2


def test_no_static_transform_harms(robot: Robot) -> None:
    valid = [
        transforms_bytes([turned('base', 'arm', 0, 0, 90), turned('arm', 'hand', 180, 0, 0)]),
        transforms_bytes([turned('base', 'imu_link', 0, 90, 0)], little_endian=False),
        transforms_bytes([turned('hand', 'base'), turned('hand', 'hand')]),
        transforms_bytes([]),
    ]
    messages = [imu_bytes(stamp) for stamp in stamps(SENSORS['wrist'], 0.2)]
    with robot.watcher.publisher(TFMessage, '/tf_static', LATCHED) as publisher:

        @batches
        @given(transforms=st.lists(anything_like(valid), min_size=5, max_size=10))
        def check(transforms: list[bytes]) -> None:
            for each in transforms:
                publisher.publish(each)
            values = robot.send(TURNED, messages)
            assert values[health.FAILURES] == '0'
            assert sum(drops(values).values()) <= robot.sent[TURNED]

        check()

        publisher.publish(transforms_bytes([turned('base', 'imu_link', 0, 90, 0)]))
        name = f'/{TURNED}_classifier'

        def used() -> bool:
            # Until the transform has been heard, what is measured is not used.
            stamp = EPOCH + 30_000 * SECOND + robot.sent[TURNED] * SECOND // 100
            robot.send(TURNED, [imu_bytes(stamp + k * SECOND // 100) for k in range(50)])
            return int(robot.watcher.status(name)[2][health.WINDOWS]) > 4

        robot.watcher.poll_for(used, 'nothing is used though its mounting is known')


def test_no_label_harms_the_selector(watcher: Watcher, tmp_path: Path) -> None:
    given_settings = {
        'source_names': ['imu', 'camera'],
        'timeout': 0.5,
        'diagnostics_period': 0.05,
    }
    walk = (('walk', 0.75), ('sit', 0.25))
    heard = watcher.heard
    watcher.hear(Classification, '/activity')
    with (
        running(tmp_path, 'activity_selector', given_settings) as process,
        watcher.publisher(Classification, '/imu_classifier/activity') as publisher,
        watcher.publisher(Classification, '/camera_classifier/activity') as camera,
    ):
        watcher.wait_for_status(SELECTOR, lambda s: s[2].get('imu: publishers matched') == '1')
        watcher.wait_for_status(SELECTOR, lambda s: s[2].get('camera: publishers matched') == '1')
        watcher.wait_for_status(SELECTOR, lambda s: s[2].get(health.OUTPUTS) == '1')
        watcher.wait_for_subscriber(publisher)
        valid = [as_bytes(EPOCH + k * HOP, walk) for k in range(10)]
        sent = 0

        def send(messages: Sequence[bytes]) -> dict[str, str]:
            nonlocal sent
            for data in messages:
                publisher.publish(data)
            sent += len(messages)
            total = str(sent)
            return watcher.wait_for_status(
                SELECTOR, lambda s: s[2].get('imu: labels received') == total
            )[2]

        @batches
        @given(messages=st.lists(anything_like(valid), min_size=10, max_size=20))
        def check(messages: list[bytes]) -> None:
            values = send(messages)
            dropped = sum(
                int(count)
                for key, count in values.items()
                if key.startswith('imu: labels dropped, ')
            )
            assert dropped <= sent
            assert values[selector_health.FAILURES] == '0'

        check()

        heard.clear()
        hop = 0

        def decided() -> bool:
            nonlocal hop
            hop += 1
            data = as_bytes(EPOCH + 10_000 * SECOND + hop * HOP, walk)
            camera.publish(data)
            send([data])
            return any(each.results[0].class_id == 'walk' for _, each in heard)

        watcher.poll_for(decided, 'nothing is decided any more')
        assert process.end() == 0
        assert 'Traceback' not in process.log
        assert 'unexpected' not in process.log


def as_bytes(stamp_ns: int, scores: Sequence[tuple[str, float]]) -> bytes:
    from rclpy.serialization import serialize_message

    return bytes(serialize_message(classification(stamp_ns, 'imu_link', scores)))

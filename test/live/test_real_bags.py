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

"""Real recordings are played to live classifiers: all arrives, and what is not used is said."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
import numpy as np
import pytest
from std_srvs.srv import Trigger

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.live.graph import (
    is_active,
    LATCHED,
    NodeProcess,
    RELIABLE,
    running,
    Status,
    Watcher,
)
from test.messages import EPOCH, header, SECOND, serialize
from test.sound_bags import info_bytes
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.runtime import health
from xmodal_ros.windows.windowing import WindowingSpec

# Of each content one, some as ROS 1 wrote it. That the others hold the same is tested by reading.
BAGS: Final = (
    'rl_test2.bag',
    'imu_tools_sparkfun_razor_mcap',
    'ctu_itc_compressed.bag',
    'jsk_audio_300hz_mcap',
    'test_bag_sqlite3',
)
# A minute of an IMU in four seconds. What comes faster is lost on a busy machine, where a process
# may have to wait for its turn longer than a queue lasts.
RATE: Final = 15.0
# Sound without a stamp goes by its receipt, so its speed is no matter of taste.
RATES: Final = {'jsk_audio_300hz_mcap': 1.0}
FORMAT: Final = AudioFormat(16_000, 1, 'S16LE')


def window(rate_hz: int) -> WindowingSpec:
    margin_ns = max(SECOND // 10, SECOND // rate_hz)
    return WindowingSpec(
        length_ns=SECOND,
        hop_ns=SECOND // 2,
        rate_hz=rate_hz,
        margin_ns=margin_ns,
        min_coverage=0.5,
    )


MAKE: Final[Mapping[str, Callable[[Path], Path]]] = {
    'imu': lambda path: make_imu_bundle(path, window=window(40)),
    'camera': lambda path: make_camera_bundle(path, window=window(8)),
    'audio': lambda path: make_audio_bundle(path, window=window(16_000)),
}


@dataclass(frozen=True)
class Sensor:
    modality: str
    topic: str
    settings: Mapping[str, object] = field(default_factory=dict)


SENSORS: Final[Mapping[str, Sensor]] = {
    'turtle': Sensor('imu', '/imu/data'),
    'razor': Sensor('imu', '/imu/data_raw'),
    'some_imu': Sensor('imu', '/test/sensor_msgs/imu'),
    'front': Sensor('camera', '/spot/camera/frontleft/image/compressed'),
    'hand': Sensor('camera', '/spot/camera/hand_color/image/compressed'),
    'mono': Sensor('camera', '/spot/camera/hand_mono/image/compressed'),
    'depth': Sensor('camera', '/spot/depth/frontleft/image/compressed'),
    'some_image': Sensor('camera', '/test/sensor_msgs/image'),
    'some_jpeg': Sensor('camera', '/test/sensor_msgs/compressed_image'),
    'told': Sensor('audio', '/audio', {'audio_rate': FORMAT.rate_hz}),
    'untold': Sensor('audio', '/audio'),
}
# Of another type than its classifier reads: in a process of its own, where it may have two.
MISLED: Final = 'misled'
MISLED_BY: Final = '/imu/data'


class Robot:
    """A classifier for each topic, and its twin that counts the same messages offline."""

    def __init__(self, watcher: Watcher, process: NodeProcess, models: Mapping[str, Path]) -> None:
        self.watcher = watcher
        self.process = process
        self._models = models
        self.twins: dict[str, SensorIntake] = {}
        self.windows: dict[str, int] = dict.fromkeys(SENSORS, 0)

    def tell_twin(self, name: str, message: Message) -> None:
        if name not in self.twins:
            info = read_bundle_info(self._models[SENSORS[name].modality])
            self.twins[name] = SensorIntake(
                info.stream,
                info.window,
                message.msgtype,
                audio_format=FORMAT if name == 'told' else None,
            )
        self.windows[name] += len(self.twins[name].push(message.data, message.received_ns))

    def wait(self, name: str, condition: Callable[[Status], bool], *, anew: bool = True) -> Status:
        return self.watcher.wait_for_status(f'/{name}_classifier', condition, anew=anew)


@pytest.fixture(scope='module')
def robot(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    folder = tmp_path_factory.mktemp('robot')
    models = {modality: make(folder / modality) for modality, make in MAKE.items()}
    # Half of what so many nodes compute is their reports.
    given: dict[str, object] = {'diagnostics_period': 0.5, 'selector': False}
    for name, sensor in SENSORS.items():
        said = {
            'modality': sensor.modality,
            'topic': sensor.topic,
            'model': str(models[sensor.modality]),
            'device': 'cpu',
            'queue_size': 1000,
            **sensor.settings,
        }
        given |= {f'sensors.{name}.{key}': value for key, value in said.items()}
    misled = {'topic': MISLED_BY, 'model': str(models['camera']), 'diagnostics_period': 0.2}
    renamed = ['-r', f'__node:={MISLED}_classifier']
    with (
        running(folder, 'perception', given) as process,
        running(folder, 'camera_classifier', misled, arguments=renamed) as another,
    ):
        for name in (*SENSORS, MISLED):
            watcher.wait_for_status(f'/{name}_classifier', is_active)
        yield Robot(watcher, process, models)
        for each in (process, another):
            assert each.end() == 0, each.log
            assert 'Traceback' not in each.log, each.log
            assert 'unexpected' not in each.log, each.log


def hears(msgtype: str, status: Status) -> bool:
    return (status[2].get(health.INPUTS), status[2].get('type')) == ('1', msgtype)


def has_counted(received: int, status: Status) -> bool:
    return (status[2].get(health.RECEIVED), status[2].get(health.PENDING)) == (str(received), '0')


def says(words: str, status: Status) -> bool:
    return words in status[1]


@contextmanager
def complaining(robot: Robot) -> Iterator[None]:
    """Expect a complaint of sound whose format nobody tells, which is made only while it comes.

    That nobody publishes would go before: a second publisher stays until it has been made.
    """
    topic = SENSORS['untold'].topic
    with robot.watcher.publisher(AudioData, topic):
        robot.wait('untold', lambda status: status[2].get(health.INPUTS) == '2')
        robot.watcher.forget_statuses('/untold_classifier')
        yield
        robot.wait(
            'untold', partial(says, 'name its AudioInfo topic (info_topic), or set'), anew=False
        )


def drops(values: Mapping[str, str]) -> dict[str, int]:
    return {key: int(n) for key, n in values.items() if key.startswith(health.DROPPED)}


@pytest.mark.parametrize('name', BAGS)
def test_all_of_a_real_bag_arrives_and_what_is_not_used_is_counted(
    shared_data: Path, robot: Robot, tmp_path: Path, name: str
) -> None:
    bag = shared_data / 'bags' / name
    with BagReader(bag) as reader:
        sensors = {key: each for key, each in SENSORS.items() if each.topic in reader.topics}
        topics = sorted({each.topic for each in sensors.values()})
        types = {topic: reader.topics[topic].msgtype for topic in topics}
        messages = list(reader.messages(topics))
    assert sensors
    for message in messages:
        for key, sensor in sensors.items():
            if sensor.topic == message.topic:
                robot.tell_twin(key, message)
    playing = {
        'bag': str(bag),
        'topics': topics,
        'rate': RATES.get(name, RATE),
        'start_paused': True,
        'wait_for_subscribers': topics,
        'clock': False,
    }
    with running(tmp_path, 'bag_player', playing) as player:
        for key, sensor in sensors.items():
            robot.wait(key, partial(hears, types[sensor.topic]))
        if MISLED_BY in topics:
            _, text, _ = robot.wait(MISLED, partial(says, 'sensor_msgs/msg/Imu'))
            assert 'sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage is needed' in text
        with complaining(robot) if 'untold' in sensors else nullcontext():
            robot.watcher.call(Trigger, '/bag_player/resume', Trigger.Request())
        assert player.wait() == 0, player.log
    for key in sensors:
        twin = robot.twins[key]
        _, _, values = robot.wait(key, partial(has_counted, twin.received))
        expected = {health.DROPPED + health.in_words(why): n for why, n in twin.drops.items()}
        assert drops(values) == expected
        assert values[health.FAILURES] == values[health.QUEUE_DROPS] == '0'
        if types[sensors[key].topic] != PLAIN_TYPE:
            assert values[health.WINDOWS] == str(robot.windows[key])
    if name in RATES:
        assert int(robot.wait('told', is_active)[2][health.WINDOWS]) > 14


def test_minutes_of_an_imu_became_decisions(shared_data: Path, robot: Robot) -> None:
    """After the bags above: without any decision, their equality would say nothing."""
    assert robot.windows['turtle'] > 50
    assert robot.windows['razor'] > 25


# A frame of MPEG 1, layer III, 128 kbit/s, 44.1 kHz, mono, of silence, as encoders write it.
SILENT_FRAME: Final = b'\xff\xfb\x90\xc0'.ljust(417, b'\0')


def test_mp3_is_refused_with_the_remedy_and_sound_afterwards_is_used(
    watcher: Watcher, tmp_path: Path
) -> None:
    name = '/audio_classifier'
    model = MAKE['audio'](tmp_path / 'model')
    settings = {'model': str(model), 'device': 'cpu', 'diagnostics_period': 0.2}
    types = TYPESTORE.types

    def message(stamp_ns: int, data: bytes) -> bytes:
        audio = types[PLAIN_TYPE](data=np.frombuffer(data, np.uint8))
        stamped = types[STAMPED_TYPE](header=header(stamp_ns, 'microphone'), audio=audio)
        return serialize(stamped, STAMPED_TYPE)

    with (
        running(tmp_path, 'audio_classifier', settings) as node,
        watcher.publisher(AudioDataStamped, '/audio', RELIABLE) as audio,
    ):
        watcher.wait_for_status(name, partial(hears, STAMPED_TYPE))
        watcher.wait_for_subscriber(audio)
        # First nobody says that it is mp3: its first bytes do.
        watcher.forget_statuses(name)
        audio.publish(message(EPOCH, SILENT_FRAME))
        values = watcher.wait_for_status(name, partial(says, 'format:=wave'), anew=False)[2]
        assert values[health.DROPPED + 'compressed'] == '1'
        # Now they do not, for messages need not begin with a frame; but it is announced.
        with watcher.publisher(AudioInfo, '/audio_info', LATCHED) as info:
            info.publish(info_bytes(16_000, 1, 'S16LE', coding='mp3'))
            watcher.wait_for_status(name, partial(says, '/audio_info'))
            audio.publish(message(EPOCH + SECOND, SILENT_FRAME[100:]))
            status = watcher.wait_for_status(name, partial(has_counted, 2))
            assert 'format:=wave' in status[1]
            assert sum(drops(status[2]).values()) == 2
            # Once more, after the driver has been corrected.
            info.publish(info_bytes())
            watcher.wait_for_status(name, lambda s: 'format:=wave' not in s[1])
            for chunk in range(30):
                stamp_ns = EPOCH + 10 * SECOND + chunk * SECOND // 10
                audio.publish(message(stamp_ns, bytes(3200)))
            values = watcher.wait_for_status(name, partial(has_counted, 32))[2]
            assert int(values[health.WINDOWS]) > 3
            # A driver that is started as mp3 again must not be heard as noise.
            info.publish(info_bytes(coding='mp3'))
            watcher.wait_for_status(name, partial(says, 'format:=wave'))
            audio.publish(message(EPOCH + 14 * SECOND, SILENT_FRAME[101:]))
            status = watcher.wait_for_status(name, partial(has_counted, 33))
            assert sum(drops(status[2]).values()) == 3
        assert node.end() == 0
        assert 'Traceback' not in node.log
        assert 'unexpected' not in node.log

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

"""One simulated recording: every sensor of one performance, written as a bag."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
import hashlib
import heapq
import json
from pathlib import Path
from typing import Any, Final, Literal

import cv2

from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.messages import audio_message
from xmodal_ros.modalities.camera.messages import compressed_image_message, image_message
from xmodal_ros.modalities.imu.messages import imu_message
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.simulator.camera import SimulatedCamera
from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.imu import ImuSensor, thigh_mount, wrist_mount
from xmodal_ros.simulator.microphone import SimulatedMicrophone
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.script import draw_performance
from xmodal_ros.simulator.voices import AUDIO_RATE_HZ

ImageFormat = Literal['jpeg', 'raw']

IMU_WRIST: Final = Sensor('imu_wrist', 'imu', '/imu_wrist/data', 'imu_wrist_link')
IMU_THIGH: Final = Sensor('imu_thigh', 'imu', '/imu_thigh/data', 'imu_thigh_link')
MICROPHONE: Final = Sensor('microphone', 'audio', '/audio', 'microphone_link')
AUDIO_INFO_TOPIC: Final = '/audio_info'
PARAMETERS_KEY: Final = 'simulation'

# 14 November 2023; recordings start further apart than the longest lasts.
_EPOCH_NS: Final = 1_700_000_000 * 1_000_000_000
_BETWEEN_SUBJECTS_NS: Final = 3 * 3_600 * 1_000_000_000
_JPEG_QUALITY: Final = 80
_PROGRESS_EVERY: Final = 500

# How each driver stamps: jitter, and the shortest and longest delay until the recorder has it.
_IMU_CLOCK: Final = (0.0003, (0.0005, 0.003))
_CAMERA_CLOCK: Final = (0.0015, (0.008, 0.025))
_AUDIO_CLOCK: Final = (0.0002, (0.001, 0.006))

_Record = tuple[int, str, str, bytes]


def camera_sensor(images: ImageFormat) -> Sensor:
    """Give the camera as a bag with this kind of images declares it."""
    topic = '/camera/image_raw' if images == 'raw' else '/camera/image_raw/compressed'
    return Sensor('camera', 'camera', topic, 'camera_link')


@dataclass(frozen=True)
class RecordingPlan:
    """What determines the content of one recording; ``index`` counts subjects from 0."""

    seed: int
    index: int
    minutes: float
    images: ImageFormat = 'jpeg'

    @property
    def subject(self) -> str:
        """The subject's name, which is the bag's name too."""
        return f'subject_{self.index + 1:02d}'

    @property
    def start_ns(self) -> int:
        """When the recording starts, in nanoseconds since the epoch."""
        return _EPOCH_NS + self.index * _BETWEEN_SUBJECTS_NS

    def parameters(self) -> str:
        """Give what the bag's metadata holds, to recognise a bag that was made alike."""
        return json.dumps({**asdict(self), 'simulator': simulator_version()}, sort_keys=True)


@cache
def simulator_version() -> str:
    """Hash the simulator's sources: other sources may make other recordings."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob('*.py')):
        digest.update(source.name.encode() + b'\0' + source.read_bytes())
    return digest.hexdigest()[:16]


def write_recording(plan: RecordingPlan, path: Path, progress: Callable[[float], None]) -> None:
    """Simulate one recording and write it as a bag at ``path``, whole or not at all.

    ``progress`` is told now and then the share (0 to 1) that is done; what it raises ends the
    recording. Raises :class:`BagError` when the bag cannot be written.
    """
    performance = draw_performance(plan.seed, plan.index, plan.minutes)
    sensors = (IMU_WRIST, IMU_THIGH, camera_sensor(plan.images), MICROPHONE)
    metadata = {PARAMETERS_KEY: plan.parameters(), 'person': _describe(performance)}
    with BagWriter(path, sensors=sensors, subject=plan.subject, metadata=metadata) as writer:
        writer.write_message(AUDIO_INFO_TOPIC, _audio_info(), plan.start_ns, latched=True)
        write_segments(writer, performance.segments(plan.start_ns))
        streams = (
            _imu_records(performance, plan, IMU_WRIST),
            _imu_records(performance, plan, IMU_THIGH),
            _camera_records(performance, plan),
            _audio_records(performance, plan),
        )
        duration_ns = performance.duration * 1e9
        for number, (received_ns, topic, msgtype, data) in enumerate(
            heapq.merge(*streams, key=lambda record: record[0])
        ):
            writer.write(topic, msgtype, received_ns, data)
            if number % _PROGRESS_EVERY == 0:
                progress((received_ns - plan.start_ns) / duration_ns)
    progress(1.0)


def _describe(performance: Performance) -> str:
    person = performance.person
    facts = {
        'handedness': 'left' if person.left_handed else 'right',
        'imus_worn_on': 'left' if person.left_handed else 'right',
        'height_m': round(person.height_m, 3),
        'tempo': round(person.tempo, 3),
        'amplitude': round(person.amplitude, 3),
    }
    return json.dumps(facts, sort_keys=True)


def _audio_info() -> object:
    # Any: rosbags makes the classes of its messages at run time.
    types: dict[str, Any] = TYPESTORE.types
    return types['audio_common_msgs/msg/AudioInfo'](
        channels=1,
        sample_rate=AUDIO_RATE_HZ,
        sample_format='S16LE',
        bitrate=AUDIO_RATE_HZ * 16 // 1000,
        coding_format='wave',
    )


def _imu_records(
    performance: Performance, plan: RecordingPlan, sensor: Sensor
) -> Iterator[_Record]:
    mount = wrist_mount(performance) if sensor is IMU_WRIST else thigh_mount(performance)
    clock = SensorClock(plan.start_ns, *_IMU_CLOCK)
    imu = ImuSensor(performance, mount, clock, sensor.name)
    for stamp_ns, received_ns, fields in imu.readings():
        data = imu_message(stamp_ns, sensor.frame, fields)
        yield received_ns, sensor.topic, 'sensor_msgs/msg/Imu', data


def _camera_records(performance: Performance, plan: RecordingPlan) -> Iterator[_Record]:
    sensor = camera_sensor(plan.images)
    camera = SimulatedCamera(performance, SensorClock(plan.start_ns, *_CAMERA_CLOCK))
    for stamp_ns, received_ns, image in camera.frames():
        if plan.images == 'raw':
            height, width = image.shape[:2]
            data = image_message(stamp_ns, sensor.frame, height, width, 'rgb8', image.tobytes())
            yield received_ns, sensor.topic, 'sensor_msgs/msg/Image', data
            continue
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        encoded, jpeg = cv2.imencode('.jpg', bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
        if not encoded:
            raise BagError('this OpenCV cannot write JPEG: simulate with --images raw')
        data = compressed_image_message(stamp_ns, sensor.frame, 'jpeg', jpeg.tobytes())
        yield received_ns, sensor.topic, 'sensor_msgs/msg/CompressedImage', data


def _audio_records(performance: Performance, plan: RecordingPlan) -> Iterator[_Record]:
    microphone = SimulatedMicrophone(performance, SensorClock(plan.start_ns, *_AUDIO_CLOCK))
    for stamp_ns, received_ns, samples in microphone.chunks():
        data = audio_message(stamp_ns, MICROPHONE.frame, samples.astype('<i2').tobytes())
        yield received_ns, MICROPHONE.topic, 'audio_common_msgs/msg/AudioDataStamped', data

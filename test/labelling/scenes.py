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

"""Small recordings in which a camera, an IMU and a microphone tell who does what when."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from test.messages import compressed_bytes, EPOCH, imu_bytes, SECOND
from test.recordings import clips, IMU
from test.sound_bags import audio_bytes, info_bytes, MICROPHONE
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.audio.decoder import INFO_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.sensor import Sensor

CAMERA = Sensor('camera', 'camera', '/camera/compressed', 'camera_link')
FRAME = SECOND // 10
# The camera starts a moment after the recording.
FIRST_FRAME = EPOCH + 30_000_000
RATE = 8000
CHUNK = 400
LABELS = ('sit', 'walk', 'wave')


def scene_clips() -> tuple[Segment, ...]:
    """Six clips of 4 s, with a second after each."""
    return clips(2 * LABELS, seconds=4)


def write_scene(
    path: Path,
    *,
    subject: str = '1',
    segments: Sequence[Segment] | None = None,
    labelled: bool = False,
    camera: bool = True,
    imu: bool = True,
    sound: bool = True,
) -> Path:
    """Write 30 s; the picture's brightness is its number, the pitch 500 Hz, the IMU moves."""
    segments = scene_clips() if segments is None else segments
    end_ns = EPOCH + 30 * SECOND
    rng = np.random.default_rng(sum(map(ord, subject)))
    sensors = [s for s, there in ((CAMERA, camera), (IMU, imu), (MICROPHONE, sound)) if there]
    with BagWriter(path, sensors=sensors, subject=subject) as writer:
        if labelled:
            write_segments(writer, segments)
        for stamp in range(EPOCH, end_ns if imu else EPOCH, SECOND // 50):
            kind = _kind(segments, stamp)
            phase = 2 * np.pi * (1 + kind) * (stamp - EPOCH) / SECOND
            acc = np.array([2 * kind, 3 * np.sin(phase), 9.81]) + rng.normal(0, 0.1, 3)
            data = imu_bytes(stamp, acc.tolist(), (0, 0, kind * np.cos(phase)))
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, data)
        for number, stamp in enumerate(range(FIRST_FRAME, end_ns if camera else EPOCH, FRAME)):
            jpeg = cv2.imencode('.jpg', np.full((48, 64), number % 250, np.uint8))[1].tobytes()
            data = compressed_bytes(stamp, jpeg)
            # It takes a while until a picture is recorded.
            writer.write(CAMERA.topic, 'sensor_msgs/msg/CompressedImage', stamp + FRAME // 2, data)
        if sound:
            _write_sound(writer, 30 * RATE)
    return path


def _write_sound(writer: BagWriter, count: int) -> None:
    writer.write('/audio_info', INFO_TYPE, EPOCH, info_bytes(RATE))
    wave = np.round(8000 * np.sin(2 * np.pi * 500 * np.arange(count) / RATE))
    for first in range(0, count, CHUNK):
        stamp = EPOCH + first * SECOND // RATE
        data = audio_bytes(stamp, wave[first : first + CHUNK])
        writer.write(MICROPHONE.topic, STAMPED_TYPE, stamp + CHUNK * SECOND // RATE, data)


def _kind(segments: Sequence[Segment], stamp_ns: int) -> int:
    names = [s.label for s in segments if s.start_ns <= stamp_ns < s.end_ns]
    return LABELS.index(names[0]) if names and names[0] in LABELS else -1

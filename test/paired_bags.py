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

"""Small recordings of an IMU and a camera that see the same activity."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.recordings import clips
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.sensor import Sensor

IMU = Sensor('imu', 'imu', '/imu', 'imu_link')
CAMERA = Sensor('camera', 'camera', '/camera/image_raw', 'camera_link')
# Another IMU, which has no gyroscope.
BACK = Sensor('back', 'imu', '/back', 'back_link')
LABELS = ('sit', 'walk', 'wave')
SUBJECTS = ('1', '2', '3')


def write_paired_bag(
    path: Path,
    subject: str,
    *,
    labels: Sequence[str] = 4 * LABELS,
    camera: bool = True,
    has_gyro: bool = True,
    camera_delay_ns: int = 0,
    bad_imu: Sequence[bytes] = (),
    labelled: bool = True,
    take_turns: bool = False,
    worn: bool = False,
    back: bool = False,
) -> Path:
    """Write clips of 4 s; how fast and how bright things are tells the labels apart.

    With ``take_turns`` the IMU records the first half only and the camera the second. A ``worn``
    IMU has an axis that is stuck, and angular rates ten times too large, up to 12 rad/s. ``back``
    adds another IMU, without a gyroscope.
    """
    segments = clips(labels, seconds=4)
    rng = np.random.default_rng(sum(map(ord, subject)))
    sensors = [IMU, *([CAMERA] if camera else []), *([BACK] if back else [])]
    with BagWriter(path, sensors=sensors, subject=subject) as writer:
        if labelled:
            write_segments(writer, segments)
        end_ns = segments[-1].end_ns + SECOND
        half_ns = segments[len(segments) // 2].start_ns
        for stamp in range(EPOCH, half_ns if take_turns else end_ns, SECOND // 50):
            kind = _kind(segments, stamp)
            phase = 2 * np.pi * (kind + 1) * (stamp - EPOCH) / SECOND
            acc = np.array([2 * kind, 3 * np.sin(phase), 9.81]) + rng.normal(0, 0.1, 3)
            gyro = np.array([0, 0, kind * np.cos(phase)]) + rng.normal(0, 0.1, 3)
            if worn:
                acc[2], gyro = 9.81, np.clip(10 * gyro, -12, 12)
            data = imu_bytes(stamp, acc.tolist(), gyro.tolist(), has_gyro=has_gyro)
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, data)
            if back:
                data = imu_bytes(stamp, (-acc).tolist(), has_gyro=False)
                writer.write(BACK.topic, 'sensor_msgs/msg/Imu', stamp, data)
        for data in bad_imu:
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', end_ns, data)
        first = half_ns if take_turns else EPOCH
        for stamp in range(first, end_ns if camera else first, SECOND // 8):
            pixels = rng.integers(0, 20, (12, 16)).astype(np.uint8)
            pixels[:, : 4 * (_kind(segments, stamp) + 2)] += 150
            data = image_bytes(stamp + camera_delay_ns, pixels, 'mono8')
            writer.write(CAMERA.topic, 'sensor_msgs/msg/Image', stamp, data)
    return path


def write_subjects(
    folder: Path,
    subjects: Sequence[str] = SUBJECTS,
    *,
    labels: Sequence[str] = 4 * LABELS,
    without_camera: Collection[str] = (),
    without_labels: Collection[str] = (),
) -> Path:
    """One bag a subject; some may lack the camera, or labels."""
    for subject in subjects:
        write_paired_bag(
            folder / f'bag_{subject}',
            subject,
            labels=labels,
            camera=subject not in without_camera,
            labelled=subject not in without_labels,
        )
    return folder


def _kind(segments: Sequence[Segment], stamp_ns: int) -> int:
    for segment in segments:
        if segment.start_ns <= stamp_ns < segment.end_ns:
            return LABELS.index(segment.label) if segment.label in LABELS else 3
    return -1

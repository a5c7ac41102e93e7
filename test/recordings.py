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

"""Builders of small recordings for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.labels import LABEL_TOPIC, Segment, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.sensor import Sensor

IMU = Sensor('imu', 'imu', '/imu', 'imu_link')
IMU_TYPE = 'sensor_msgs/msg/Imu'
# Of a recording in which stamps begin anew.
HALF_S = 12


def clips(labels: Sequence[str], seconds: int = 5, pause: int = 1) -> tuple[Segment, ...]:
    """Segments of equal length one after the other, with a pause after each."""
    return tuple(
        Segment(
            EPOCH + i * (seconds + pause) * SECOND,
            EPOCH + (i * (seconds + pause) + seconds) * SECOND,
            label,
        )
        for i, label in enumerate(labels)
    )


def write_imu_bag(
    path: Path,
    segments: Sequence[Segment],
    *,
    subject: str = '1',
    seed: int = 0,
    rate_hz: int = 100,
    labelled: bool = True,
    bad: Sequence[bytes] = (),
) -> Path:
    """An IMU that turns and shakes in a way of its own for every label, from the first segment on.

    ``bad`` messages come in the middle.
    """
    rng = np.random.default_rng(seed)
    names = sorted({segment.label for segment in segments})
    period = SECOND // rate_hz
    stamps = range(segments[0].start_ns, segments[-1].end_ns + SECOND // 2, period)
    with BagWriter(path, sensors=[IMU], subject=subject) as writer:
        if labelled:
            write_segments(writer, segments)
        for index, stamp in enumerate(stamps):
            label = next((s.label for s in segments if s.start_ns <= stamp < s.end_ns), None)
            kind = -1 if label is None else names.index(label)
            phase = 2 * np.pi * (1 + kind) * (stamp - EPOCH) / SECOND
            acc = np.array([kind, 3 * np.sin(phase), 9.81]) + rng.normal(0, 0.1, 3)
            gyro = np.array([0, 0, kind * np.cos(phase)]) + rng.normal(0, 0.1, 3)
            writer.write(IMU.topic, IMU_TYPE, stamp, imu_bytes(stamp, acc.tolist(), gyro.tolist()))
            if index == len(stamps) // 2:
                for data in bad:
                    writer.write(IMU.topic, IMU_TYPE, stamp, data)
    return path


def write_jumped_bag(path: Path, *, labelled: bool = True) -> Path:
    """20 s of an IMU whose last message was recorded 231 years later; the label lasts on."""
    text = TYPESTORE.types['std_msgs/msg/String']
    with BagWriter(path, sensors=[IMU], subject='1') as writer:
        if labelled:
            writer.write_message(LABEL_TOPIC, text(data='walk'), EPOCH)
        for stamp in range(EPOCH, EPOCH + 20 * SECOND, SECOND // 50):
            writer.write(IMU.topic, IMU_TYPE, stamp, imu_bytes(stamp))
        last = EPOCH + 20 * SECOND
        writer.write(IMU.topic, IMU_TYPE, EPOCH + 231 * 365 * 86400 * SECOND, imu_bytes(last))
    return path


def write_restarted_bag(path: Path, moved_s: float) -> Path:
    """First walk, then wave, which is told by x; the stamps of the second half are moved."""
    with BagWriter(path, sensors=[IMU], subject='1') as writer:
        for k in range(2 * HALF_S * 50):
            received, waves = EPOCH + k * SECOND // 50, k >= HALF_S * 50
            stamp = received + round(moved_s * SECOND) * waves
            data = imu_bytes(stamp, (float(waves), 0.0, 9.81), (0.0, 0.0, 0.0))
            writer.write(IMU.topic, IMU_TYPE, received + 2_000_000, data)
    (path / 'labels.csv').write_text(
        f'start,end,label\n0,{HALF_S},walk\n{HALF_S},{2 * HALF_S - 0.1},wave\n'
    )
    return path

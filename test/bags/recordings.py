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

"""Build small bags for tests."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import stat

import numpy as np

from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.sensor import Sensor

IMU_TYPE = 'sensor_msgs/msg/Imu'
WRIST = Sensor('imu_wrist', 'imu', '/imu_wrist', 'wrist_link')
_NOBODY = 65534


def write_imu_bag(
    path: Path,
    *,
    seconds: float = 2.0,
    rate_hz: int = 50,
    start_ns: int = EPOCH,
    topic: str = WRIST.topic,
    sensors: Sequence[Sensor] = (),
    subject: str = '',
    metadata: Mapping[str, str] | None = None,
    segments: Sequence[Segment] = (),
    plausible: bool = False,
) -> Path:
    """Write an IMU that counts, or one as it could be where it is to be ``plausible``."""
    rng = np.random.default_rng(0)
    with BagWriter(path, sensors=sensors, subject=subject, metadata=metadata) as writer:
        for index in range(round(seconds * rate_hz)):
            stamp_ns = start_ns + index * SECOND // rate_hz
            acc = rng.normal((0, 0, 9.81), 2).tolist() if plausible else (index, 0, 0)
            gyro = rng.normal(0, 1, 3).tolist() if plausible else (0, 0, 0)
            writer.write(topic, IMU_TYPE, stamp_ns, imu_bytes(stamp_ns, acc, gyro))
        write_segments(writer, segments)
    return path


def storage_of(bag: Path) -> Path:
    return bag / f'{bag.name}.mcap'


def string_message(text: str) -> object:
    return TYPESTORE.types['std_msgs/msg/String'](data=text)


@contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Run as a user who owns nothing; root could read whatever the mode of a file says.

    That user may pass through ``folder`` and those above it, which pytest keeps to itself.
    """
    if os.geteuid() != 0:
        yield
        return
    # Python loads it when it is first used, from where that user may not read.
    codecs.lookup('utf-8-sig')
    modes = {path: path.stat().st_mode for path in (folder, *folder.parents)}
    # The group stays that of root.
    passing = stat.S_IXOTH | stat.S_IXGRP
    closed = {path: mode for path, mode in modes.items() if mode & passing != passing}
    try:
        for path, mode in closed.items():
            path.chmod(mode | passing)
        os.seteuid(_NOBODY)
        yield
    finally:
        os.seteuid(0)
        for path, mode in closed.items():
            path.chmod(mode)

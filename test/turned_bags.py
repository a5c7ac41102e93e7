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

"""Build recordings whose sensors sit otherwise than those of another recording."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from test.messages import image_bytes, imu_bytes
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE, ImuDecoder
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.placement import AS_IT_COMES, make_placement

UPSIDE_DOWN = make_placement((180, 0, 0))
MIDDLE_HALF = make_placement(None, (0.25, 0, 0.5, 1))


def record_turned(path: Path, original: Path, *, declared: bool = True) -> Path:
    """Record the same with its IMUs upside down and its pictures in the middle of wider ones.

    How the sensors sit is ``declared`` in the bag, or not.
    """
    with BagReader(original) as reader:
        sensors = [_declared(each) if declared else each for each in reader.sensors]
        with BagWriter(path, sensors=sensors, subject=reader.subject) as writer:
            for each in reader.messages():
                data = each.data
                if each.msgtype == IMU_TYPE:
                    data = _turned_over(data)
                elif each.msgtype == IMAGE_TYPE:
                    data = _widened(data)
                writer.write(each.topic, each.msgtype, each.received_ns, data)
    return path


def _declared(sensor: Sensor) -> Sensor:
    placements = {'imu': UPSIDE_DOWN, 'camera': MIDDLE_HALF, 'audio': AS_IT_COMES}
    return replace(sensor, placement=placements[sensor.modality])


def _turned_over(data: bytes) -> bytes:
    sample = ImuDecoder()(data)
    ax, ay, az, gx, gy, gz = sample.values
    return imu_bytes(sample.stamp_ns, (ax, -ay, -az), (gx, -gy, -gz), frame_id=sample.frame_id)


def _widened(data: bytes) -> bytes:
    height, width = 12, 16
    sample = CameraDecoder(IMAGE_TYPE, 'gray', height, width)(data)
    wide = np.full((height, 2 * width), 255, np.uint8)
    wide[:, width // 2 : width // 2 + width] = sample.values[..., 0]
    return image_bytes(sample.stamp_ns, wide, 'mono8')

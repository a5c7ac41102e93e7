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

"""A robot's drivers for tests: publishes made-up data with the time of now, until it is killed.

python -m test.live.sensor_driver imu camera audio
"""

from collections.abc import Callable
import itertools
import sys
import time
from typing import Any

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image, Imu
from std_msgs.msg import Header

from test.live.graph import LATCHED, RELIABLE
from xmodal_ros.ros.messages import to_time

RATES_HZ = {'imu': 100, 'camera': 15, 'audio': 25}
AUDIO_HZ = 16_000


def imu(node: Node, rng: np.random.Generator) -> Callable[[Header], None]:
    publisher = node.create_publisher(Imu, '/imu/data', RELIABLE)
    message = Imu()

    def publish(header: Header) -> None:
        message.header = header
        acceleration = message.linear_acceleration
        acceleration.x, acceleration.y, acceleration.z = rng.normal(0, 5, 3).tolist()
        publisher.publish(message)

    return publish


def camera(node: Node, rng: np.random.Generator) -> Callable[[Header], None]:
    publisher = node.create_publisher(Image, '/camera/image_raw', RELIABLE)
    message = Image(height=48, width=64, encoding='mono8', step=64)

    def publish(header: Header) -> None:
        message.header = header
        message.data = rng.integers(0, 255, 48 * 64, np.uint8).tobytes()
        publisher.publish(message)

    return publish


def audio(node: Node, rng: np.random.Generator) -> Callable[[Header], None]:
    publisher = node.create_publisher(AudioDataStamped, '/audio', RELIABLE)
    info = node.create_publisher(AudioInfo, '/audio_info', LATCHED)
    info.publish(
        AudioInfo(channels=1, sample_rate=AUDIO_HZ, sample_format='S16LE', coding_format='wave')
    )

    def publish(header: Header) -> None:
        samples = rng.normal(0, 1000, AUDIO_HZ // RATES_HZ['audio']).astype('<i2')
        data = AudioData(data=samples.tobytes())
        publisher.publish(AudioDataStamped(header=header, audio=data))

    return publish


def main(names: list[str]) -> None:
    rclpy.init()
    node = rclpy.create_node('driver_of_' + '_'.join(names))
    made: dict[str, Any] = {'imu': imu, 'camera': camera, 'audio': audio}
    drivers = [(RATES_HZ[name], made[name](node, np.random.default_rng(0))) for name in names]
    start = time.monotonic()
    due = [start] * len(drivers)
    for _ in itertools.count():
        index = due.index(min(due))
        time.sleep(max(0.0, due[index] - time.monotonic()))
        rate_hz, publish = drivers[index]
        publish(Header(stamp=to_time(time.time_ns()), frame_id='robot'))
        due[index] += 1 / rate_hz


if __name__ == '__main__':
    main(sys.argv[1:])

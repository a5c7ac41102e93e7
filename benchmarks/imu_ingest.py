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

"""The processes in which an IMU's messages go from DDS to window: ours, and a plain node of rclpy.

Ours is a classifier's intake without its inference: raw messages, drained when a window can be
due, decoded and windowed. Plain is a typed subscription on SingleThreadedExecutor with default
transports, converted to numpy in the callback and kept in a buffer from which windows are
interpolated. A third one publishes to each in turn. `rows/intake.py` asks them.
"""

from collections import deque
from pathlib import Path
import struct
import sys
import time
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.side_by_side import (
    Answer,
    be,
    draining,
    publish_at,
    ros_node,
    serve,
    spinning,
    wait_for_subscriber,
)
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.runtime.pipeline import Received
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

SIDES: Final = ('ours', 'plain')
# As the trainer makes them unless told otherwise.
WINDOW: Final = WindowingSpec(rate_hz=50)
_DEPTH: Final = 1000
_STAMP_AT: Final = 4


class PlainWindows:
    """Windows as one would write them down: a deque of samples, interpolated channel by channel.

    Without regard to gaps, jitter, or samples that come late or twice.
    """

    def __init__(self, spec: WindowingSpec) -> None:
        self._spec = spec
        self._samples: deque[tuple[int, Any]] = deque()
        self._next_end_ns = 0

    def push(self, stamp_ns: int, values: Any) -> list[Any]:
        """Take a sample (6,) and give the windows (steps, 6) float32 that are due."""
        spec = self._spec
        if not self._samples:
            self._next_end_ns = spec.first_end(stamp_ns)
        self._samples.append((stamp_ns, values))
        due = []
        while self._next_end_ns + spec.margin_ns <= stamp_ns:
            stamps = np.array([stamp for stamp, _ in self._samples])
            samples = np.array([sample for _, sample in self._samples])
            grid = spec.grid(self._next_end_ns)
            channels = [np.interp(grid, stamps, samples[:, k]) for k in range(samples.shape[1])]
            due.append(np.stack(channels, axis=1).astype(np.float32))
            self._next_end_ns += spec.hop_ns
            oldest_ns = self._next_end_ns - spec.length_ns - spec.margin_ns
            while self._samples[0][0] < oldest_ns:
                self._samples.popleft()
        return due


class Count:
    """What a subscriber has received so far, and the CPU time of its process."""

    def __init__(self) -> None:
        self.received = self.windows = 0

    def report(self, _request: Answer) -> Answer:
        """Give the counts."""
        return {
            'cpu_ns': time.process_time_ns(),
            'received': self.received,
            'windows': self.windows,
        }


def hear_plainly() -> None:
    """Be the plain subscriber until the parent wants no more."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Imu

    count, windows = Count(), PlainWindows(WINDOW)

    def on_imu(message: Imu) -> None:
        stamp = message.header.stamp
        acceleration, rate = message.linear_acceleration, message.angular_velocity
        values = np.array([acceleration.x, acceleration.y, acceleration.z, rate.x, rate.y, rate.z])
        count.windows += len(windows.push(stamp.sec * SECOND_NS + stamp.nanosec, values))
        count.received += 1

    with ros_node('plain') as node:
        profile = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        node.create_subscription(Imu, 'plain/imu', on_imu, profile)
        with spinning(node):
            serve(count.report)


def hear_ours() -> None:
    """Be a classifier's intake until the parent wants no more."""
    from xmodal_ros.modalities.intake import SensorIntake
    from xmodal_ros.ros.topic_reader import TopicReader

    count = Count()
    intake = SensorIntake(ImuStream(), WINDOW, IMU_TYPE)

    def push(received: Received) -> None:
        count.windows += len(intake.push(received.data, received.received_ns))
        count.received += 1

    with ros_node('ours') as node:
        source = TopicReader(node, 'ours/imu', (IMU_TYPE,), depth=_DEPTH)
        with draining(source, push, lambda _: intake.remaining_ns):
            serve(count.report)
        source.close()


def publish() -> None:
    """Be the publisher of both sides: serialized messages, of which only the stamp changes."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import Imu

    message = Imu()
    message.header.frame_id = 'imu_link'
    message.linear_acceleration.z = 9.81
    message.angular_velocity.x = 0.1
    data = bytearray(serialize_message(message))
    # Each side's stream goes on where it stopped, without the gap of the other's turn.
    stamps_ns = dict.fromkeys(SIDES, time.time_ns())

    with ros_node('imu_driver') as node:
        profile = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        publishers = {side: node.create_publisher(Imu, f'{side}/imu', profile) for side in SIDES}
        for publisher in publishers.values():
            wait_for_subscriber(publisher)

        def answer(request: Answer) -> Answer:
            side, rate_hz = request['side'], request['rate_hz']

            def send() -> None:
                stamps_ns[side] += SECOND_NS // rate_hz
                struct.pack_into('<iI', data, _STAMP_AT, *divmod(stamps_ns[side], SECOND_NS))
                publishers[side].publish(bytes(data))

            return {'rate_hz': publish_at(rate_hz, request['count'], send)}

        serve(answer)


if __name__ == '__main__':
    be({'publisher': publish, 'ours': hear_ours, 'plain': hear_plainly})

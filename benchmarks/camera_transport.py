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

"""The processes in which a camera's images go from publish to the input of a network.

640x480 bgr8 at 30 fps, 0.92 MB each. Ours is a classifier's intake: config/fastdds.xml in driver
and subscriber, raw messages drained when a window can be due, decoded and scaled. Transport is the
same but that it takes each message as it comes, for how late it can be had. Plain is a typed
subscription on SingleThreadedExecutor with default transports, converted and scaled in the
callback; once as reliable as ours, and once with best effort. Each has a driver of its own.
`rows/intake.py` asks them.
"""

from array import array
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
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
from xmodal_ros.modalities.camera.stream import CameraStream, IMAGE_TYPE
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.pipeline import Received
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

OURS: Final = ('ours', 'transport')
PLAIN: Final = ('plain', 'best_effort')
RATE_HZ: Final = 30
WIDTH, HEIGHT = 640, 480
# As the trainer makes them unless told otherwise.
STREAM: Final = CameraStream(pixels='gray', height=30, width=40)
WINDOW: Final = WindowingSpec(rate_hz=8, margin_ns=SECOND_NS // 8)
# What our own driver keeps until it is acknowledged, and rclpy's profile for sensor data.
_DEPTH, _BEST_EFFORT_DEPTH = 10, 5


class Arrivals:
    """When frames were there, for a subscriber to tell."""

    def __init__(self) -> None:
        self._latencies_ns: deque[int] = deque()
        self.received = 0

    def add(self, stamp_ns: int) -> None:
        """Count a frame whose network input is ready now."""
        self._latencies_ns.append(time.monotonic_ns() - stamp_ns)
        self.received += 1

    def report(self, request: Answer) -> Answer:
        """Give the counts, and where asked the latencies since they were asked for before."""
        answer: Answer = {'cpu_ns': time.process_time_ns(), 'received': self.received}
        if request.get('latencies'):
            answer['latencies_ns'] = [*self._latencies_ns]
            self._latencies_ns.clear()
        return answer


def hear_plainly(side: str) -> None:
    """Be a plain subscriber until the parent wants no more."""
    import cv2
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    arrivals = Arrivals()
    # As many as a window holds, as a node would keep them.
    frames: deque[Any] = deque(maxlen=2 * RATE_HZ)

    def on_image(message: Image) -> None:
        shape = (message.height, message.width, 3)
        pixels = np.frombuffer(message.data, np.uint8).reshape(shape)
        gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        size = (STREAM.width, STREAM.height)
        frames.append(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))
        stamp = message.header.stamp
        arrivals.add(stamp.sec * SECOND_NS + stamp.nanosec)

    best_effort = side == 'best_effort'
    profile = QoSProfile(
        depth=_BEST_EFFORT_DEPTH if best_effort else _DEPTH,
        reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE,
    )
    with ros_node(side) as node:
        node.create_subscription(Image, f'{side}/image', on_image, profile)
        with spinning(node):
            serve(arrivals.report)


def hear_ours(side: str) -> None:
    """Be a classifier's intake, or one that takes each as it comes, until no more is wanted."""
    from xmodal_ros.modalities.camera.modality import Camera
    from xmodal_ros.modalities.intake import SensorIntake
    from xmodal_ros.ros.topic_reader import TopicReader
    from xmodal_ros.streams.cdr import read_stamp_ns

    arrivals = Arrivals()
    intake = SensorIntake(STREAM, WINDOW, IMAGE_TYPE)

    def push(received: Received) -> None:
        intake.push(received.data, received.received_ns)
        if not intake.complaint:
            arrivals.add(read_stamp_ns(received.data))

    with ros_node(side) as node:
        source = TopicReader(node, f'{side}/image', (IMAGE_TYPE,), depth=Camera.intake.depth)

        def take() -> None:
            for received in source.take():
                push(received)

        if side == 'ours':
            with draining(source, push, lambda _: intake.remaining_ns):
                serve(arrivals.report)
        else:
            thread = EventThread('intake', wait=source.wait, work=take, wake=source.wake)
            serve(arrivals.report)
            thread.stop()
        source.close()


def drive(side: str) -> None:
    """Be a camera's driver until the parent wants no more."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    image = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
    image.data = array('B', pixels.tobytes())
    best_effort = side == 'best_effort'
    profile = QoSProfile(
        depth=_BEST_EFFORT_DEPTH if best_effort else _DEPTH,
        reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE,
    )
    with ros_node(f'{side}_driver') as node:
        publisher = node.create_publisher(Image, f'{side}/image', profile)
        wait_for_subscriber(publisher)

        def send() -> None:
            stamp = image.header.stamp
            stamp.sec, stamp.nanosec = divmod(time.monotonic_ns(), SECOND_NS)
            publisher.publish(image)

        def answer(request: Answer) -> Answer:
            return {'rate_hz': publish_at(RATE_HZ, request['count'], send)}

        serve(answer)


if __name__ == '__main__':
    roles: dict[str, Callable[[], None]] = {side: partial(hear_ours, side) for side in OURS}
    roles |= {side: partial(hear_plainly, side) for side in PLAIN}
    be(roles | {f'{side}_driver': partial(drive, side) for side in roles})

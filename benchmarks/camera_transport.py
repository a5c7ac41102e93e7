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

"""What does a camera's image cost, and how long does it take, from publish to a network's input?

640x480 bgr8 at 30 fps, 0.92 MB each. Ours is a classifier's intake: config/fastdds.xml in driver
and subscriber, raw messages taken as they come, decoded and scaled. Plain is a typed subscription
on SingleThreadedExecutor with default transports, converted and scaled in the callback; once as
reliable as ours, and for information with best effort. Each is a process of its own with a driver
of its own, in turn, several rounds long. Latency is from just before publish until the scaled
frame is there; CPU is all of the subscriber's process, its DDS threads included, over the frames
received.

    python benchmarks/camera_transport.py [--seconds S] [--rounds N] [--json FILE]

Fails where ours loses a frame, where its median latency is above a quarter of plain reliable's,
or its CPU above half.
"""

import argparse
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
import json
import os
from pathlib import Path
import sys
import time
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.harness import Comparison, machine
from benchmarks.side_by_side import (
    Answer,
    Child,
    children,
    median,
    publish_at,
    ros_node,
    serve,
    SHIPPED_PROFILE,
    spinning,
    wait_for_subscriber,
    wait_until_received,
    with_profile,
)
from xmodal_ros.modalities.camera.stream import CameraStream, IMAGE_TYPE
from xmodal_ros.ros.isolation import isolated, reserved_domain
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

SIDES: Final = ('ours', 'plain', 'best_effort')
LATENCY_TARGET: Final = 0.25
CPU_TARGET: Final = 0.5
RATE_HZ: Final = 30
WIDTH, HEIGHT = 640, 480
# As the trainer makes them unless told otherwise.
STREAM: Final = CameraStream(pixels='gray', height=30, width=40)
WINDOW: Final = WindowingSpec(rate_hz=8, margin_ns=SECOND_NS // 8)
# What our own driver keeps until it is acknowledged, and rclpy's profile for sensor data.
_DEPTH, _BEST_EFFORT_DEPTH = 10, 5
_WARM_UP_S: Final = 1.0


@dataclass(frozen=True)
class Result:
    """Latency in ms and CPU in µs a frame of ours against plain reliable; frames of all sides."""

    latency: Comparison
    cpu: Comparison
    latency_ms: dict[str, float]
    cpu_us: dict[str, float]
    sent: dict[str, int]
    lost: dict[str, int]

    @property
    def met(self) -> bool:
        """Whether ours lost nothing and is fast and cheap enough."""
        return self.latency.met and self.cpu.met and not self.lost['ours']

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            'latency_ms': self.latency.as_json(),
            'cpu_us_per_frame': self.cpu.as_json(),
            'sides': {
                side: {
                    'latency_p50_ms': self.latency_ms[side],
                    'cpu_us_per_frame': self.cpu_us[side],
                    'sent': self.sent[side],
                    'lost': self.lost[side],
                }
                for side in SIDES
            },
        }


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


def hear_ours() -> None:
    """Be a classifier's intake until the parent wants no more."""
    from xmodal_ros.modalities.camera.modality import Camera
    from xmodal_ros.modalities.intake import SensorIntake
    from xmodal_ros.ros.topic_reader import TopicReader
    from xmodal_ros.streams.cdr import read_stamp_ns

    arrivals = Arrivals()
    intake = SensorIntake(STREAM, WINDOW, IMAGE_TYPE)
    with ros_node('ours') as node:
        source = TopicReader(node, 'ours/image', (IMAGE_TYPE,), depth=Camera.intake.depth)

        def take() -> None:
            for received in source.take():
                intake.push(received.data, received.received_ns)
                if not intake.complaint:
                    arrivals.add(read_stamp_ns(received.data))

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


def measure(seconds: float, rounds: int, progress: Progress) -> Result:
    """Measure all sides in turn."""
    with reserved_domain() as domain:
        environment = isolated(os.environ, domain)
        environments: dict[str, dict[str, str]] = {}
        for side in SIDES:
            own = with_profile(environment, SHIPPED_PROFILE if side == 'ours' else None)
            environments |= {side: own, f'{side}_driver': own}
        with children(__file__, environments) as started:
            task = progress.add_task('warming up', total=rounds * len(SIDES))
            for side in SIDES:
                _measure_once(started[f'{side}_driver'], started[side], _WARM_UP_S)
            told: dict[str, list[Answer]] = {side: [] for side in SIDES}
            for number in range(rounds):
                progress.update(task, description=f'round {number + 1}')
                # The one that comes first in one round comes last in the next.
                for side in SIDES[:: 1 if number % 2 else -1]:
                    once = _measure_once(started[f'{side}_driver'], started[side], seconds)
                    told[side].append(once)
                    progress.advance(task)
            return summarise(told)


def _measure_once(driver: Child, side: Child, seconds: float) -> Answer:
    """Let one side hear frames; gives what it cost and when they came."""
    count = max(1, round(RATE_HZ * seconds))
    before = side.ask(latencies=True)
    driver.ask(count=count)
    after = wait_until_received(side.ask, before['received'] + count)
    return {
        'sent': count,
        'received': after['received'] - before['received'],
        'cpu_ns': after['cpu_ns'] - before['cpu_ns'],
        'latencies_ns': side.ask(latencies=True)['latencies_ns'],
    }


def summarise(told: dict[str, list[Answer]]) -> Result:
    """Sum up what the sides told of each round."""
    latency = {
        side: tuple(median(each['latencies_ns']) / 1e6 for each in rounds)
        for side, rounds in told.items()
    }
    cpu = {
        side: tuple(each['cpu_ns'] / 1e3 / max(1, each['received']) for each in rounds)
        for side, rounds in told.items()
    }
    return Result(
        Comparison(latency['ours'], latency['plain'], LATENCY_TARGET),
        Comparison(cpu['ours'], cpu['plain'], CPU_TARGET),
        {
            side: median([ns for each in rounds for ns in each['latencies_ns']]) / 1e6
            for side, rounds in told.items()
        },
        {side: median(costs) for side, costs in cpu.items()},
        {side: sum(each['sent'] for each in rounds) for side, rounds in told.items()},
        {
            side: sum(each['sent'] - each['received'] for each in rounds)
            for side, rounds in told.items()
        },
    )


def _print(result: Result, console: Console) -> None:
    table = Table('', 'frames sent', 'lost', 'latency p50', 'CPU per frame received')
    for side in SIDES:
        table.add_row(
            side.replace('_', ' '),
            str(result.sent[side]),
            str(result.lost[side]),
            f'{result.latency_ms[side]:.2f} ms',
            f'{result.cpu_us[side]:.0f} µs',
        )
    console.print(table)
    lost = result.lost['ours']
    console.print(f'frames that ours lost: {lost}, wanted 0: {"MISSED" if lost else "met"}')
    console.print(f'latency, ours / plain: {result.latency.in_words()}')
    console.print(f'CPU, ours / plain: {result.cpu.in_words()}')


def main() -> int:
    """Print the table; 1 where ours loses a frame, is too slow or costs too much."""
    roles: dict[str, Callable[[], None]] = {'ours': hear_ours}
    roles |= {side: partial(hear_plainly, side) for side in SIDES[1:]}
    roles |= {f'{side}_driver': partial(drive, side) for side in SIDES}
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--seconds', type=float, default=5.0, help='length of a measurement')
    parser.add_argument('--rounds', type=int, default=5, help='measurements of each side')
    parser.add_argument('--json', type=Path, help='write the figures here')
    parser.add_argument('--role', choices=roles, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        roles[options.role]()
        return 0
    console = Console()
    with Progress(console=console, transient=True) as progress:
        result = measure(options.seconds, options.rounds, progress)
    _print(result, console)
    if options.json:
        options.json.write_text(
            json.dumps({'machine': machine(), **result.as_json()}, indent=2) + '\n'
        )
    return 0 if result.met else 1


if __name__ == '__main__':
    sys.exit(main())

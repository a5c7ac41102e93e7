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

"""What does an IMU's message cost, from DDS to window? Ours against a plain node of rclpy.

Ours is a classifier's intake without its inference: raw messages, drained when a window can be
due, decoded and windowed. Plain is a typed subscription on SingleThreadedExecutor with default
transports, converted to numpy in the callback and kept in a buffer from which windows are
interpolated. Each is a process of its own that hears one publisher in turn, several rounds long.
Counted is all CPU
time of the process, its DDS threads included, over the messages received; nothing is subtracted.

    python benchmarks/imu_ingest.py [--seconds S] [--rounds N] [--json FILE]

Fails where the median ratio is above 0.35 at 200 Hz or at 1 kHz, or where a message is lost.
"""

import argparse
from collections import deque
from dataclasses import dataclass
import json
import os
from pathlib import Path
import struct
import sys
import threading
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
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.ros.isolation import isolated, reserved_domain
from xmodal_ros.runtime.drain import DrainThread, Pauses
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

RATES_HZ: Final = (200, 1000)
SIDES: Final = ('ours', 'plain')
TARGET: Final = 0.35
# As the trainer makes them unless told otherwise.
WINDOW: Final = WindowingSpec(rate_hz=50)
_DEPTH: Final = 1000
# Long enough for the first window.
_WARM_UP_S: Final = 3.0
_STAMP_AT: Final = 4


@dataclass(frozen=True)
class Result:
    """CPU per message in µs at one rate, and how many messages each side lost."""

    rate_hz: int
    cost: Comparison
    windows: dict[str, int]
    lost: dict[str, int]

    @property
    def met(self) -> bool:
        """Whether ours is cheap enough and has lost nothing."""
        return self.cost.met and not self.lost['ours']

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            'rate_hz': self.rate_hz,
            'cpu_us_per_message': self.cost.as_json(),
            'windows': self.windows,
            'lost': self.lost,
        }


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

    count, lock = Count(), threading.Lock()
    intake = SensorIntake(ImuStream(), WINDOW, IMU_TYPE)

    with ros_node('ours') as node:
        source = TopicReader(node, 'ours/imu', (IMU_TYPE,))

        newest_ns = 0

        def take() -> int:
            nonlocal newest_ns
            with lock:
                messages = source.take()
                for received in messages:
                    count.windows += len(intake.push(received.data, received.received_ns))
                    count.received += 1
                    newest_ns = received.received_ns
            return len(messages)

        def remaining_s() -> float | None:
            remaining_ns = intake.remaining_ns
            return (
                None
                if remaining_ns is None
                else (remaining_ns - (time.time_ns() - newest_ns)) / SECOND_NS
            )

        drain = DrainThread(
            'intake',
            Pauses(_DEPTH // 8),
            take=take,
            remaining_s=remaining_s,
            wait=source.wait,
            wake=source.wake,
        )
        serve(count.report)
        drain.stop()
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


def measure(seconds: float, rounds: int, progress: Progress) -> list[Result]:
    """Measure all rates, both sides in turn."""
    with reserved_domain() as domain:
        environment = isolated(os.environ, domain)
        environments = {
            'publisher': with_profile(environment, None),
            'ours': with_profile(environment, SHIPPED_PROFILE),
            'plain': with_profile(environment, None),
        }
        with children(__file__, environments) as started:
            publisher = started['publisher']
            task = progress.add_task('warming up', total=len(RATES_HZ) * rounds * len(SIDES))
            for side in SIDES:
                _measure_once(publisher, started[side], RATES_HZ[0], _WARM_UP_S)
            results = []
            for rate_hz in RATES_HZ:
                progress.update(task, description=f'{rate_hz} Hz')
                told: dict[str, list[Answer]] = {side: [] for side in SIDES}
                for number in range(rounds):
                    # The one that comes first in one round comes last in the next.
                    for side in SIDES[:: 1 if number % 2 else -1]:
                        once = _measure_once(publisher, started[side], rate_hz, seconds)
                        told[side].append(once)
                        progress.advance(task)
                results.append(summarise(rate_hz, told))
            return results


def _measure_once(publisher: Child, side: Child, rate_hz: int, seconds: float) -> Answer:
    """Let one side hear messages; gives what it cost and what it did for it."""
    count = max(1, round(rate_hz * seconds))
    before = side.ask()
    publisher.ask(side=side.role, rate_hz=rate_hz, count=count)
    after = wait_until_received(side.ask, before['received'] + count)
    return {'sent': count, **{name: after[name] - before[name] for name in after}}


def summarise(rate_hz: int, told: dict[str, list[Answer]]) -> Result:
    """Sum up what the sides told of each round."""

    def cost(side: str) -> tuple[float, ...]:
        return tuple(each['cpu_ns'] / 1e3 / max(1, each['received']) for each in told[side])

    def total(side: str, name: str) -> int:
        return sum(int(each[name]) for each in told[side])

    return Result(
        rate_hz,
        Comparison(cost('ours'), cost('plain'), TARGET),
        {side: total(side, 'windows') for side in SIDES},
        {side: total(side, 'sent') - total(side, 'received') for side in SIDES},
    )


def _print(results: list[Result], console: Console) -> None:
    table = Table('rate', 'CPU per message: ours', 'plain', 'lost: ours', 'plain')
    for result in results:
        costs = (f'{median(each):.1f} µs' for each in (result.cost.ours, result.cost.plain))
        lost = (str(result.lost[side]) for side in SIDES)
        table.add_row(f'{result.rate_hz} Hz', *costs, *lost)
    console.print(table)
    for result in results:
        console.print(f'{result.rate_hz} Hz, ours / plain: {result.cost.in_words()}')


def main() -> int:
    """Print the table; 1 where ours costs too much or loses a message."""
    roles = {'publisher': publish, 'ours': hear_ours, 'plain': hear_plainly}
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
        results = measure(options.seconds, options.rounds, progress)
    _print(results, console)
    if options.json:
        figures = {'machine': machine(), 'results': [result.as_json() for result in results]}
        options.json.write_text(json.dumps(figures, indent=2) + '\n')
    return 0 if all(result.met for result in results) else 1


if __name__ == '__main__':
    sys.exit(main())

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

"""What comes in costs, beside plain rclpy: an IMU's messages, a camera's pictures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import nan
import os
from pathlib import Path
import time
from typing import Final

from benchmarks import camera_transport, imu_ingest
from benchmarks.harness import Cost, row, Sides
from benchmarks.side_by_side import (
    Answer,
    Child,
    children,
    median,
    SHIPPED_PROFILE,
    wait_until_received,
    with_profile,
)
from xmodal_ros.ros.isolation import isolated, reserved_domain

# Of messages, in a turn of one side.
TURN_S: Final = 5.0


class Turns:
    """Sides that hear messages in turn, each in a process of its own.

    ``sent`` and ``lost`` count messages by side.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.sent: dict[str, int] = {}
        self.lost: dict[str, int] = {}

    def hear(self, side: Child, driver: Child, rate_hz: int) -> Answer:
        """Let one hear messages; gives what it tells of these alone, by what it counts.

        Raises RuntimeError where one of ours loses any, or a plain one all. What best effort
        loses is only noted.
        """
        count = max(1, round(rate_hz * self._seconds))
        before = side.ask()
        driver.ask(side=side.role, rate_hz=rate_hz, count=count)
        after = wait_until_received(side.ask, before['received'] + count)
        heard = {name: after[name] - before[name] for name in after}
        lost = count - heard['received']
        self.sent[side.role] = self.sent.get(side.role, 0) + count
        self.lost[side.role] = self.lost.get(side.role, 0) + lost
        ours = side.role in camera_transport.OURS
        if lost and (ours or (side.role == 'plain' and not heard['received'])):
            raise RuntimeError(f'{side.role} lost {lost} of {count} messages')
        return heard

    def in_words(self) -> str:
        """Say what each side lost."""
        lost = (f'{side} {self.lost[side]} of {sent}' for side, sent in self.sent.items())
        return f'lost: {", ".join(lost).replace("_", " ")}'


def _imu(rate_hz: int) -> Callable[[Path], Iterator[Sides]]:
    def prepare(_: Path) -> Iterator[Sides]:
        turns = Turns(TURN_S)
        with reserved_domain() as domain:
            environment = with_profile(isolated(os.environ, domain), None)
            environments = {
                'publisher': environment,
                'ours': with_profile(environment, SHIPPED_PROFILE),
                'plain': environment,
            }
            with children(imu_ingest.__file__, environments) as started:

                def hear(side: str) -> Cost:
                    begun = time.perf_counter()
                    heard = turns.hear(started[side], started['publisher'], rate_hz)
                    took_s = time.perf_counter() - begun
                    received = heard['received']
                    return Cost(heard['cpu_ns'] / 1e9 / received, took_s / received)

                yield Sides(
                    partial(hear, 'ours'), partial(hear, 'plain'), 'message', note=turns.in_words
                )

    return prepare


for _rate_hz in (200, 1000):
    row(
        f'imu at {_rate_hz} Hz',
        f'What does a message of an IMU at {_rate_hz} Hz cost, from DDS to window?',
        aim=0.35,
        ours="a classifier's intake without its inference",
        plain='a typed subscription on SingleThreadedExecutor with default transports, converted '
        'to numpy in the callback, and interpolated into the same windows',
    )(_imu(_rate_hz))


@contextmanager
def _camera(*sides: str) -> Iterator[tuple[Turns, Callable[[str], Cost]]]:
    """Give what lets a side see pictures: CPU time of one, and by the clock how late it is."""
    turns = Turns(TURN_S)
    with reserved_domain() as domain:
        environment = isolated(os.environ, domain)
        environments: dict[str, Mapping[str, str]] = {}
        for side in sides:
            own = with_profile(
                environment, SHIPPED_PROFILE if side in camera_transport.OURS else None
            )
            environments |= {side: own, f'{side}_driver': own}
        with children(camera_transport.__file__, environments) as started:

            def see(side: str) -> Cost:
                seen = started[side]
                seen.ask(latencies=True)
                heard = turns.hear(seen, started[f'{side}_driver'], camera_transport.RATE_HZ)
                late_ns = median(seen.ask(latencies=True)['latencies_ns'])
                return Cost(heard['cpu_ns'] / 1e9 / (heard['received'] or nan), late_ns / 1e9)

            yield turns, see


_PLAIN_CAMERA: Final = (
    'a typed subscription as reliable on SingleThreadedExecutor with default transports, '
    'converted and scaled in the callback'
)


@row(
    'camera',
    'What does a picture of 640x480 at 30 Hz cost, from DDS to the input of a network?',
    aim=0.5,
    ours="a classifier's intake, with config/fastdds.xml in driver and subscriber",
    plain=_PLAIN_CAMERA,
)
def camera(_: Path) -> Iterator[Sides]:
    """Compare, and see once what best effort loses."""
    with _camera('ours', *camera_transport.PLAIN) as (turns, see):
        see('best_effort')
        yield Sides(partial(see, 'ours'), partial(see, 'plain'), 'picture', note=turns.in_words)


@row(
    'camera latency',
    'And how long does the transport take, from just before it is published?',
    aim=0.25,
    ours='the same, but each is taken as it comes; a classifier takes several, as a window can be '
    'due',
    plain='the same; the medians of a turn of 5 s each',
    measure='wall',
)
def camera_latency(_: Path) -> Iterator[Sides]:
    """Compare."""
    with _camera('transport', 'plain') as (turns, see):
        yield Sides(
            partial(see, 'transport'), partial(see, 'plain'), 'picture', note=turns.in_words
        )

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

"""Sensors die and come back while the robot runs: something always answers, nothing ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass
import itertools
from pathlib import Path
import subprocess
import sys
from typing import Any

from std_msgs.msg import String
from vision_msgs.msg import Classification

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.live.graph import is_active, LATCHED, NodeProcess, RELIABLE, running, Watcher
from test.messages import SECOND
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.runtime import health
from xmodal_ros.runtime.selector_health import SELECTED
from xmodal_ros.windows.windowing import WindowingSpec

HOP_NS = SECOND // 4
TIMEOUT_NS = 2 * SECOND
# By priority, the best first.
SENSORS = ('imu', 'camera', 'audio')


class Driver:
    """Sensors in a process of their own, which can be killed and started again."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'test.live.sensor_driver', *self._names],
            cwd=Path(__file__).parents[2],
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


@dataclass(frozen=True)
class Robot:
    watcher: Watcher
    perception: NodeProcess

    def wait_for_source(self, name: str) -> None:
        self.watcher.wait_for(lambda: self.sources()[-1:] == [name], f'{name} was not selected')

    def sources(self) -> list[str]:
        """The sources selected, each as often as it was newly selected."""
        return [m.data for topic, m in self.watcher.heard if topic == '/activity/source']

    def decisions(self, topic: str = '/activity') -> list[tuple[int, str]]:
        """The stamps of what was decided, each with its label."""
        return [
            (to_nanoseconds(m.header.stamp), m.results[0].class_id)
            for heard, m in self.watcher.heard
            if heard == topic
        ]

    def wait_for_decisions(self, count: int) -> None:
        wanted = len(self.decisions()) + count
        self.watcher.wait_for(lambda: len(self.decisions()) >= wanted, 'no more decisions')

    def widest_gap_ns(self, since: int) -> int:
        """The longest time between two decisions, from number ``since`` on."""
        stamps = [stamp for stamp, _ in self.decisions()[since:]]
        assert stamps == sorted(set(stamps)), '\n'.join(
            f'{stamp / SECOND:.3f} {label}' for stamp, label in self.decisions()
        )
        return max(b - a for a, b in itertools.pairwise(stamps))

    def check_that_it_took_over(self, since: int, heir: str) -> None:
        """Check that decisions went on in time, and that of what was answered none is missing.

        On a busy machine a driver may fall behind: then its classifier says so, or nothing, which
        is not the selector's doing, who tells of the silence.
        """
        answers = self.decisions(f'/{heir}_classifier/activity')
        decisions = self.decisions()[since:]
        spans = [b - a for (a, _), (b, _) in itertools.pairwise(answers) if b >= decisions[0][0]]
        late = max([HOP_NS, *spans]) - HOP_NS
        assert self.widest_gap_ns(since) <= TIMEOUT_NS + HOP_NS + late
        every = {
            each for name in SENSORS for each in self.decisions(f'/{name}_classifier/activity')
        }
        own = sorted(set(decisions) - every)
        if own:
            assert {label for _, label in own} == {'unknown'}, own
            assert self.longest_silence_s(since) >= TIMEOUT_NS / SECOND, own

    def longest_silence_s(self, since: int) -> float:
        """The longest time in which no classifier said anything, from decision ``since`` on."""
        heard = [topic for topic, _ in self.watcher.heard]
        # What was heard may have been forgotten since.
        times = self.watcher.heard_s[-len(heard) :]
        begun = [number for number, topic in enumerate(heard) if topic == '/activity'][since]
        came = [
            times[number]
            for number in range(max(0, begun - 20), len(heard))
            if heard[number].endswith('_classifier/activity')
        ]
        return max(b - a for a, b in itertools.pairwise(came))


def make_models(folder: Path) -> dict[str, Path]:
    def spec(rate_hz: int, margin_ns: int = SECOND // 10) -> WindowingSpec:
        return WindowingSpec(
            length_ns=SECOND,
            hop_ns=HOP_NS,
            rate_hz=rate_hz,
            margin_ns=margin_ns,
            min_coverage=0.5,
        )

    return {
        'imu': make_imu_bundle(folder / 'imu', window=spec(40)),
        'camera': make_camera_bundle(folder / 'camera', window=spec(8, SECOND // 8)),
        'audio': make_audio_bundle(folder / 'audio', window=spec(16_000)),
    }


@contextmanager
def perceiving(watcher: Watcher, folder: Path) -> Iterator[Robot]:
    settings: dict[str, Any] = {'diagnostics_period': 0.1}
    for rank, (name, model) in enumerate(make_models(folder).items()):
        settings |= {
            f'sensors.{name}.model': str(model),
            f'sensors.{name}.device': 'cpu',
            f'sensors.{name}.priority': -rank,
        }
    selector = {'timeout': TIMEOUT_NS / 1e9, 'return_after': 0.5, 'stand_in': False}
    watcher.heard.clear()
    subscriptions = [
        watcher.hear(Classification, '/activity', RELIABLE),
        watcher.hear(String, '/activity/source', LATCHED),
        *(
            watcher.hear(Classification, f'/{name}_classifier/activity', RELIABLE)
            for name in SENSORS
        ),
    ]
    try:
        with running(folder, 'perception', {**settings, **selector}) as process:
            yield Robot(watcher, process)
            assert process.running
            assert process.end() == 0, process.log
            assert 'Traceback' not in process.log
    finally:
        for subscription in subscriptions:
            watcher.node.destroy_subscription(subscription)


def test_each_sensor_dies_and_returns(watcher: Watcher, tmp_path: Path) -> None:
    with ExitStack() as stack:
        drivers = {name: Driver([name]) for name in SENSORS}
        for driver in drivers.values():
            stack.callback(driver.kill)
        robot = stack.enter_context(perceiving(watcher, tmp_path))
        robot.wait_for_source('imu')
        for name in SENSORS:
            watcher.wait_for_status(
                f'/{name}_classifier', lambda s: s[2].get(health.WINDOWS, '0') != '0'
            )
        for dead, heir in (('imu', 'camera'), ('camera', 'imu'), ('audio', 'imu')):
            robot.wait_for_decisions(3)
            before = len(robot.decisions())
            drivers[dead].kill()
            robot.wait_for_source(heir)
            robot.wait_for_decisions(4)
            robot.check_that_it_took_over(before, heir)
            drivers[dead].start()
            robot.wait_for_source('imu')
            watcher.wait_for_status(
                '/activity_selector',
                lambda s, name=dead: s[2].get(f'{name}: state') in ('ready', 'selected'),  # type: ignore[misc]
            )
        # Two at once leave the third.
        robot.wait_for_decisions(3)
        before = len(robot.decisions())
        drivers['imu'].kill()
        drivers['camera'].kill()
        robot.wait_for_source('audio')
        robot.wait_for_decisions(4)
        robot.check_that_it_took_over(before, 'audio')
        drivers['imu'].start()
        robot.wait_for_source('imu')


def test_all_drivers_die_at_once_and_return(watcher: Watcher, tmp_path: Path) -> None:
    with ExitStack() as stack:
        drivers = Driver(SENSORS)
        stack.callback(drivers.kill)
        robot = stack.enter_context(perceiving(watcher, tmp_path))
        for _ in range(2):
            robot.wait_for_source('imu')
            robot.wait_for_decisions(3)
            last = robot.decisions()[-1][0]
            drivers.kill()
            robot.wait_for_source('')
            stamp, label = robot.decisions()[-1]
            assert label == 'unknown'
            assert stamp > last
            status = watcher.wait_for_status('/imu_classifier', lambda s: 'silence' in s[1])
            assert is_active(status)
            status = watcher.wait_for_status(
                '/activity_selector', lambda s: s[2].get(SELECTED) == 'none'
            )
            assert is_active(status)
            drivers.start()
        robot.wait_for_source('imu')
        # The gap itself comes as unknown.
        watcher.wait_for(lambda: robot.decisions()[-1][1] != 'unknown', 'still unknown')

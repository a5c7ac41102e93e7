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

"""Does a robot that runs for days stay as it is? Memory, handles, threads, and windows lost.

    python benchmarks/soak.py --simulated HOURS [--json FILE]
    python benchmarks/soak.py --real MINUTES [--json FILE]

Simulated: the way from messages to decisions and the selector, in this process, as fast as it
goes: an IMU and a camera that come and go, models swapped every few seconds, time that jumps back
and ahead. Real: ``perception`` as a process of its own in a real graph, with publishers that come
and go, models swapped by parameters, and what it says in ``/diagnostics``.

An interruption ends it, and tells what has been until then.

Fails where memory grows by more than a tenth and 16 MiB from the second quarter of the run to the
last, handles or threads grow at all, or a window is lost: stamps of a sensor that goes on follow
each other by a hop, and nothing was dropped from a queue.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
import json
import os
from pathlib import Path
import random
import signal
import statistics
import sys
import tempfile
import time
from typing import Any, Final

import numpy as np
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1]))

from test.bundles import make_camera_bundle, make_imu_bundle
from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.waiting import PATIENCE_S
from xmodal_ros.modalities.camera.messages import image_message
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.messages import imu_message
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.runtime import health
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.models import ModelStore
from xmodal_ros.runtime.pipeline import Feed, Pipeline, PipelineClocks, Received
from xmodal_ros.runtime.selector import Selector
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings
from xmodal_ros.windows.windowing import WindowingSpec

_MOST_GROWTH: Final = 1.1
_MOST_MIB: Final = 16
_NAMES: Final = ('imu', 'camera')
_RATES: Final = {'imu': 50, 'camera': 8}
# Of simulated time, of which there is more.
_STEP_S: Final = 5
_SIMULATED_RATES: Final = {'imu': 20, 'camera': 4}
_LABELS: Final = (('sit', 'walk', 'wave'), ('run', 'rest', 'jump'))


@dataclass
class Sample:
    """What a process holds at one moment."""

    at_s: float
    memory_mib: float
    handles: int
    threads: int


@dataclass
class Figures:
    """What a run has shown; ``lost`` counts windows that should have been and were not."""

    kind: str
    lasted_s: float = 0.0
    simulated_h: float = 0.0
    messages: int = 0
    decisions: int = 0
    selected: int = 0
    swaps: int = 0
    gaps: int = 0
    jumps: int = 0
    lost: int = 0
    dropped: int = 0
    failures: int = 0
    samples: list[Sample] = field(default_factory=list)

    def complaints(self) -> Iterator[str]:
        """Say what is not as it should be."""
        for name in ('lost', 'dropped', 'failures'):
            if count := getattr(self, name):
                yield f'{name}: {count}'
        quarter = len(self.samples) // 4
        if not quarter:
            return
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        before, after = (
            statistics.median(each.memory_mib for each in part) for part in (early, late)
        )
        if after > before * _MOST_GROWTH + _MOST_MIB:
            yield f'memory grew from {before:.0f} to {after:.0f} MiB'
        for what in ('handles', 'threads'):
            first, last = (
                statistics.median(getattr(each, what) for each in part) for part in (early, late)
            )
            if last > first:
                yield f'{what} grew from {first:g} to {last:g}'


def look_at(pid: int, began: float) -> Sample:
    """Say what a process holds now."""
    status = Path(f'/proc/{pid}/status').read_text()
    fields = dict(line.split(':', 1) for line in status.splitlines())
    return Sample(
        round(time.monotonic() - began, 1),
        int(fields['VmRSS'].split()[0]) / 1024,
        len(os.listdir(f'/proc/{pid}/fd')),  # noqa: PTH208 - names alone, which may go meanwhile
        int(fields['Threads']),
    )


class Interruption:
    """Whether somebody has asked for the end."""

    came = False

    def end(self, _number: int, _frame: object) -> None:
        """Let the run end in order."""
        self.came = True


interruption = Interruption()


class SimulatedSensor:
    """One sensor's way to decisions in simulated time, and what is known of it."""

    def __init__(self, engines: list[Engine], msgtype: str, inference: InferenceThread) -> None:
        self.engines = engines
        self.feed = Feed(engines[0], msgtype)
        self.decisions: list[Prediction] = []
        self.failures = 0
        clocks = PipelineClocks(steady=lambda: 0, system=lambda: 0)
        self.pipeline = Pipeline(
            self.feed, inference, 1000, self.decisions.append, self._failed, clocks=clocks
        )
        self.away_until_ns = 0
        self.newest_end_ns: int | None = None
        self.whole_from_ns = 0

    def _failed(self, where: str, error: Exception) -> None:
        self.failures += 1
        sys.stderr.write(f'{where}: {error!r}\n')

    def lost(self, decisions: list[Prediction]) -> int:
        """Count hops without a decision, but for those where time began anew."""
        hop_ns, lost = self.engines[0].bundle.info.window.hop_ns, 0
        for each in decisions:
            last = self.newest_end_ns
            # A gap of a minute and more, and time that jumps, begin anew.
            if last is not None and hop_ns < each.stamp_ns - last <= 60 * SECOND:
                lost += (each.stamp_ns - last) // hop_ns - 1
            self.newest_end_ns = each.stamp_ns
        return lost


def soak_simulated(hours: float, seed: int = 0, every_s: float = 300.0) -> Figures:
    """Run a simulated time through pipelines and selector; looks at itself ``every_s`` of it."""
    rng, figures, began = random.Random(seed), Figures('simulated'), time.monotonic()
    noise = np.random.default_rng(seed)
    motions = noise.normal(0, 5, (64, 37))
    frames = [noise.integers(0, 255, 24 * 32, np.uint8).tobytes() for _ in range(8)]
    inference = InferenceThread()
    with tempfile.TemporaryDirectory() as folder:
        sensors = _simulated_sensors(Path(folder), inference)
        steady_ns = 0
        settings = tuple(SourceSettings(name, 2 - k) for k, name in enumerate(_NAMES))
        selector = Selector(SelectorSettings(settings), lambda: steady_ns)
        now_ns, next_look = EPOCH, 0.0
        while steady_ns < hours * 3600 * SECOND and not interruption.came:
            _change(rng, sensors, figures, steady_ns)
            if steady_ns and steady_ns % (1800 * SECOND) == 0:
                # Back by a day, or ahead by an hour: a bag that is played again, a clock set.
                now_ns += rng.choice((-86_400, 3600)) * SECOND
                figures.jumps += 1
                for each in sensors.values():
                    each.pipeline.reset()
                    each.newest_end_ns = None
                selector.reset()
            # Five seconds at once, as a drain after a stall would.
            for name, sensor in sensors.items():
                if steady_ns < sensor.away_until_ns:
                    continue
                messages = _messages(name, now_ns, motions, frames)
                figures.messages += len(messages)
                sensor.pipeline.push(sensor.feed, lambda messages=messages: messages)  # type: ignore[misc]
            labels = []
            for name, sensor in sensors.items():
                assert sensor.pipeline.finish(PATIENCE_S), 'decisions do not come'
                decisions, sensor.decisions[:] = list(sensor.decisions), []
                figures.decisions += len(decisions)
                figures.lost += sensor.lost(decisions)
                labels += [(each.stamp_ns, name, each) for each in decisions]
            for stamp_ns, name, said in sorted(labels, key=lambda label: label[:2]):
                steady_at = steady_ns
                steady_ns += max(0, stamp_ns - now_ns)
                figures.selected += len(
                    selector.push(name, Label(stamp_ns, said.frame_id, said.scores))
                )
                steady_ns = steady_at
            steady_ns += _STEP_S * SECOND
            now_ns += _STEP_S * SECOND
            selector.watch(now_ns)
            if steady_ns / SECOND >= next_look:
                next_look += every_s
                figures.samples.append(look_at(os.getpid(), began))
        for sensor in sensors.values():
            counts = sensor.pipeline.counters()
            figures.dropped += counts.queue_drops
            figures.failures += sensor.failures
            sensor.pipeline.close()
    inference.close()
    figures.lasted_s = time.monotonic() - began
    figures.simulated_h = steady_ns / 3600 / SECOND
    return figures


def _simulated_sensors(folder: Path, inference: InferenceThread) -> dict[str, SimulatedSensor]:
    store, sensors = ModelStore(), {}
    for name, make, msgtype in (
        ('imu', make_imu_bundle, IMU_TYPE),
        ('camera', make_camera_bundle, IMAGE_TYPE),
    ):
        spec = WindowingSpec(hop_ns=SECOND, rate_hz=_SIMULATED_RATES[name], margin_ns=SECOND // 2)
        engines = [
            store.engine(
                make(folder / f'{name}{k}', labels, seed=k, window=spec), 'cpu', 'fp32', None
            )
            for k, labels in enumerate(_LABELS)
        ]
        sensors[name] = SimulatedSensor(engines, msgtype, inference)
    return sensors


def _change(
    rng: random.Random, sensors: dict[str, SimulatedSensor], figures: Figures, now_ns: int
) -> None:
    """Swap models every few seconds, and let a sensor go now and then."""
    for sensor in sensors.values():
        if rng.random() < 0.5:
            other = sensor.engines[sensor.feed.engine is sensor.engines[0]]
            sensor.feed.engine = other
            figures.swaps += 1
        if now_ns >= sensor.away_until_ns and rng.random() < 0.03:
            sensor.away_until_ns = now_ns + rng.choice((5, 10, 30, 90)) * SECOND
            figures.gaps += 1


def _messages(name: str, start_ns: int, motions: Any, frames: Any) -> list[Received]:
    stamps = range(start_ns, start_ns + _STEP_S * SECOND, SECOND // _SIMULATED_RATES[name])
    if name == 'imu':
        return [
            Received(imu_message(stamp, 'link', motions[k % len(motions)]), stamp)
            for k, stamp in enumerate(stamps)
        ]
    return [
        Received(image_message(stamp, 'link', 24, 32, 'mono8', frames[k % len(frames)]), stamp)
        for k, stamp in enumerate(stamps)
    ]


class RealRun:
    """A process of ``perception``, the publishers of its sensors, and what it has said."""

    def __init__(self, watcher: Any, paths: dict[str, list[Path]], seed: int) -> None:
        from sensor_msgs.msg import Image, Imu
        from vision_msgs.msg import Classification

        from test.live.graph import RELIABLE

        self.figures = Figures('real')
        self._watcher, self._paths = watcher, paths
        self._rng, noise = random.Random(seed), np.random.default_rng(seed)
        self._motions = noise.normal(0, 5, (64, 3))
        self._frames = noise.integers(0, 255, (8, 24, 32), np.uint8)
        self._kinds, self._profile = {'imu': Imu, 'camera': Image}, RELIABLE
        self._publishers: dict[str, Any] = {}
        self._away_until: dict[str, float] = {}
        self._due_ns: dict[str, int] = {}
        # Stretches of stamps without a gap, and what was decided.
        self._sent: dict[str, list[list[int]]] = {name: [] for name in _NAMES}
        self._ends: dict[str, set[int]] = {name: set() for name in _NAMES}
        for name in _NAMES:
            watcher.node.create_subscription(
                Classification, f'/{name}_classifier/activity', partial(self._hear, name), RELIABLE
            )

    def _hear(self, name: str, message: Any) -> None:
        self._ends[name].add(to_nanoseconds(message.header.stamp))

    def connect(self, name: str) -> None:
        """Let a sensor come, or come back."""
        self._publishers[name] = self._watcher.node.create_publisher(
            self._kinds[name], f'/{name}', self._profile
        )
        self._watcher.wait_for_status(
            f'/{name}_classifier', lambda s: s[2].get(health.INPUTS) == '1'
        )
        self._due_ns[name] = time.time_ns()

    def go_on(self) -> None:
        """Publish what is due, and let sensors come and go."""
        for name in _NAMES:
            until = self._away_until.get(name)
            if until is None:
                self._publish(name)
                # A driver that ends; the other sensor goes on.
                if self._rng.random() < 0.0004:
                    self._watcher.node.destroy_publisher(self._publishers[name])
                    self._away_until[name] = time.monotonic() + self._rng.choice((2, 5, 12))
                    self.figures.gaps += 1
            elif time.monotonic() >= until:
                self.connect(name)
                del self._away_until[name]

    def _publish(self, name: str) -> None:
        period_ns = SECOND // _RATES[name]
        while self._due_ns[name] <= time.time_ns():
            stamp_ns = self._due_ns[name] // period_ns * period_ns
            self._due_ns[name] += period_ns
            stretches = self._sent[name]
            if stretches and stamp_ns <= stretches[-1][1]:
                continue
            k = self.figures.messages
            self._publishers[name].publish(
                imu_bytes(stamp_ns, self._motions[k % 64])
                if name == 'imu'
                else image_bytes(stamp_ns, self._frames[k % 8], 'mono8')
            )
            self.figures.messages += 1
            if stretches and stamp_ns - stretches[-1][1] <= 2 * period_ns:
                stretches[-1][1] = stamp_ns
            else:
                stretches.append([stamp_ns, stamp_ns])

    def swap(self) -> None:
        """Set another model, as an operator would."""
        name = self._rng.choice(_NAMES)
        path = str(self._rng.choice(self._paths[name]))
        accepted, why = self._watcher.set_parameter(f'/{name}_classifier', 'model', path)
        assert accepted, why
        self.figures.swaps += 1

    def count(self) -> None:
        """Count what was decided, dropped and lost."""
        for name in _NAMES:
            spec = read_bundle_info(self._paths[name][0]).window
            values = self._watcher.wait_for_status(
                f'/{name}_classifier', lambda s: s[2].get(health.PENDING) == '0'
            )[2]
            self.figures.dropped += int(values[health.QUEUE_DROPS])
            self.figures.failures += int(values[health.FAILURES])
            self.figures.decisions += len(self._ends[name])
            for first_ns, last_ns in self._sent[name]:
                ends = range(spec.first_end(first_ns), last_ns - spec.margin_ns + 1, spec.hop_ns)
                self.figures.lost += sum(end not in self._ends[name] for end in ends)


def soak_real(minutes: float, seed: int = 0) -> Figures:
    """Run ``perception`` in a graph of its own for so long."""
    from test.live.graph import running, watching

    with (
        tempfile.TemporaryDirectory() as folder,
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as watcher,
    ):
        given: dict[str, object] = {'diagnostics_period': 1.0}
        paths: dict[str, list[Path]] = {}
        for name, make in (('imu', make_imu_bundle), ('camera', make_camera_bundle)):
            paths[name] = [
                make(Path(folder) / f'{name}{k}', labels, seed=k)
                for k, labels in enumerate(_LABELS)
            ]
            said = {'modality': name, 'topic': f'/{name}', 'model': str(paths[name][0])}
            given |= {f'sensors.{name}.{key}': value for key, value in said.items()}
            given[f'sensors.{name}.device'] = 'cpu'
        with running(Path(folder), 'perception', given) as process:
            run = RealRun(watcher, paths, seed)
            for name in _NAMES:
                run.connect(name)
            began = next_look = next_swap = time.monotonic()
            ends = began + 60 * minutes
            while (now := time.monotonic()) < ends and process.running and not interruption.came:
                run.go_on()
                if now >= next_swap:
                    run.swap()
                    next_swap = now + 5
                if now >= next_look:
                    run.figures.samples.append(look_at(process.pid, began))
                    next_look = now + 5
                time.sleep(0.005)
            run.figures.lasted_s = time.monotonic() - began
            assert process.running, process.log
            run.count()
            assert process.end() == 0, process.log
            run.figures.failures += process.log.count('Traceback')
    return run.figures


def main() -> int:
    """Run, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument('--simulated', type=float, metavar='HOURS')
    how.add_argument('--real', type=float, metavar='MINUTES')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path, help='write all figures there')
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, interruption.end)
    if arguments.simulated is not None:
        figures = soak_simulated(arguments.simulated, arguments.seed)
    else:
        figures = soak_real(arguments.real, arguments.seed)
    content = asdict(figures)
    samples = content.pop('samples')
    console = Console()
    for name, value in content.items():
        console.print(f'{name}: {value}')
    if samples:
        for what in ('memory_mib', 'handles', 'threads'):
            values = [each[what] for each in samples]
            shown = [values[len(values) * k // 4 if k < 4 else -1] for k in range(5)]
            console.print(f'{what}, in quarters: {shown}')
    complaints = list(figures.complaints())
    for each in complaints:
        console.print(f'[red]{each}[/red]')
    if arguments.json:
        arguments.json.write_text(json.dumps({**content, 'samples': samples}))
    return int(bool(complaints))


if __name__ == '__main__':
    sys.exit(main())

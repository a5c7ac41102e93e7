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

"""The sensors of a robot, and a process that hears them: what it costs, and how late labels are.

The sensors are a process of their own: an IMU at 200 Hz, a camera of 640x480 bgr8 at 30 Hz and a
microphone at 16 kHz in chunks of 20 ms, each in a thread, stamped when measured. It listens to the
labels of each and notes how long after the end of their window they come, and how long after it
the first sample did. In other roles this is a node that hears the same and does nothing with it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.side_by_side import (
    be,
    draining,
    ros_node,
    serve,
    SHIPPED_PROFILE,
    spinning,
    with_profile,
)
from xmodal_ros.ros.isolation import isolated, reserved_domain

SCRIPT: Final = __file__
SENSORS: Final = ('imu', 'camera', 'audio')
_RATES_HZ: Final = {'imu': 200.0, 'camera': 30.0, 'audio': 50.0}
# One sample more in so many seconds: ends of windows meet all phases between two samples, instead
# of one that a whole run has by chance.
BEAT_S: Final = 30.0
PLAIN: Final = 'hears, and does nothing'
_PATIENCE_S: Final = 120.0
_HOP_NS: Final = 500_000_000
_TICK_S: Final = 1 / os.sysconf('SC_CLK_TCK')


@dataclass(frozen=True)
class Spent:
    """What a process has used so far: CPU time, memory, and how often each thread woke up."""

    cpu_s: float
    memory_mb: float
    wakeups: Mapping[int, int]

    def wakeups_since(self, before: 'Spent') -> int:
        """Count wake-ups of the threads that are there; of one whose number is new, all."""
        return sum(
            max(0, count - before.wakeups.get(thread, 0)) for thread, count in self.wakeups.items()
        )


def spent(pid: int) -> Spent:
    """Look at a running process."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    memory_mb = int(_status(Path(f'/proc/{pid}'))['VmRSS'].split()[0]) / 1024
    wakeups = {}
    for each in Path(f'/proc/{pid}/task').iterdir():
        # It may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            wakeups[int(each.name)] = int(_status(each)['voluntary_ctxt_switches'])
    return Spent((int(fields[11]) + int(fields[12])) * _TICK_S, memory_mb, wakeups)


def _status(of: Path) -> dict[str, str]:
    return dict(line.split(':', 1) for line in (of / 'status').read_text().splitlines())


@dataclass(frozen=True)
class Heard:
    """Labels of one sensor: how long after the end of its window each came, in ms.

    ``waits_ms`` is how long after it the first sample came, by which it is known to be over.
    """

    delays_ms: Sequence[float]
    waits_ms: Sequence[float]


@contextmanager
def node(
    command: Sequence[str], environment: Mapping[str, str], active: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a process until the block ends, from when it has said ``active``."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if active in line:
                break
        else:
            raise RuntimeError(f'{command} ended before it was active: {"".join(said[-5:])}')
        # Else it would wait for somebody to read what it says.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def robot_environment() -> Iterator[dict[str, str]]:
    """Give the environment of processes that hear each other and nobody else."""
    with reserved_domain() as domain:
        yield {**with_profile(isolated(os.environ, domain), None), 'OMP_WAIT_POLICY': 'PASSIVE'}


@contextmanager
def sensors(environment: Mapping[str, str]) -> Iterator[Callable[[float], dict[str, Heard]]]:
    """Run the sensors; gives what lets time pass and tells of each sensor's labels in it."""
    process = subprocess.Popen(
        [sys.executable, __file__, '--role', 'sensors'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # As launch files start a camera.
        env=with_profile(environment, SHIPPED_PROFILE),
        text=True,
        process_group=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def listen(seconds: float) -> dict[str, Heard]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({'seconds': seconds}) + '\n')
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f'the sensors ended with {process.wait()}')
        return {name: Heard(**found) for name, found in json.loads(line).items()}

    try:
        yield listen
    finally:
        process.stdin.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def percentile(values: Sequence[float], share: float) -> float:
    """Give a quantile; NaN of nothing."""
    return float(np.quantile(values, share)) if values else float('nan')


class Delays:
    """When samples of one sensor were published, and its labels came, in ns."""

    def __init__(self) -> None:
        self.published_ns: list[int] = []
        self._labels: list[tuple[int, int]] = []

    def hear(self, end_ns: int, now_ns: int) -> None:
        """Take the label of the window that ends at ``end_ns``."""
        self._labels.append((end_ns, now_ns))

    def take(self) -> Heard:
        """Tell of the labels since this was asked before."""
        labels, self._labels = self._labels, []
        published = self.published_ns[:]
        # A label comes after the sample that made it due, so there always is one.
        first = [published[bisect_left(published, end_ns)] for end_ns, _ in labels]
        return Heard(
            [(now_ns - end_ns) / 1e6 for end_ns, now_ns in labels],
            [(at_ns - end_ns) / 1e6 for (end_ns, _), at_ns in zip(labels, first, strict=True)],
        )


def _publish(node: Any, sensor: str, published_ns: list[int], stopped: threading.Event) -> None:
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    from xmodal_ros.modalities.audio.messages import audio_message
    from xmodal_ros.modalities.camera.messages import image_message
    from xmodal_ros.modalities.imu.messages import imu_sample_message
    from xmodal_ros.modalities.registry import find_modality
    from xmodal_ros.ros.messages import message_class

    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (480, 640, 3), np.uint8).tobytes()
    sound = (0.1 * rng.normal(size=320)).astype('<f4').tobytes()
    motion = rng.normal(0, 3, 6)
    make: dict[str, Callable[[int], bytes]] = {
        'imu': lambda stamp: imu_sample_message(stamp, 'imu', motion),
        'camera': lambda stamp: image_message(stamp, 'camera', 480, 640, 'bgr8', picture),
        # It began as long ago as it lasts.
        'audio': lambda stamp: audio_message(stamp - 20_000_000, 'mic', sound),
    }
    profile = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)
    message = message_class(find_modality(sensor).message_types[0])
    publisher = node.create_publisher(message, sensor, profile)
    rate_hz = _RATES_HZ[sensor] + 1 / BEAT_S
    begun, number = time.monotonic(), 0
    while not stopped.is_set():
        number += 1
        rest_s = begun + number / rate_hz - time.monotonic()
        if rest_s > 0:
            time.sleep(rest_s)
        now_ns = time.time_ns()
        published_ns.append(now_ns)
        publisher.publish(make[sensor](now_ns))


def hear_plainly(*, raw: bool) -> None:
    """Hear the sensors as the classifiers do, in one process, until killed."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    from xmodal_ros.modalities.registry import find_modality
    from xmodal_ros.ros.messages import message_class

    with ros_node('plain') as own:
        for sensor in SENSORS:
            modality = find_modality(sensor)
            own.create_subscription(
                message_class(modality.message_types[0]),
                sensor,
                lambda _: None,
                QoSProfile(depth=modality.intake.depth, reliability=ReliabilityPolicy.RELIABLE),
                raw=raw,
            )
        with spinning(own):
            print(PLAIN, file=sys.stderr, flush=True)
            threading.Event().wait()


def take_and_drop() -> None:
    """Take the sensors' bytes as the classifiers do at a hop of 0.5 s, until killed."""
    from xmodal_ros.modalities.registry import find_modality
    from xmodal_ros.ros.topic_reader import TopicReader

    with ros_node('taken') as own, ExitStack() as taken:
        for sensor in SENSORS:
            modality = find_modality(sensor)
            depth = modality.intake.depth
            reader = TopicReader(own, sensor, modality.message_types, depth=depth)
            taken.enter_context(
                draining(reader, lambda _: None, lambda newest_ns: _HOP_NS - newest_ns % _HOP_NS)
            )
        print(PLAIN, file=sys.stderr, flush=True)
        threading.Event().wait()


def be_sensors() -> None:
    """Be the sensors until the parent wants no more."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from vision_msgs.msg import Classification

    stopped = threading.Event()
    delays = {name: Delays() for name in SENSORS}

    def hear(sensor: str, message: Any) -> None:
        now_ns, stamp = time.time_ns(), message.header.stamp
        delays[sensor].hear(stamp.sec * 10**9 + stamp.nanosec, now_ns)

    with ros_node('sensors') as own:
        profile = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        for sensor in SENSORS:
            own.create_subscription(
                Classification,
                f'{sensor}_classifier/activity',
                partial(hear, sensor),
                profile,
            )
        threads = [
            threading.Thread(
                target=_publish, args=(own, sensor, delays[sensor].published_ns, stopped)
            )
            for sensor in SENSORS
        ]

        def listen(request: dict[str, Any]) -> dict[str, Any]:
            for each in delays.values():
                each.take()
            time.sleep(request['seconds'])
            return {name: asdict(each.take()) for name, each in delays.items()}

        with spinning(own):
            for thread in threads:
                thread.start()
            serve(listen)
            stopped.set()
            for thread in threads:
                thread.join()


if __name__ == '__main__':
    be(
        {
            'sensors': be_sensors,
            'plain': partial(hear_plainly, raw=False),
            'raw': partial(hear_plainly, raw=True),
            'taken': take_and_drop,
        }
    )

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

Run as a program it is the sensors: an IMU at 200 Hz, a camera of 640x480 bgr8 at 30 Hz and a
microphone at 16 kHz in chunks of 20 ms, each in a thread, stamped when measured. It listens to the
labels of each and notes how long after the end of their window they come.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    ros_node,
    serve,
    SHIPPED_PROFILE,
    spinning,
    with_profile,
)
from xmodal_ros.ros.isolation import isolated, reserved_domain

SENSORS: Final = ('imu', 'camera', 'audio')
_RATES_HZ: Final = {'imu': 200.0, 'camera': 30.0, 'audio': 50.0}
_PATIENCE_S: Final = 120.0
_TICK_S: Final = 1 / os.sysconf('SC_CLK_TCK')


@dataclass(frozen=True)
class Spent:
    """What a process has used so far: CPU time, and the memory that is its own."""

    cpu_s: float
    memory_mb: float


def spent(pid: int) -> Spent:
    """Look at a running process."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    sizes = dict(
        line.split(':', 1) for line in Path(f'/proc/{pid}/status').read_text().splitlines()
    )
    memory_mb = int(sizes['VmRSS'].split()[0]) / 1024
    return Spent((int(fields[11]) + int(fields[12])) * _TICK_S, memory_mb)


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
def sensors(environment: Mapping[str, str]) -> Iterator[Callable[[float], dict[str, list[float]]]]:
    """Run the sensors; gives what lets time pass and gives each label's delay in ms."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # As launch files start a camera.
        env=with_profile(environment, SHIPPED_PROFILE),
        text=True,
        process_group=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def listen(seconds: float) -> dict[str, list[float]]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({'seconds': seconds}) + '\n')
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f'the sensors ended with {process.wait()}')
        delays: dict[str, list[float]] = json.loads(line)
        return delays

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


class _Delays:
    """How long after the end of its window each label came, in ms."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = {name: [] for name in SENSORS}

    def hear(self, sensor: str, message: Any) -> None:
        stamp = message.header.stamp
        delay_ns = time.time_ns() - (stamp.sec * 10**9 + stamp.nanosec)
        self.of[sensor].append(delay_ns / 1e6)

    def since(self, counts: Mapping[str, int]) -> dict[str, list[float]]:
        return {name: values[counts[name] :] for name, values in self.of.items()}

    def counts(self) -> dict[str, int]:
        return {name: len(values) for name, values in self.of.items()}


def _publish(node: Any, sensor: str, stopped: threading.Event) -> None:
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
    begun, number = time.monotonic(), 0
    while not stopped.is_set():
        number += 1
        rest_s = begun + number / _RATES_HZ[sensor] - time.monotonic()
        if rest_s > 0:
            time.sleep(rest_s)
        publisher.publish(make[sensor](time.time_ns()))


def main() -> None:
    """Be the sensors until the parent wants no more."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from vision_msgs.msg import Classification

    delays, stopped = _Delays(), threading.Event()
    with ros_node('sensors') as own:
        profile = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        for sensor in SENSORS:
            own.create_subscription(
                Classification,
                f'{sensor}_classifier/activity',
                lambda message, sensor=sensor: delays.hear(sensor, message),
                profile,
            )
        threads = [
            threading.Thread(target=_publish, args=(own, sensor, stopped)) for sensor in SENSORS
        ]

        def listen(request: dict[str, Any]) -> dict[str, Any]:
            counts = delays.counts()
            time.sleep(request['seconds'])
            return delays.since(counts)

        with spinning(own):
            for thread in threads:
                thread.start()
            serve(listen)
            stopped.set()
            for thread in threads:
                thread.join()


if __name__ == '__main__':
    main()

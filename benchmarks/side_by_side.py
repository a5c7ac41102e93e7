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

"""Processes for the sides of a comparison, and a node of plain rclpy to compare with.

What the benchmarks of the intake share.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
from contextlib import contextmanager
import json
from pathlib import Path
import statistics
import subprocess
import sys
import threading
import time
from typing import Any, TYPE_CHECKING

from xmodal_ros.child_process import end_with_parent
from xmodal_ros.runtime.drain import DrainThread, Pauses, RESERVE

if TYPE_CHECKING:
    # The process that compares needs no ROS; its children do.
    from rclpy.node import Node

    from xmodal_ros.ros.topic_reader import TopicReader
    from xmodal_ros.runtime.pipeline import Received

Answer = dict[str, Any]
# Variables by which a user may have set up Fast DDS.
PROFILES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
SHIPPED_PROFILE = Path(__file__).parents[1] / 'config' / 'fastdds.xml'
_END_S = 10.0
_STALL_S = 1.0
_POLL_S = 0.02


class Child:
    """A process that answers one request at a time, in lines of JSON on stdin and stdout.

    It is the same script, started with ``--role``.
    """

    def __init__(self, script: str, role: str, environment: Mapping[str, str]) -> None:
        self.role = role
        self._process = subprocess.Popen(
            [sys.executable, script, '--role', role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
            # An interrupt from the keyboard is for the parent, which ends its children in order.
            process_group=0,
        )

    def ask(self, **request: Any) -> Answer:
        """Send a request and wait for the answer; raises RuntimeError where it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ''
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + '\n')
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'{self.role} ended with {self._process.wait(_END_S)}')
        answer: Answer = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end; raises RuntimeError where it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process.stdout.close()
        if code:
            raise RuntimeError(f'{self.role} ended with {code}')


@contextmanager
def children(
    script: str, environments: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Child]]:
    """Run a child for every role in its environment while the block lasts."""
    with contextlib.ExitStack() as started:
        by_role = {}
        for role, environment in environments.items():
            by_role[role] = child = Child(script, role, environment)
            started.callback(child.close)
        yield by_role


def be(roles: Mapping[str, Callable[[], None]]) -> None:
    """Be the child that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--role', choices=roles, required=True)
    roles[parser.parse_args().role]()


def serve(answer: Callable[[Answer], Answer]) -> None:
    """Answer the requests of the process that started this one until it wants no more."""
    end_with_parent()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + '\n')
        sys.stdout.flush()


def with_profile(environment: Mapping[str, str], profile: Path | None) -> dict[str, str]:
    """Give a copy of the environment with this profile of Fast DDS alone; None: its defaults."""
    chosen = {name: value for name, value in environment.items() if name not in PROFILES}
    if profile is not None:
        chosen[PROFILES[0]] = str(profile)
    return chosen


def wait_until_received(report: Callable[[], Answer], count: int) -> Answer:
    """Ask for reports until ``count`` messages are received or no more come; give the last."""
    answer = report()
    since = time.monotonic()
    while answer['received'] < count and time.monotonic() - since < _STALL_S:
        time.sleep(_POLL_S)
        newer = report()
        if newer['received'] != answer['received']:
            since = time.monotonic()
        answer = newer
    return answer


@contextmanager
def ros_node(name: str) -> Iterator['Node']:
    """Give a node in this process, and shut ROS down afterwards."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name, enable_rosout=False, start_parameter_services=False)
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


@contextmanager
def spinning(node: 'Node') -> Iterator[None]:
    """Execute a node's callbacks as most do, on a SingleThreadedExecutor."""
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, name='executor')
    thread.start()
    try:
        yield
    finally:
        executor.shutdown()
        thread.join()


@contextmanager
def draining(
    source: 'TopicReader',
    push: Callable[['Received'], None],
    remaining_ns: Callable[[int], int | None],
) -> Iterator[None]:
    """Take messages when a classifier would, in a thread of its own.

    ``remaining_ns`` is given when the newest one was received, and gives how long after it a
    window can be due, None where nobody knows.
    """
    newest_ns = 0

    def take() -> int:
        nonlocal newest_ns
        messages = source.take()
        for received in messages:
            push(received)
            newest_ns = received.received_ns
        return len(messages)

    def remaining_s() -> float | None:
        remaining = remaining_ns(newest_ns)
        return None if remaining is None else (remaining - (time.time_ns() - newest_ns)) / 1e9

    thread = DrainThread(
        'intake',
        Pauses(source.depth // RESERVE),
        take=take,
        remaining_s=remaining_s,
        wait=source.wait,
        wake=source.wake,
    )
    try:
        yield
    finally:
        thread.stop()


def wait_for_subscriber(publisher: Any) -> None:
    """Wait until somebody listens; raises RuntimeError where nobody does."""
    deadline = time.monotonic() + 10 * _END_S
    while not publisher.get_subscription_count():
        if time.monotonic() > deadline:
            raise RuntimeError(f'nobody listens on {publisher.topic_name}')
        time.sleep(_POLL_S)


def publish_at(rate_hz: float, count: int, publish: Callable[[], None]) -> float:
    """Publish so many messages at a rate; gives the rate that it came to."""
    start = time.monotonic()
    for number in range(count):
        due_s = start + number / rate_hz - time.monotonic()
        if due_s > 0:
            time.sleep(due_s)
        publish()
    return (count - 1) / max(1e-9, time.monotonic() - start)


def median(values: Sequence[float]) -> float:
    """The median; NaN of nothing."""
    return statistics.median(values) if values else float('nan')

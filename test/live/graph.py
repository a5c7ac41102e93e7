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

"""A real ROS graph for tests: nodes as processes of their own, and one in here that watches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
from contextlib import contextmanager
import json
import os
from pathlib import Path
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter
from rcl_interfaces.srv import (
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
import rclpy.parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Classification

from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.ros.messages import reporting_node, to_nanoseconds

RELIABLE = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
KEEP_ALL = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# Requests that may be made twice. An answer is lost where the server has not discovered yet who
# asked, though who asked has discovered the server; then it does not come however long one waits.
_REPEATABLE = (GetParameters, GetState, ListParameters, SetParameters, SetParametersAtomically)
_AGAIN_S = 5.0

Status = tuple[bytes, str, dict[str, str]]


class Watcher:
    """A node that hears diagnostics and labels, publishes bytes and calls services."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.changed = threading.Condition()
        self.statuses: dict[str, list[Status]] = {}
        self.reported_at_ns = 0
        self.labels: list[Classification] = []
        self.heard: list[tuple[str, Any]] = []
        # When each of those came, on the steady clock.
        self.heard_s: list[float] = []
        self._clients: dict[tuple[Any, str, str], Any] = {}
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, RELIABLE)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        with self.changed:
            if self.changed.wait_for(condition, PATIENCE_S):
                return
            newest = {name: reports[-1:] for name, reports in self.statuses.items()}
        # Whoever is deaf himself should not blame those who speak.
        raise AssertionError(f'{what}; newest: {newest}; a watcher made now hears {_speakers()}')

    def poll_for(self, condition: Callable[[], bool], what: str) -> None:
        """For conditions of which no message tells."""
        poll_for(condition, what)

    def wait_for_subscriber(self, publisher: Any) -> None:
        """Wait until a publisher of this node is heard: what it says before is lost.

        That the other side has found the publisher does not mean that it has been found in turn.
        """
        self.poll_for(
            lambda: publisher.get_subscription_count() > 0,
            f'nobody listens to {publisher.topic_name}',
        )

    def hear(self, msgtype: Any, topic: str, profile: QoSProfile = RELIABLE) -> Any:
        """Keep what comes on a topic in ``heard``; gives the subscription."""

        def keep(message: Any) -> None:
            with self.changed:
                self.heard_s.append(time.monotonic())
                self._keep(self.heard, (topic, message))

        return self.node.create_subscription(msgtype, topic, keep, profile)

    def hear_labels(self, node_name: str) -> Any:
        return self.node.create_subscription(
            Classification,
            f'{node_name}/activity',
            lambda message: self._keep(self.labels, message),
            RELIABLE,
        )

    def status(self, node_name: str) -> Status:
        return self.statuses.get(node_name, [(b'', '', {})])[-1]

    def forget_statuses(self, node_name: str) -> None:
        """Forget what a node has reported, before something that it may report but once."""
        with self.changed:
            self.statuses.pop(node_name, None)

    def wait_for_status(
        self, node_name: str, condition: Callable[[Status], bool], *, anew: bool = True
    ) -> Status:
        """Wait for a report that is made from now on, or since others were forgotten."""
        if anew:
            self.forget_statuses(node_name)
        found: list[Status] = []

        def holds() -> bool:
            found[:] = [each for each in self.statuses.get(node_name, []) if condition(each)]
            return bool(found)

        self.wait_for(holds, f'no such status of {node_name}')
        return found[0]

    def tell_time(self, publisher: Any, message: Any, time_ns: int) -> None:
        """Publish a time until a report is made at it: one message alone may be lost."""

        def told() -> bool:
            publisher.publish(message)
            return self.reported_at_ns == time_ns

        self.poll_for(told, f'no report at {time_ns}')

    def call(self, kind: Any, name: str, request: Any) -> Any:
        if kind in _REPEATABLE:
            return self._ask(self._client(kind, name), request, _AGAIN_S)
        client = self._client(kind, name)
        # Clients are discovered in the order in which they were made: a server that answers this
        # one, made after that one, has discovered that one too.
        probe = self._client(GetParameters, f'{name.rpartition("/")[0]}/get_parameters', name)
        self._ask(probe, GetParameters.Request(), _AGAIN_S)
        return self._ask(client, request, PATIENCE_S)

    def state(self, node_name: str) -> str:
        response = self.call(GetState, f'{node_name}/get_state', GetState.Request())
        return str(response.current_state.label)

    def change(self, node_name: str, transition: int | str) -> bool:
        request = ChangeState.Request()
        if isinstance(transition, int):
            request.transition.id = transition
        else:
            request.transition.label = transition
        return bool(self.call(ChangeState, f'{node_name}/change_state', request).success)

    def set_parameter(self, node_name: str, name: str, value: Any) -> tuple[bool, str]:
        parameter = rclpy.Parameter(name, value=value).to_parameter_msg()
        assert isinstance(parameter, Parameter)
        request = SetParameters.Request(parameters=[parameter])
        result = self.call(SetParameters, f'{node_name}/set_parameters', request).results[0]
        return bool(result.successful), str(result.reason)

    def get_parameter(self, node_name: str, name: str) -> Any:
        request = GetParameters.Request(names=[name])
        values = self.call(GetParameters, f'{node_name}/get_parameters', request).values
        return rclpy.parameter.parameter_value_to_python(values[0])

    @contextmanager
    def publisher(self, msgtype: Any, topic: str, profile: QoSProfile = RELIABLE) -> Iterator[Any]:
        publisher = self.node.create_publisher(msgtype, topic, profile)
        try:
            yield publisher
        finally:
            self.node.destroy_publisher(publisher)

    def _ask(self, client: Any, request: Any, again_s: float) -> Any:
        """Ask for an answer, and again when there is none after ``again_s``."""
        assert client.wait_for_service(PATIENCE_S), f'no service {client.srv_name}'
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            client.call_async(request).add_done_callback(answers.put)
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=again_s).result()
        raise AssertionError(f'no answer from {client.srv_name}')

    def _client(self, kind: Any, name: str, purpose: str = '') -> Any:
        """Give the client for a service, and for a purpose one of its own."""
        key = (kind, name, purpose)
        if key not in self._clients:
            self._clients[key] = self.node.create_client(kind, name)
        return self._clients[key]

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        with self.changed:
            self.reported_at_ns = to_nanoseconds(message.header.stamp)
            for status in message.status:
                values = {item.key: item.value for item in status.values}
                report = (status.level, status.message, values)
                self.statuses.setdefault(reporting_node(status), []).append(report)
            self.changed.notify_all()

    def _keep(self, where: list[Any], what: Any) -> None:
        with self.changed:
            where.append(what)
            self.changed.notify_all()


@contextmanager
def watching() -> Iterator[Watcher]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node('watcher', context=context, enable_rosout=False)
    watcher = Watcher(node)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        try:
            while context.ok():
                executor.spin_once()
        except ExternalShutdownException:
            return
        except rclpy_implementation.RCLError:
            # It was shut down while a wait began.
            if context.ok():
                raise

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        context.try_shutdown()
        thread.join()
        executor.shutdown()
        node.destroy_node()


def _speakers() -> list[str]:
    """Give the nodes that report to a watcher who comes now."""
    with watching() as another:
        time.sleep(5)
        return sorted(another.statuses)


class NodeProcess:
    """A node of ours as ``ros2 run`` would start it."""

    def __init__(self, process: 'subprocess.Popen[bytes]', log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(encoding='utf-8', errors='replace')

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and give the exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself and give the exit code; fails with where it hangs."""
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'the node does not end: {self.last_words()}') from None

    def last_words(self) -> str:
        """End it if it runs, and give its log, then with where each of its threads was."""
        if self.running:
            # Python's fault handler writes it.
            self._process.send_signal(signal.SIGABRT)
            self._process.wait(PATIENCE_S)
        return self.log

    def kill(self) -> None:
        if self.running:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    folder: Path,
    name: str,
    settings: Mapping[str, object],
    *,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    package: str = 'xmodal_ros.nodes',
) -> Iterator[NodeProcess]:
    """Run the node ``name``, a module of ``package``, with these parameters in the block."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = folder / f'{name}.yaml'
    parameters.write_text(json.dumps({'/**': {'ros__parameters': dict(settings)}}))
    log = folder / f'{name}.log'
    with log.open('wb') as output:
        process = subprocess.Popen(
            [
                *(sys.executable, '-m', f'{package}.{name}'),
                *('--ros-args', '--params-file', str(parameters), *arguments),
            ],
            cwd=Path(__file__).parents[2],
            env={
                **os.environ,
                'ROS_LOG_DIR': str(folder / 'log'),
                'PYTHONFAULTHANDLER': '1',
                **(environment or {}),
            },
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    node = NodeProcess(process, log)
    try:
        yield node
    except AssertionError as error:
        error.add_note(f'{name} said:\n{node.last_words()}')
        raise
    finally:
        node.kill()


def is_active(status: Status) -> bool:
    return status[2].get('state') == 'active'


def is_error(status: Status) -> bool:
    return bool(status[0] == DiagnosticStatus.ERROR)

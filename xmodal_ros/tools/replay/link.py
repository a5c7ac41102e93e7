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

"""The replaying process's end of the graph: publishes the input, hears labels and diagnostics."""

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
import threading
import time
from types import TracebackType
from typing import Any, Self

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Classification

from xmodal_ros.ros import messages, qos
from xmodal_ros.ros.isolation import isolated_process
from xmodal_ros.runtime import health


@dataclass(frozen=True)
class ReceivedLabel:
    """One published decision, and when it came on the steady clock."""

    stamp_ns: int
    frame_id: str
    scores: tuple[tuple[str, float], ...]
    at_ns: int


@dataclass(frozen=True)
class Status:
    """What the node's newest diagnostics say; zeros before the first."""

    state: str = ''
    failed: bool = False
    message: str = ''
    inputs: int = 0
    outputs: int = 0
    received: int = 0
    windows: int = 0
    pending: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)


class ReplayLink:
    """A node in a context of its own, spun in a thread while the block lasts.

    ``arrived`` holds the labels not yet fetched, ``labels`` counts all of them.
    """

    def __init__(self, domain: int, node_name: str, topic: str, msgtype: str) -> None:
        self._domain = domain
        self._node_name = node_name
        self._topic = topic
        self._message_class = messages.message_class(msgtype)
        self._changed = threading.Condition()
        self._stack = ExitStack()
        self._publisher: Any = None
        self.status = Status()
        self.arrived: deque[ReceivedLabel] = deque()
        self.labels = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            context = Context()
            with isolated_process(self._domain):
                rclpy.init(
                    args=['--ros-args', '--disable-external-lib-logs'],
                    context=context,
                    domain_id=self._domain,
                    signal_handler_options=SignalHandlerOptions.NO,
                )
                stack.callback(context.try_shutdown)
                node = Node(
                    'replay',
                    context=context,
                    use_global_arguments=False,
                    start_parameter_services=False,
                    enable_rosout=False,
                )
            stack.callback(node.destroy_node)
            profile = qos.subscription_profile((), qos.QosOverrides())
            self._publisher = node.create_publisher(self._message_class, self._topic, profile)
            node.create_subscription(
                Classification, f'{self._node_name}/activity', self._on_label, profile
            )
            node.create_subscription(
                DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.RELIABLE
            )
            executor = SingleThreadedExecutor(context=context)
            executor.add_node(node)
            thread = threading.Thread(
                target=self._spin, args=(executor, context), name='replay', daemon=True
            )
            thread.start()
            # Shutting the context down is what ends the spinning.
            stack.callback(executor.shutdown)
            stack.callback(thread.join)
            stack.callback(context.try_shutdown)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def matched(self) -> bool:
        """Whether the node's subscription is known here."""
        return bool(self._publisher.get_subscription_count() > 0)

    @property
    def progress(self) -> tuple[object, ...]:
        """Something that changes whenever the node gets anywhere."""
        status = self.status
        return self.labels, status.state, status.inputs, status.received, status.windows

    def publish(self, data: bytes) -> None:
        """Send one serialized message."""
        self._publisher.publish(data)

    def wait(self, condition: Callable[[Status], bool], timeout_s: float) -> bool:
        """Wait until the condition holds, looked at whenever anything arrives."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.status), timeout_s)

    def _spin(self, executor: SingleThreadedExecutor, context: Context) -> None:
        try:
            while context.ok():
                executor.spin_once()
        except ExternalShutdownException:
            return

    def _on_label(self, message: Classification) -> None:
        arrived = ReceivedLabel(
            messages.to_nanoseconds(message.header.stamp),
            message.header.frame_id,
            tuple((result.class_id, result.score) for result in message.results),
            time.monotonic_ns(),
        )
        with self._changed:
            self.arrived.append(arrived)
            self.labels += 1
            self._changed.notify_all()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if messages.reporting_node(status) == self._node_name:
                with self._changed:
                    self.status = read_status(status)
                    self._changed.notify_all()


def read_status(status: DiagnosticStatus) -> Status:
    """Read back what a classifier's diagnostics say."""
    values = {item.key: item.value for item in status.values}

    def count(key: str) -> int:
        return int(values.get(key, 0))

    drops = {key: int(value) for key, value in values.items() if key.startswith(health.DROPPED)}
    for key in (health.QUEUE_DROPS, health.FAILURES):
        if count(key):
            drops[key] = count(key)
    return Status(
        state=values.get(health.STATE, ''),
        failed=status.level == DiagnosticStatus.ERROR,
        message=status.message,
        inputs=count(health.INPUTS),
        outputs=count(health.OUTPUTS),
        received=count(health.RECEIVED),
        windows=count(health.WINDOWS),
        pending=count(health.PENDING),
        drops=drops,
    )

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

"""Nodes that say how they are: diagnostics at a steady pace, whatever ROS time does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
import math
import time
from typing import Any, ClassVar, Final

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration

from xmodal_ros.parameter import Parameter
from xmodal_ros.ros import messages, parameters, qos
from xmodal_ros.ros.lifecycle import guarded, ManagedNode
from xmodal_ros.runtime.health import Report
from xmodal_ros.runtime.time_jumps import TimeJumps

# How often publishers are looked at, at least.
_FOLLOW_PERIOD_S: Final = 0.5
_STEADY_S: Final = 3.0
# Simulators and players step back by whole runs; a clock's jitter is far below this.
_JUMP_BACK: Final = Duration(nanoseconds=-100_000_000)


class ReportingNode(ManagedNode, ABC):
    """A managed node with diagnostics; ``hardware`` says what kind of thing it is.

    Subclasses override :meth:`report` beside the transitions. :meth:`work_between` is called
    between reports, every ``between_s`` seconds or sooner, by the same timer: for an executor to
    wake costs more than what is done then.
    """

    between_s: ClassVar[float] = math.inf

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, table, **options)
        self._hardware = hardware
        self._warned_of, self._warned_at = '', 0.0
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        period_s = parameters.number(self, 'diagnostics_period')
        self._parts = max(1, math.ceil(period_s / self.between_s))
        self._part = 0
        self._timer = self.create_timer(period_s / self._parts, self._work, clock=self._steady)

    def begin_period(self) -> None:
        """Begin to wait for the next report now, at once with the other nodes of a process."""
        self._timer.reset()

    @abstractmethod
    def report(self) -> Report:
        """Say how it is doing."""

    def full_report(self) -> Report:
        """Say how it is doing, and what is wrong around it."""
        return self.report()

    def publish_report(self) -> None:
        """Say it now. In the executor's thread."""
        stamp = self.get_clock().now().to_msg()
        name, report = self.get_fully_qualified_name(), self.full_report()
        self._diagnostics.publish(messages.diagnostics(stamp, name, self._hardware, report))
        self._log_change(report)

    def warn(self, words: str) -> None:
        """Log what is wrong, unless that was the last thing said; '' when it is over."""
        if words and words != self._warned_of:
            self._warned_at = time.monotonic()
            self.get_logger().warning(words)
        self._warned_of = words

    def _log_change(self, report: Report) -> None:
        """Log when things begin to go wrong and when they are well again, for who reads no more.

        What comes and goes every second is told once in a while: diagnostics have all of it.
        """
        if report.level == 'ok':
            if self._warned_of and time.monotonic() - self._warned_at > _STEADY_S:
                self._warned_of = ''
                self.get_logger().info(f'well again: {report.message}')
        elif not (self._warned_of or self.problem or report.known):
            self.warn(report.message)

    def work_between(self) -> None:
        """Do what is to be done between reports."""

    @guarded
    def _work(self) -> None:
        self._part = (self._part + 1) % self._parts
        if self._part:
            self.work_between()
        else:
            self.work()

    def work(self) -> None:
        """Report, once a period."""
        self.publish_report()


class ListeningNode(ReportingNode):
    """A node that listens to others, follows what they offer, and starts anew with time."""

    between_s = _FOLLOW_PERIOD_S

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, hardware, table, **options)
        self._time_jumps = TimeJumps(time.monotonic_ns)
        self._jump_handle = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=_JUMP_BACK, on_clock_change=False),
            post_callback=self._jumped,
        )

    @abstractmethod
    def look_at_graph(self) -> bool:
        """Adapt to the publishers there are; True when that changes what is wrong."""

    @abstractmethod
    def time_jumped(self) -> None:
        """Start anew: what has come belongs to the time before the jump."""

    def work(self) -> None:
        """Follow the graph, and report."""
        self.look_at_graph()
        self.publish_report()

    def work_between(self) -> None:
        """Report at once when the graph changes what fits."""
        if self.look_at_graph():
            self.publish_report()

    def full_report(self) -> Report:
        """Say how it is doing, and that several tell it the time."""
        report = self.report()
        infos = self.get_publishers_info_by_topic('/clock')
        trouble = self._time_jumps.trouble(sorted(qos.node_name(info) for info in infos))
        if not trouble or report.level == 'error':
            return report
        words = trouble if report.level == 'ok' else f'{report.message}; {trouble}'
        return replace(report, level='warning', message=words)

    @guarded
    def _jumped(self, _jump: TimeJump) -> None:
        if self._time_jumps.begins_anew():
            self.time_jumped()

"""Nodes that say how they are: diagnostics at a steady pace, whatever ROS time does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration

from xmodal_ros.nodes import messages, parameters, qos
from xmodal_ros.nodes.lifecycle import guarded, ManagedNode
from xmodal_ros.nodes.parameters import Parameter
from xmodal_ros.runtime.health import Report

_FOLLOW_PERIOD_S: Final = 0.5
# Simulators and players step back by whole runs; a clock's jitter is far below this.
_JUMP_BACK: Final = Duration(nanoseconds=-100_000_000)


class ReportingNode(ManagedNode, ABC):
    """A managed node with diagnostics; ``hardware`` says what kind of thing it is.

    Subclasses override :meth:`report` beside the transitions.
    """

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, table, **options)
        self._hardware = hardware
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        period_s = parameters.number(self, 'diagnostics_period')
        self.create_timer(period_s, self._report, clock=self._steady)

    @abstractmethod
    def report(self) -> Report:
        """Say how it is doing."""

    def publish_report(self) -> None:
        """Say it now. In the executor's thread."""
        stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        self._diagnostics.publish(messages.diagnostics(stamp, name, self._hardware, self.report()))

    @guarded
    def _report(self) -> None:
        self.publish_report()


class ListeningNode(ReportingNode):
    """A node that listens to others, follows what they offer, and starts anew with time."""

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, hardware, table, **options)
        self.create_timer(_FOLLOW_PERIOD_S, self._follow, clock=self._steady)
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

    @guarded
    def _report(self) -> None:
        self.look_at_graph()
        self.publish_report()

    @guarded
    def _follow(self) -> None:
        """Report at once when the graph changes what fits."""
        if self.look_at_graph():
            self.publish_report()

    @guarded
    def _jumped(self, _jump: TimeJump) -> None:
        self.time_jumped()

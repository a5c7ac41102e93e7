"""What the drivers of all sensors share: diagnostics, and words for the log."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from xmodal_ros.drivers.capture import Severity
from xmodal_ros.nodes import messages, parameters, qos
from xmodal_ros.nodes.lifecycle import guarded, ManagedNode
from xmodal_ros.nodes.parameters import Parameter
from xmodal_ros.runtime.health import Report, STATE


class DriverNode(ManagedNode, ABC):
    """Publishes what a sensor gives; a thread of the driver takes it, so the executor never waits.

    Subclasses override :meth:`report` beside the transitions.
    """

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, table, **options)
        self._hardware = hardware
        self._reported_ns = time.monotonic_ns()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)
        period_s = parameters.number(self, 'diagnostics_period')
        self.create_timer(period_s, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @abstractmethod
    def report(self, elapsed_ns: int, now_ns: int) -> Report | None:
        """Say how it is doing, ``elapsed_ns`` after the last time; None when not active."""

    def advertise(self, msgtype: Any, topic: str, profile: QoSProfile) -> Any:
        """Make a publisher that works while active, with what the user wants of its quality."""
        overrides = QoSOverridingOptions.with_default_policies()
        return self.create_lifecycle_publisher(
            msgtype, topic, profile, qos_overriding_options=overrides
        )

    def say(self, severity: Severity, text: str) -> None:
        """Log something; from any thread."""
        # One statement each: rclpy refuses a statement that logs with changing severity.
        if severity == 'warning':
            self.get_logger().warning(text)
        else:
            self.get_logger().info(text)

    def now_ns(self) -> int:
        """Give the time of the node's clock in nanoseconds; from any thread."""
        return int(self.get_clock().now().nanoseconds)

    @guarded
    def _report(self) -> None:
        now_ns = time.monotonic_ns()
        report = self.report(now_ns - self._reported_ns, now_ns)
        self._reported_ns = now_ns
        if report is None:
            message = f'{self.state}: {self.problem}' if self.problem else self.state
            report = Report('error' if self.problem else 'ok', message, ((STATE, self.state),))
        name = self.get_fully_qualified_name()
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(messages.diagnostics(stamp, name, self._hardware, report))

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

"""What the drivers of all sensors share: diagnostics, and words for the log."""

from abc import abstractmethod
from collections.abc import Sequence
import time
from typing import Any

from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from xmodal_ros.drivers.capture import Severity
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros.diagnostics import ReportingNode
from xmodal_ros.runtime.health import idle_report, Report


class DriverNode(ReportingNode):
    """Publishes what a sensor gives; a thread of the driver takes it, so the executor never waits.

    Subclasses override :meth:`report_since` beside the transitions.
    """

    def __init__(
        self, name: str, hardware: str, table: Sequence[Parameter], **options: Any
    ) -> None:
        super().__init__(name, hardware, table, **options)
        self._reported_ns = time.monotonic_ns()

    @abstractmethod
    def report_since(self, elapsed_ns: int, now_ns: int) -> Report | None:
        """Say how it is doing, ``elapsed_ns`` after the last time; None when not active."""

    def report(self) -> Report:
        """Say how it is doing, active or not."""
        now_ns = time.monotonic_ns()
        report = self.report_since(now_ns - self._reported_ns, now_ns)
        self._reported_ns = now_ns
        if report is not None:
            return report
        return idle_report(self.state, self.problem)

    def advertise(self, msgtype: Any, topic: str, profile: QoSProfile) -> Any:
        """Make a publisher that works while active, with what the user wants of its quality."""
        overrides = QoSOverridingOptions.with_default_policies()
        return self.create_lifecycle_publisher(
            msgtype, topic, profile, qos_overriding_options=overrides
        )

    def log(self, severity: Severity, text: str) -> None:
        """Log something; from any thread."""
        # One statement each: rclpy refuses a statement that logs with changing severity.
        if severity == 'warning':
            self.get_logger().warning(text)
        else:
            self.get_logger().info(text)

    def now_ns(self) -> int:
        """Give the time of the node's clock in nanoseconds; from any thread."""
        return int(self.get_clock().now().nanoseconds)

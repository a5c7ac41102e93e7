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

"""One topic that the doctor listens to: matched with its publishers, and drained as bytes."""

from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros import qos
from xmodal_ros.ros.message_class import message_class


class DoctorSubscription:
    """Subscribes once somebody publishes, as reliably and as latched as all of them offer.

    The node must not be spun: messages wait here until they are taken. ``problem`` says why a
    topic cannot be listened to.
    """

    def __init__(self, node: Node, topic: str, msgtype: str, depth: int) -> None:
        self.topic = topic
        self.msgtype = msgtype
        self.problem = ''
        self._node = node
        self._depth = depth
        self._subscription: Any = None
        self._profile: QoSProfile | None = None

    @property
    def latched(self) -> bool:
        """Whether all who publish keep their messages for those that come later."""
        profile = self._profile
        return profile is not None and profile.durability == DurabilityPolicy.TRANSIENT_LOCAL

    @property
    def reliable(self) -> bool:
        """Whether all who publish send again what was lost."""
        profile = self._profile
        return profile is not None and profile.reliability == ReliabilityPolicy.RELIABLE

    def follow(self) -> None:
        """Subscribe, or subscribe anew where another publisher asks for it."""
        offered = [
            info
            for info in self._node.get_publishers_info_by_topic(self.topic)
            if info.topic_type == self.msgtype
        ]
        if not offered or self.problem:
            return
        profile = qos.subscription_profile(offered, qos.QosOverrides(depth=self._depth))
        if all(
            info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for info in offered
        ):
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
        if profile == self._profile:
            return
        self._profile = profile
        try:
            msgclass = message_class(self.msgtype)
        except ConfigurationError as error:
            self.problem = str(error)
            return
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription = self._node.create_subscription(
            msgclass,
            self.topic,
            _unused,
            profile,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=True,
        )

    def close(self) -> None:
        """Unsubscribe; :meth:`follow` would subscribe anew."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription = self._profile = None

    def take(self) -> list[tuple[bytes, int]]:
        """Give what has come since the last call, with its time of receipt in nanoseconds."""
        taken: list[tuple[bytes, int]] = []
        subscription = self._subscription
        while (
            subscription is not None
            and len(taken) < self._depth
            and (message := subscription.handle.take_message(subscription.msg_type, True))
        ):
            taken.append((message[0], int(message[1]['received_timestamp'])))
        return taken


def _unused(_message: object) -> None:
    """Stand for the callback that rclpy asks for; messages are taken, not given."""

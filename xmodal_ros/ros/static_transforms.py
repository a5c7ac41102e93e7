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

"""Listen to static transforms, for sensors whose mounting the robot's description gives."""

import os
from typing import Any, Final

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.ros.messages import message_class
from xmodal_ros.streams.frames import FixedFrames
from xmodal_ros.streams.placement import Matrix
from xmodal_ros.streams.transforms import read_transforms, TRANSFORMS_TYPE

TOPIC: Final = '/tf_static'
"""Absolute as tf2 has it; a robot with a namespace remaps it as for every other listener."""

# Each broadcaster of a large robot latches a message of its own, and all come at once.
_DEPTH: Final = 1000
_LATCHED: Final = QoSProfile(
    depth=_DEPTH,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# Publishers that are not latched cannot be heard by who asks for latched ones; who asks for
# nothing hears everybody.
_PASSING: Final = QoSProfile(
    depth=_DEPTH,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)


class StaticTransforms:
    """The rotations between frames that do not move, as all publishers on ``/tf_static`` say.

    It needs the node to be spun, and the package tf2_msgs; where that is missing, it knows no
    frames and :meth:`problem` says what to install. Everything but :meth:`close` may be called
    in any thread.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._frames = FixedFrames()
        self._missing = ''
        self._subscriptions: list[Any] = []
        try:
            msgtype = message_class(TRANSFORMS_TYPE)
        except ConfigurationError as error:
            distribution = os.environ.get('ROS_DISTRO', 'jazzy')
            self._missing = (
                f'static transforms cannot be read: {error} (sudo apt install '
                f'ros-{distribution}-tf2-msgs, or without a ROS installation standalone/setup)'
            )
            return
        # A group of its own: what else the node does must not keep transforms waiting.
        group = MutuallyExclusiveCallbackGroup()
        for profile, callback in ((_LATCHED, self._on_latched), (_PASSING, self._on_passing)):
            self._subscriptions.append(
                node.create_subscription(
                    msgtype,
                    TOPIC,
                    callback,
                    profile,
                    callback_group=group,
                    # Between the two, every publisher is heard: a mismatch with one is no news.
                    event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
                    # Deserializing in rclpy would raise for bytes that are no message.
                    raw=True,
                )
            )

    @property
    def ignored(self) -> int:
        """How many messages and transforms could not be used."""
        return self._frames.ignored

    def rotation(self, target_frame: str, source_frame: str) -> Matrix | None:
        """Give the matrix (3, 3) that maps vectors of ``source_frame`` to ``target_frame``.

        None while no chain of static transforms joins the two.
        """
        return self._frames.rotation(target_frame, source_frame)

    def problem(self, target_frame: str, source_frame: str) -> str:
        """Say why there is no rotation between two frames, and the remedy; '' where there is."""
        problem = self._frames.problem(target_frame, source_frame)
        if not problem:
            return ''
        topic = self._node.resolve_topic_name(TOPIC)
        reason = self._missing or f'{topic}: {problem}{self._silence(topic)}'
        return f'{reason}; or set the angles yourself with mounting_rotation'

    def close(self) -> None:
        """Unsubscribe; for the executor's thread only. What was heard stays known."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def _silence(self, topic: str) -> str:
        """Say what keeps transforms from coming at all."""
        types = {info.topic_type for info in self._node.get_publishers_info_by_topic(topic)}
        if not types:
            return (
                '; nobody publishes there: start robot_state_publisher or a '
                'static_transform_publisher'
            )
        if TRANSFORMS_TYPE not in types:
            return f'; it carries {", ".join(sorted(types))} instead of {TRANSFORMS_TYPE}'
        return ''

    def _on_latched(self, data: bytes) -> None:
        self._take(data, latched=True)

    def _on_passing(self, data: bytes) -> None:
        self._take(data, latched=False)

    def _take(self, data: bytes, *, latched: bool) -> None:
        try:
            self._frames.add(read_transforms(data), latched=latched)
        except XmodalError as error:
            self._frames.ignore(f'a message cannot be read: {error}')

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

"""The format of an audio topic that does not say it itself, from the topic that does."""

from collections.abc import Callable
from typing import Any, Final

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from xmodal_ros.modalities.audio.decoder import AudioFormat, INFO_TYPE, read_audio_info
from xmodal_ros.ros.messages import message_class
from xmodal_ros.ros.topic_reader import resolved
from xmodal_ros.streams.sample import DecodeError

# The message is whole: what it says of the sound is what cannot be read.
_SAYING_FORMAT: Final = ('compressed', 'format')


class AudioInfoListener:
    """Gives ``use`` the format whenever it is published; latched where it is offered so.

    None stands for one that cannot be read here: taken for the format before, it would be noise.
    For the executor's thread. ``problem`` says what is wrong with the newest message.
    """

    def __init__(self, node: Node, topic: str, use: Callable[[AudioFormat | None], None]) -> None:
        self.topic = resolved(node, topic)
        self.format: AudioFormat | None = None
        self.problem = ''
        self._node = node
        self._use = use
        self._profile: QoSProfile | None = None
        self._subscription: Any = None
        self.follow()

    def follow(self) -> None:
        """Subscribe in the way that hears every publisher there is."""
        publishers = [
            info
            for info in self._node.get_publishers_info_by_topic(self.topic)
            if info.topic_type == INFO_TYPE
        ]
        offered = [info.qos_profile for info in publishers]
        latched = all(each.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in offered)
        reliable = all(each.reliability == ReliabilityPolicy.RELIABLE for each in offered)
        profile = QoSProfile(
            depth=1,
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
            ),
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        )
        if profile != self._profile:
            self.close()
            self._profile = profile
            self._subscription = self._node.create_subscription(
                message_class(INFO_TYPE),
                self.topic,
                self._take,
                profile,
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
                # Deserializing in rclpy would raise for bytes that are no message.
                raw=True,
            )

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _take(self, data: bytes) -> None:
        try:
            audio_format = read_audio_info(data)
        except DecodeError as error:
            self.problem = f'{self.topic}: {error}'
            if error.reason not in _SAYING_FORMAT:
                return
            self.format = None
        else:
            self.format, self.problem = audio_format, ''
        self._use(self.format)

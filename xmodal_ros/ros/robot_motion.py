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

"""Whether the robot moves, for work that is to wait until it does not."""

import time
from typing import Final

from rclpy.node import Node

from xmodal_ros.ros.topic_reader import TopicReader
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.streams.velocity import read_speeds, VELOCITY_TYPES

# Above the noise of wheels that stand still, below the slowest drive.
_STILL_M_S: Final = 0.02
_STILL_RAD_S: Final = 0.02
# Odometry comes ten times a second and more.
_FRESH_NS: Final = 1_000_000_000


class RobotMotion:
    """Listens to the robot's velocity. Everything belongs to the executor's thread.

    Raises :class:`ConfigurationError` where ``topic`` is no name of one.
    """

    def __init__(self, node: Node, topic: str) -> None:
        self._source = TopicReader(
            node,
            topic,
            VELOCITY_TYPES,
            parameter='motion_topic',
            remedy='start what publishes the odometry',
        )
        self._newest_ns = 0
        self._speeds = 0.0, 0.0
        self._refused = ''

    def follow(self) -> None:
        """Adapt to the publishers there are, and take what they have said."""
        self._source.follow()
        for received in self._source.take():
            self._newest_ns = received.received_ns
            try:
                self._speeds = read_speeds(self._source.msgtype, received.data)
                self._refused = ''
            except DecodeError as error:
                self._refused = str(error)

    @property
    def objection(self) -> str:
        """Why the robot cannot be said to stand still, in words; '' where it does."""
        self.follow()
        topic = self._source.topic
        if self._source.problem:
            return f'whether the robot moves is not known: {self._source.problem}'
        if time.time_ns() - self._newest_ns > _FRESH_NS:
            return (
                f'whether the robot moves is not known, for nothing came on {topic} for a second: '
                "see to what publishes it, or empty the parameter 'motion_topic'"
            )
        if self._refused:
            return f'whether the robot moves is not known: {topic}: {self._refused}'
        speed, turning = self._speeds
        if speed > _STILL_M_S or turning > _STILL_RAD_S:
            return (
                f'the robot moves ({speed:.2f} m/s, {turning:.2f} rad/s on {topic}): stop it, or '
                "empty the parameter 'motion_topic'"
            )
        return ''

    def close(self) -> None:
        """Unsubscribe."""
        self._source.close()

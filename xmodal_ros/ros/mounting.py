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

"""How an IMU is mounted, by the robot's static transforms."""

from collections.abc import Sequence

from rclpy.node import Node

from xmodal_ros.ros.static_transforms import StaticTransforms
from xmodal_ros.runtime.pipeline import Feed, Received
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.placement import Matrix, placement_from_rotation
from xmodal_ros.streams.sample import DecodeError


class Mounting:
    """Turns what an IMU measures into the frame ``target``, once static transforms say how.

    ``source`` is the IMU's frame, '' where its messages say which it is.

    Until they do, nothing it measures is used: a wrong turn gives wrong labels. :meth:`close`
    belongs to the executor's thread.
    """

    def __init__(self, node: Node, target: str, source: str = '') -> None:
        self._target = target
        self._source = source
        self._transforms = StaticTransforms(node)
        self._rotation: Matrix | None = None
        self._missing: str | None = None

    @property
    def problem(self) -> str:
        """Why nothing is used, in words; '' where it is."""
        if self._missing is None:
            return ''
        if not self._missing:
            return (
                f'the messages do not name their frame, so how it is turned to {self._target} is '
                "not known: set the parameter 'frame_id'"
            )
        return self._transforms.problem(self._target, self._missing)

    def usable(self, received: Sequence[Received], feed: Feed) -> list[Received]:
        """Give the messages whose turn is known, and let the feed turn them so.

        The others are counted there as refused. In the intake's thread, as part of a push.
        """
        kept: list[Received] = []
        for each in received:
            frame = self._source or _frame_of(each.data)
            if frame is None:
                # The decoder says what is wrong with it.
                kept.append(each)
                continue
            rotation = self._transforms.rotation(self._target, frame)
            if rotation is None:
                self._missing = frame
                feed.intake.refuse('mounting', f'how {frame!r} is mounted is not known yet')
                continue
            self._missing = None
            if rotation != self._rotation:
                self._rotation = rotation
                feed.use_placement(placement_from_rotation(rotation))
            kept.append(each)
        return kept

    def close(self) -> None:
        """Unsubscribe."""
        self._transforms.close()


def _frame_of(data: bytes) -> str | None:
    try:
        return CdrCursor(data).header()[1]
    except DecodeError:
        return None

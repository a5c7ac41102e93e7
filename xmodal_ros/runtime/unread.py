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

"""Messages that wait for the word on how they are to be read."""

from collections import deque
from collections.abc import Callable, Sequence
import time
from typing import Final

from xmodal_ros.runtime.pipeline import Received

_LONGEST_NS: Final = 1_000_000_000


class UnreadMessages:
    """Keeps back what has just come, for a second and ``most`` messages at most.

    What says how to read a topic is another topic's, and may come a little after it.
    """

    def __init__(self, most: int, clock: Callable[[], int] = time.time_ns) -> None:
        self._most = most
        self._clock = clock
        self._kept: deque[Received] = deque()

    def through(self, received: Sequence[Received], *, waits: bool) -> Sequence[Received]:
        """Give what is to be read now, in the order of its coming: all, unless it ``waits``."""
        if not (waits or self._kept):
            return received
        self._kept += received
        since_ns = self._clock() - _LONGEST_NS
        given = []
        while self._kept and (
            not waits or self._kept[0].received_ns <= since_ns or len(self._kept) > self._most
        ):
            given.append(self._kept.popleft())
        return given

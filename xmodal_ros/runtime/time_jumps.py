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

"""Whether ROS time has begun anew, or several clocks tell it at once."""

from collections.abc import Callable
from typing import Final

# A simulation or a recording that begins anew has lasted longer than this.
_BACK_AND_FORTH_NS: Final = 2_000_000_000


class TimeJumps:
    """Takes note of jumps back of ROS time; ``clock`` gives steady nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._jumped_ns: int | None = None
        self._ignored = 0

    def begins_anew(self) -> bool:
        """Take note of a jump back and tell whether time has begun anew.

        Soon after another one it has not: two clocks take turns, and nothing that is told by
        stamps should start anew for each of their messages.
        """
        now_ns, before_ns = self._clock(), self._jumped_ns
        self._jumped_ns = now_ns
        if before_ns is not None and now_ns - before_ns < _BACK_AND_FORTH_NS:
            self._ignored += 1
            return False
        return True

    def trouble(self, publishers: list[str]) -> str:
        """Say what is wrong with the clock since the last call; '' where nothing is.

        ``publishers`` are the nodes that publish it.
        """
        ignored, self._ignored = self._ignored, 0
        if not ignored:
            return ''
        who = f'{len(publishers)} publishers of /clock ({", ".join(publishers)})'
        return (
            f'ROS time jumps back and forth ({ignored} times since the last report): {who} take '
            'turns? Let only one of them tell the time'
        )

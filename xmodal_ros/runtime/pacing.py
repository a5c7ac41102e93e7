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

"""When to publish what was recorded."""

from collections.abc import Callable

SECOND_NS = 1_000_000_000


class Pace:
    """Maps recorded times to the times at which they are played, at a rate, with pauses.

    ``clock`` gives steady nanoseconds. A rate of 0 means as fast as possible: nothing is ever
    waited for, except while paused.
    """

    def __init__(self, rate: float, clock: Callable[[], int], *, paused: bool = False) -> None:
        self._rate = rate
        self._clock = clock
        self._origin: tuple[int, int] | None = None
        self._paused_at: int | None = clock() if paused else None

    @property
    def paused(self) -> bool:
        """Whether playing stands still."""
        return self._paused_at is not None

    def pause(self) -> None:
        """Stand still; doing it twice changes nothing."""
        if self._paused_at is None:
            self._paused_at = self._clock()

    def resume(self) -> None:
        """Go on where playing stopped, as if no time had passed."""
        if self._paused_at is not None and self._origin is not None:
            recorded_ns, played_ns = self._origin
            self._origin = recorded_ns, played_ns + self._clock() - self._paused_at
        self._paused_at = None

    def restart(self) -> None:
        """Let the next time asked for be played at once, as at the start of another round."""
        self._origin = None

    def wait_ns(self, recorded_ns: int) -> int | None:
        """Tell how long to wait until ``recorded_ns`` is due; None while paused.

        The first time asked for is due at once and everything after it counts from there.
        """
        if self._paused_at is not None:
            return None
        if self._rate == 0:
            return 0
        if self._origin is None:
            self._origin = recorded_ns, self._clock()
        start_ns, played_ns = self._origin
        due_ns = played_ns + round((recorded_ns - start_ns) / self._rate)
        return max(0, due_ns - self._clock())

    def recorded_ns(self) -> int | None:
        """Give the recorded time that is being played; None while there is none."""
        if self._origin is None or self._rate == 0:
            return None
        start_ns, played_ns = self._origin
        now_ns = self._clock() if self._paused_at is None else self._paused_at
        return start_ns + round((now_ns - played_ns) * self._rate)

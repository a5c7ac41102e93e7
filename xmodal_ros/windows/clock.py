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

"""The window clock: which samples count, and when a window is due."""

from collections import Counter
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

# After silence longer than this the stream starts anew instead of reporting every hop missed:
# a jump of the clock by hours must not release thousands of windows at once.
LONGEST_GAP_NS: Final = 60 * SECOND_NS


class WindowClock:
    """Decide on the stamps of one sensor's stream, in the order of their arrival.

    A window ending at ``end`` is due at the first sample at or after ``end``: as samples at or
    before the newest never count, nothing that it depends on can change any more. It depends on
    the samples within ``[end - length - margin, end + margin]`` alone; the first one is that
    whose whole evidence lies after the first sample. Samples at or before the newest are dropped
    and counted (``duplicate``, ``late``); one that lies further back than a window's
    length, or further ahead than :data:`LONGEST_GAP_NS`, starts the stream anew (``reset``).
    """

    def __init__(self, spec: WindowingSpec) -> None:
        self.spec = spec
        self.counts: Counter[str] = Counter()
        self._newest_ns: int | None = None
        self._reached_ns = 0
        self._next_end_ns = 0

    @property
    def newest_ns(self) -> int | None:
        """The stamp of the newest sample that counts; None where the next starts the stream."""
        return self._newest_ns

    def reset(self) -> None:
        """Let the next sample start the stream anew."""
        self._newest_ns = None
        self.counts['reset'] += 1

    def admit(self, stamp_ns: int) -> Literal['start', 'next', 'drop']:
        """Say whether a sample starts the stream, continues it, or is dropped."""
        if self._newest_ns is not None:
            step = stamp_ns - self._newest_ns
            if step <= -self.spec.length_ns or step > LONGEST_GAP_NS:
                self.reset()
            elif step <= 0:
                self.counts['late' if step else 'duplicate'] += 1
                return 'drop'
        starts = self._newest_ns is None
        if starts:
            self._next_end_ns = self.spec.first_end(stamp_ns)
        self._newest_ns = self._reached_ns = stamp_ns
        return 'start' if starts else 'next'

    def goes_on(self, stamps_ns: NDArray[np.int64]) -> bool:
        """Say whether samples (N,) continue the stream, each within a window's length."""
        if self._newest_ns is None:
            return False
        steps = np.diff(stamps_ns, prepend=self._newest_ns)
        longest_ns = min(self.spec.length_ns, LONGEST_GAP_NS)
        return bool(steps.min() > 0 and steps.max() <= longest_ns)

    def due(
        self, until_ns: int, complete: Callable[[int], bool] = lambda _end_ns: True
    ) -> list[int]:
        """Give the ends of the windows that evidence up to ``until_ns`` completes, once each.

        Where one sample does not tell so, ``complete`` says of the next window's end whether it
        does.
        """
        ends: list[int] = []
        self._reached_ns = until_ns
        while self._next_end_ns <= until_ns and complete(self._next_end_ns):
            ends.append(self._next_end_ns)
            self._next_end_ns += self.spec.hop_ns
        return ends

    @property
    def remaining_ns(self) -> int | None:
        """How far evidence has to go on until a window can be due; None before the first."""
        if self._newest_ns is None:
            return None
        return self._next_end_ns - self._reached_ns

    @property
    def needed_from_ns(self) -> int:
        """The stamp before which no sample matters any more."""
        return self._next_end_ns - self.spec.length_ns - self.spec.margin_ns

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

"""Which activity a window shows, by the recording's segments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.labels import Segment

# A window belongs to the segment that covers at least this share of it.
_LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, eq=False)
class Truth:
    """For each window the index of its segment in ``segments``, -1 where none covers half."""

    segments: tuple[Segment, ...]
    segment_of_window: NDArray[np.int64]

    def label(self, window: int) -> str | None:
        """Give a window's activity, or None where it has none."""
        index = int(self.segment_of_window[window])
        return None if index < 0 else self.segments[index].label


def window_truth(segments: Sequence[Segment], ends_ns: Sequence[int], length_ns: int) -> Truth:
    """Find the segment that covers at least half of each window ``[end - length, end)``.

    ``segments`` are in order of time and do not overlap. Of two that share a window equally the
    later wins, for it is what the person does now.
    """
    owner = np.full(len(ends_ns), -1, dtype=np.int64)
    if segments:
        starts = np.array([segment.start_ns for segment in segments], dtype=np.int64)
        stops = np.array([segment.end_ns for segment in segments], dtype=np.int64)
        for index, end_ns in enumerate(ends_ns):
            first = int(np.searchsorted(stops, end_ns - length_ns, side='right'))
            last = int(np.searchsorted(starts, end_ns, side='left'))
            best = int(_LEAST_SHARE * length_ns)
            for candidate in range(first, last):
                shared = min(int(stops[candidate]), end_ns) - max(
                    int(starts[candidate]), end_ns - length_ns
                )
                if shared >= best:
                    best, owner[index] = shared, candidate
    return Truth(tuple(segments), owner)

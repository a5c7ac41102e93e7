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

"""How long decisions take."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
import threading
from typing import Final

import numpy as np

_NS_PER_MS: Final = 1e6


@dataclass(frozen=True)
class LatencyFigures:
    """Percentiles of a number of latencies, in milliseconds; zeros where ``count`` is 0."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0


def latency_figures(latencies_ns: Iterable[int]) -> LatencyFigures:
    """Summarise latencies given in nanoseconds."""
    values = np.fromiter(latencies_ns, np.float64) / _NS_PER_MS
    if not len(values):
        return LatencyFigures()
    p50, p95 = np.percentile(values, (50, 95))
    return LatencyFigures(len(values), float(p50), float(p95))


class RecentLatencies:
    """The last ``size`` latencies; one thread may add while another asks."""

    def __init__(self, size: int = 512) -> None:
        self._values: deque[int] = deque(maxlen=size)
        self._lock = threading.Lock()

    def add(self, latency_ns: int) -> None:
        """Add one; negative ones, which a step of the system clock makes, count as zero."""
        with self._lock:
            self._values.append(max(0, latency_ns))

    def figures(self) -> LatencyFigures:
        """Summarise them."""
        with self._lock:
            values = list(self._values)
        return latency_figures(values)

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

"""When samples are taken, what time stamp they get, and when the recorder receives them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.rotations import FloatArray

StampArray = NDArray[np.int64]


@dataclass(frozen=True)
class SensorClock:
    """How a driver stamps: jitter about the true time, then a delay until it is recorded.

    ``start_ns`` is the time since the epoch at which the recording starts.
    """

    start_ns: int
    jitter_s: float
    delay_s: tuple[float, float]

    def stamp(self, t: FloatArray, rng: np.random.Generator) -> tuple[StampArray, StampArray]:
        """Give stamps and times of reception (T,) in nanoseconds for samples taken at ``t``.

        Jitter is cut off well below half a period, hence stamps ascend; reception is put in order.
        """
        jitter = np.clip(
            rng.normal(0, self.jitter_s, len(t)), -3 * self.jitter_s, 3 * self.jitter_s
        )
        late = rng.uniform(*self.delay_s, len(t))
        stamps = self.start_ns + np.round((t + jitter) * 1e9).astype(np.int64)
        received = stamps + np.round(late * 1e9).astype(np.int64)
        return stamps, np.maximum.accumulate(received)


def sample_times(duration: float, rate_hz: float, chunk_s: float) -> Iterator[FloatArray]:
    """Yield the regular sample times in [0, duration) seconds, a chunk at a time."""
    count = int(duration * rate_hz)
    per_chunk = int(chunk_s * rate_hz)
    for first in range(0, count, per_chunk):
        yield np.arange(first, min(first + per_chunk, count)) / rate_hz

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

"""How one clock runs against another: a line through points about it, but for outliers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SECOND_NS: Final = 1_000_000_000
_MOST_POINTS: Final = 200
_FEWEST_POINTS: Final = 4
# The standard deviation of a normal distribution by its median absolute deviation, and the
# standard error of a median by that of a mean.
_DEVIATION_OF_MAD: Final = 1.4826
_ERROR_OF_MEDIAN: Final = 1.2533


@dataclass(frozen=True)
class ClockFit:
    """What to add to a clock's stamps to read the other: ``offset_s`` at the stamp
    ``reference_ns``, and ``drift_ppm`` µs more each second after it.

    ``scatter_s`` is the deviation of the points about the line; the errors are standard errors,
    which leave out what all points share, such as a delay. ``drift_ppm`` and its error are 0 and
    infinite where there are too few points, or too short a time, for a line.
    """

    offset_s: float
    drift_ppm: float
    reference_ns: int
    scatter_s: float
    offset_error_s: float
    drift_error_ppm: float


def fit_receipt(received_ns: NDArray[np.int64], delays_ns: NDArray[np.int64]) -> ClockFit | None:
    """Fit how far stamps are behind the times of receipt; None without any point.

    A message is never received before it is sent, and some come late: of each stretch of time
    the least delayed counts (after Paxson, SIGMETRICS 1998), and the line through these is that
    of Theil and Sen, which up to 29 % of outliers do not move. A constant delay of transport
    cannot be told from an offset of the clock.
    """
    if not len(received_ns):
        return None
    order = np.argsort(received_ns, kind='stable')
    parts = np.array_split(order, min(_MOST_POINTS, len(order)))
    least = np.array([part[np.argmin(delays_ns[part])] for part in parts])
    return fit_line(received_ns[least] - delays_ns[least], delays_ns[least] / _SECOND_NS)


def fit_line(stamps_ns: NDArray[np.int64], offsets_s: NDArray[np.float64]) -> ClockFit:
    """Fit offsets (N,) at stamps (N,), N at least 1, by the line of Theil and Sen."""
    reference_ns = int(np.median(stamps_ns))
    times = (stamps_ns - reference_ns) / _SECOND_NS
    slope, error = 0.0, np.inf
    left, right = np.triu_indices(len(times), 1)
    apart = times[right] - times[left]
    count = len(times)
    if count >= _FEWEST_POINTS and (apart != 0).any():
        rises = (offsets_s[right] - offsets_s[left])[apart != 0]
        slope = float(np.median(rises / apart[apart != 0]))
    residuals = offsets_s - slope * times
    offset = float(np.median(residuals))
    scatter = float(_DEVIATION_OF_MAD * np.median(np.abs(residuals - offset)))
    if count >= _FEWEST_POINTS and (apart != 0).any():
        error = _ERROR_OF_MEDIAN * scatter / (np.sqrt(count) * float(times.std()))
    return ClockFit(
        offset,
        slope * 1e6,
        reference_ns,
        scatter,
        _ERROR_OF_MEDIAN * scatter / float(np.sqrt(count)),
        float(error) * 1e6,
    )

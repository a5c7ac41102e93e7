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

"""Find how far two sensors' clocks are apart from what both of them sense of the same activity."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.clock_fit import ClockFit, fit_line
from xmodal_ros.data.cutting import Cut
from xmodal_ros.data.window_array import Stream
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

_HIGHEST_RATE_HZ: Final = 50
# Slower than this is posture and light, not activity.
_TREND_S: Final = 4.0
_PIECE_S: Final = 20.0
_NEAR_S: Final = 0.5
# Of a peak: its height as a correlation, and against the highest peak elsewhere.
_LEAST_CORRELATION: Final = 0.2
_LEAST_RATIO: Final = 1.5
_ELSEWHERE_S: Final = 0.25


@dataclass(frozen=True, eq=False)
class Energy:
    """How much goes on (N,), ``rate_hz`` times a second from ``start_ns`` on; NaN: unknown."""

    start_ns: int
    rate_hz: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Lag:
    """What to add to a sensor's stamps so that its activity falls together with another's.

    ``correlation`` is that of the two energies then, ``ratio`` how much higher than at the best
    lag elsewhere: near 1 two lags explain the recordings alike, as in steady walking.
    """

    fit: ClockFit
    correlation: float
    ratio: float

    @property
    def certain(self) -> bool:
        """Whether the correlation stands out."""
        return self.correlation >= _LEAST_CORRELATION and self.ratio >= _LEAST_RATIO


def stream_energy(cut: Cut, stream: Stream, spec: WindowingSpec, modality: str) -> Energy | None:
    """Give the activity energy of a cut stream; None where it has no window.

    For an IMU that is the change of acceleration from sample to sample, for a camera the mean
    change of its pixels, for sound its loudness; each logarithmic, for a shout is no more than a
    word when it comes to when.
    """
    index = cut.index
    if not len(index.ends_ns):
        return None
    rate = min(_HIGHEST_RATE_HZ, spec.rate_hz)
    first = int(spec.grid(int(index.ends_ns.min()))[0])
    count = int(index.ends_ns.max() - first) * rate // SECOND_NS + 1
    total, number = np.zeros(count), np.zeros(count)
    samples = stream.array()
    known = np.int64(first - 1)
    kind, between = find_modality(modality), False
    for end_ns, row in zip(index.ends_ns.tolist(), index.firsts.tolist(), strict=True):
        grid = spec.grid(end_ns)
        new = np.flatnonzero(grid > known)
        if not len(new):
            continue
        # One more before, for changes.
        begin = max(0, int(new[0]) - 1)
        change = kind.activity_change(samples[row + begin : row + cut.facts.steps])
        between = len(change) < len(grid[begin:])
        slots = (grid[begin + len(grid[begin:]) - len(change) :] - first) * rate // SECOND_NS
        total += np.bincount(slots, change, count)[:count]
        number += np.bincount(slots, minlength=count)[:count]
        known = grid[-1]
    with np.errstate(invalid='ignore'):
        # A change lies between two samples.
        start_ns = first - (spec.period_ns // 2 if between else 0)
        return Energy(start_ns, rate, np.log1p(total / np.where(number > 0, number, np.nan)))


def find_lag(reference: Energy, other: Energy, most_s: float) -> Lag | None:
    """Find the lag of ``other`` within ``most_s`` seconds; None where they share too little time.

    The best correlation over everything says where about; pieces of 20 s then say how it changes.
    """
    rate = min(reference.rate_hz, other.rate_hz)
    start_ns = min(reference.start_ns, other.start_ns)
    first, second = _prepared(reference, rate, start_ns), _prepared(other, rate, start_ns)
    lags, scores = _correlations(first, second, 0, round(most_s * rate), rate)
    if not len(lags):
        return None
    best = int(np.argmax(scores))
    rival = _rival(lags, scores, best, round(_ELSEWHERE_S * rate))
    near = int(lags[best])
    stamps, offsets = [], []
    size, reach = round(_PIECE_S * rate), round(_NEAR_S * rate)
    for begin in range(0, max(1, len(second) - size + 1), size):
        piece = second[begin : begin + size]
        low = max(0, begin + near - reach)
        part = first[low : max(low, begin + near + reach + size)]
        if not len(part) or np.count_nonzero(piece) < size // 2:
            continue
        span, found = _correlations(part, piece, near + begin - low, reach, rate)
        if len(span):
            stamps.append(start_ns + (begin + size // 2) * SECOND_NS // rate)
            offsets.append((_peak(span, found) + low - begin) / rate)
    if not stamps:
        stamps, offsets = (
            [start_ns + len(second) * SECOND_NS // rate // 2],
            [_peak(lags, scores) / rate],
        )
    fit = fit_line(np.array(stamps, np.int64), np.array(offsets))
    return Lag(fit, float(scores[best]), float(scores[best] / rival) if rival > 0 else np.inf)


def _prepared(energy: Energy, rate: int, start_ns: int) -> NDArray[np.float64]:
    """Give energy at ``rate`` from ``start_ns`` on, without its trend; 0 where it is unknown."""
    # Imported where clocks are compared by motion: it takes most of a second.
    from scipy.ndimage import uniform_filter1d

    count = len(energy.values)
    times = (energy.start_ns - start_ns) / SECOND_NS + (np.arange(count) + 0.5) / energy.rate_hz
    known = np.isfinite(energy.values)
    grid = np.arange(int(times[-1] * rate) + 1) / rate
    if not known.any():
        return np.zeros(len(grid))
    values = np.interp(grid, times[known], energy.values[known])
    trend = uniform_filter1d(values, max(1, round(_TREND_S * rate)), mode='nearest')
    nearest = np.clip(np.searchsorted(times, grid), 0, count - 1)
    there = known[nearest] & (grid >= times[0])
    result: NDArray[np.float64] = np.where(there, values - trend, 0.0)
    return result


def _correlations(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    centre: int,
    reach: int,
    rate: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give lags (L,) in samples, ``reach`` about ``centre``, and the correlation (L,) at each."""
    from scipy.signal import correlate

    products = correlate(first, second, 'full', 'fft')
    lags = np.arange(-len(second) + 1, len(first))
    # Normed by the energy that overlaps, or a short overlap would always lose.
    powers = [
        correlate(first**2, (second != 0).astype(float), 'full', 'fft'),
        correlate((first != 0).astype(float), second**2, 'full', 'fft'),
    ]
    shared = correlate((first != 0).astype(float), (second != 0).astype(float), 'full', 'fft')
    keep = np.abs(lags - centre) <= reach
    least = max(2 * rate, 0.3 * np.count_nonzero(second))
    keep &= shared >= least
    norm = np.sqrt(np.maximum(powers[0] * powers[1], 1e-12))
    return lags[keep], (products / norm)[keep]


def _rival(lags: NDArray[np.int64], scores: NDArray[np.float64], best: int, least: int) -> float:
    """Give the highest score outside the peak at ``best``, which reaches down to half of it."""
    low = np.flatnonzero(scores < scores[best] / 2)
    first = max(low[low < best], default=-1)
    last = min(low[low > best], default=len(scores))
    outside = (np.arange(len(scores)) <= first) | (np.arange(len(scores)) >= last)
    outside &= np.abs(lags - lags[best]) > least
    return float(scores[outside].max(initial=0.0))


def _peak(lags: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Give the lag of the highest score, between samples by a parabola."""
    best = int(np.argmax(scores))
    if not 0 < best < len(scores) - 1 or lags[best + 1] - lags[best - 1] != 2:
        return float(lags[best])
    before, at, after = scores[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(lags[best]) + (0.5 * float((before - after) / bend) if bend < 0 else 0.0)

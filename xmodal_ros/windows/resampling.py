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

"""Lay irregular samples on a regular grid.

Every grid point is computed from the samples near it alone, with the same operations in the same
order whatever window it is part of: that is what makes offline and live agree to the last bit,
and lets windows that overlap share points. :func:`hold` then fills a window's gaps.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Interpolation = Literal['linear', 'nearest']
_NEVER = np.int64(np.iinfo(np.int64).max // 4)


@dataclass(frozen=True, eq=False)
class Resampled:
    """Values (K, ...) at K grid points, and which points (K,) the samples cover.

    Where none do, a value means nothing.
    """

    values: NDArray[Any]
    covered: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Neighbours:
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    left_gap: NDArray[np.int64]
    right_gap: NDArray[np.int64]


def _neighbours(stamps: NDArray[np.int64], grid: NDArray[np.int64]) -> _Neighbours:
    after = np.searchsorted(stamps, grid, side='right')
    before = after - 1
    last = len(stamps) - 1
    left, right = np.maximum(before, 0), np.minimum(after, last)
    return _Neighbours(
        left,
        right,
        np.where(before >= 0, grid - stamps[left], _NEVER),
        np.where(after <= last, stamps[right] - grid, _NEVER),
    )


def resample_linear(
    stamps: NDArray[np.int64],
    values: NDArray[np.float64],
    grid: NDArray[np.int64],
    period_ns: int,
    reach_ns: int,
) -> Resampled:
    """Interpolate samples (N, C) at grid points (K,); gives float64 (K, C).

    Where samples are as far apart as the grid or farther, this is linear interpolation; where
    they are denser, a triangular kernel one grid period to either side averages them, so that
    faster sensors are low-pass filtered rather than decimated. The two meet without a step. A
    point is covered when it has neighbours within ``reach_ns`` on both sides.
    """
    if not len(stamps):
        return Resampled(np.zeros((len(grid), values.shape[1])), np.zeros(len(grid), bool))
    near = _neighbours(stamps, grid)
    covered = (near.left_gap == 0) | ((near.left_gap <= reach_ns) & (near.right_gap <= reach_ns))
    span = stamps[near.right] - stamps[near.left]
    fraction = np.divide(
        near.left_gap,
        span,
        out=np.zeros(len(grid)),
        where=covered & (span > 0) & (near.left_gap > 0),
    )[:, None]
    dense = span < period_ns
    if dense.all():
        return Resampled(_triangular(stamps, values, grid, period_ns), covered)
    linear = (1 - fraction) * values[near.left] + fraction * values[near.right]
    if dense.any():
        linear[dense] = _triangular(stamps, values, grid[dense], period_ns)
    return Resampled(linear, covered)


def _triangular(
    stamps: NDArray[np.int64],
    values: NDArray[np.float64],
    grid: NDArray[np.int64],
    period_ns: int,
) -> NDArray[np.float64]:
    low = np.searchsorted(stamps, grid - period_ns, side='right')
    taps = np.searchsorted(stamps, grid + period_ns, side='left') - low
    # Each point with each of its samples, in order of time.
    point = np.repeat(np.arange(len(grid)), taps)
    sample = np.arange(len(point)) + (low - np.cumsum(taps) + taps)[point]
    weight = 1 - np.abs(stamps[sample] - grid[point]) / period_ns
    channels = values.shape[1]
    terms = np.empty((len(point), channels + 1))
    np.multiply(values[sample], weight[:, None], out=terms[:, :channels])
    terms[:, channels] = weight
    # It adds them one by one as they come, as sums that numpy makes by pairs would not.
    slots = point[:, None] * (channels + 1) + np.arange(channels + 1)
    added = np.bincount(slots.ravel(), terms.ravel(), len(grid) * (channels + 1))
    # Of nothing it gives integers.
    sums = added.astype(np.float64, copy=False).reshape(len(grid), channels + 1)
    total, weight_sum = sums[:, :channels], sums[:, channels:]
    return np.divide(total, weight_sum, out=np.zeros(total.shape), where=weight_sum > 0)


def resample_nearest(
    stamps: NDArray[np.int64],
    values: NDArray[Any],
    grid: NDArray[np.int64],
    reach_ns: int,
) -> Resampled:
    """Take the sample nearest to each grid point, the earlier of two; keeps the dtype.

    A point is covered when that sample lies within ``reach_ns``.
    """
    if not len(stamps):
        shape = (len(grid), *values.shape[1:])
        return Resampled(np.zeros(shape, values.dtype), np.zeros(len(grid), bool))
    near = _neighbours(stamps, grid)
    index = np.where(near.left_gap <= near.right_gap, near.left, near.right)
    covered = np.minimum(near.left_gap, near.right_gap) <= reach_ns
    return Resampled(values[index], covered)


def hold(result: Resampled) -> Resampled:
    """Fill points without evidence with the nearest covered one, the earlier of two.

    With zeros where none is covered.
    """
    if result.covered.all():
        return result
    known = np.flatnonzero(result.covered)
    if not len(known):
        return Resampled(np.zeros_like(result.values), result.covered)
    points = np.arange(len(result.covered))
    after = np.minimum(np.searchsorted(known, points), len(known) - 1)
    before = np.maximum(after - 1, 0)
    nearer_before = points - known[before] <= np.abs(known[after] - points)
    source = np.where(result.covered, points, known[np.where(nearer_before, before, after)])
    return Resampled(result.values[source], result.covered)

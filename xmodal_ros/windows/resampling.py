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
order whatever window it is part of: that is what makes offline and live agree to the last bit.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Interpolation = Literal['linear', 'nearest']
_NEVER = np.int64(np.iinfo(np.int64).max // 4)


@dataclass(frozen=True, eq=False)
class Resampled:
    """Values (K, ...) at K grid points, and which points (K,) the samples cover."""

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
    point is covered when it has neighbours within ``reach_ns`` on both sides; points that are
    not hold the value of the nearest covered one (zeros if there is none).
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
    linear = (1 - fraction) * values[near.left] + fraction * values[near.right]
    smooth = _triangular(stamps, values, grid, period_ns)
    dense = (span < period_ns)[:, None]
    return _hold(Resampled(np.where(dense, smooth, linear), covered))


def _triangular(
    stamps: NDArray[np.int64],
    values: NDArray[np.float64],
    grid: NDArray[np.int64],
    period_ns: int,
) -> NDArray[np.float64]:
    low = np.searchsorted(stamps, grid - period_ns, side='right')
    high = np.searchsorted(stamps, grid + period_ns, side='left')
    total = np.zeros((len(grid), values.shape[1]))
    weight_sum = np.zeros(len(grid))
    # One tap at a time over all points: each point's sum runs over its own samples in order of
    # time, so it does not depend on how many the densest point has.
    for tap in range(int((high - low).max(initial=0))):
        index = np.minimum(low + tap, len(stamps) - 1)
        distance = np.abs(stamps[index] - grid) / period_ns
        weight = np.where(low + tap < high, 1 - distance, 0.0)
        total += weight[:, None] * values[index]
        weight_sum += weight
    return np.divide(total, weight_sum[:, None], out=total, where=weight_sum[:, None] > 0)


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
    return _hold(Resampled(values[index], covered))


def _hold(result: Resampled) -> Resampled:
    """Fill points without evidence with the nearest covered one, the earlier of two."""
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

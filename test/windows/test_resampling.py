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

"""Resampling: exact where it can be, filtered where it must be, the same whatever the window."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.windows.resampling import hold, resample_linear, resample_nearest
from xmodal_ros.windows.windowing import WindowingSpec

SPEC = WindowingSpec(rate_hz=50)
GRID = SPEC.grid(EPOCH)
MARGIN = SPEC.margin_ns


def stamps_at(rate_hz: float, offset_ns: int = 0) -> np.ndarray:
    first, last = GRID[0] - MARGIN, GRID[-1] + 2 * MARGIN
    return np.arange(first + offset_ns, last, round(SECOND / rate_hz), dtype=np.int64)


def seconds(stamps: np.ndarray) -> np.ndarray:
    result: np.ndarray = (stamps - GRID[0]) / SECOND
    return result


def linear(stamps: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = resample_linear(stamps, values[:, None], GRID, SPEC.period_ns, MARGIN)
    assert result.covered.all()
    column: np.ndarray = result.values[:, 0]
    return column


def test_samples_on_the_grid_pass_unchanged():
    stamps = stamps_at(50)
    values = np.random.default_rng(0).normal(size=len(stamps))
    inside = np.isin(stamps, GRID)
    np.testing.assert_array_equal(linear(stamps, values), values[inside])


@pytest.mark.parametrize('rate', [12, 25, 49, 50])
def test_a_ramp_at_up_to_the_grids_rate_is_interpolated_exactly(rate):
    stamps = stamps_at(rate, offset_ns=3_141_592)
    np.testing.assert_allclose(linear(stamps, seconds(stamps)), seconds(GRID), atol=1e-9)


@pytest.mark.parametrize('rate', [100, 200, 1000])
def test_faster_sensors_are_low_pass_filtered_not_decimated(rate):
    stamps = stamps_at(rate)
    slow = np.sin(2 * np.pi * 2 * seconds(stamps))
    np.testing.assert_allclose(
        linear(stamps, slow), np.sin(2 * np.pi * 2 * seconds(GRID)), atol=0.02
    )
    # 48 Hz would appear as 2 Hz if samples were picked.
    fast = np.sin(2 * np.pi * 48 * seconds(stamps))
    assert np.abs(linear(stamps, fast)).max() < 0.15


def test_the_two_regimes_meet_without_a_step():
    values = []
    for period in (SPEC.period_ns - 1, SPEC.period_ns, SPEC.period_ns + 1):
        stamps = GRID[50] - 7_000_000 + np.arange(-5, 6, dtype=np.int64) * period
        data = np.sin(np.arange(11.0))[:, None]
        values.append(resample_linear(stamps, data, GRID[50:51], SPEC.period_ns, MARGIN).values)
    np.testing.assert_allclose(values[0], values[1], atol=1e-6)
    np.testing.assert_allclose(values[2], values[1], atol=1e-6)


@given(st.lists(st.integers(1, 60_000_000), min_size=60, max_size=200), st.integers(0, 2**32 - 1))
def test_a_point_depends_on_its_own_neighbourhood_alone(steps, seed):
    """Resampling a whole stream or any cut of it gives the same bits."""
    stamps = GRID[0] - MARGIN + np.cumsum(np.array(steps, np.int64))
    values = np.random.default_rng(seed).normal(size=(len(stamps), 2))
    whole = resample_linear(stamps, values, GRID, SPEC.period_ns, MARGIN)
    for point in (10, 40, 75):
        near = np.abs(stamps - GRID[point]) <= MARGIN
        alone = resample_linear(
            stamps[near], values[near], GRID[point : point + 1], SPEC.period_ns, MARGIN
        )
        assert alone.covered[0] == whole.covered[point]
        if alone.covered[0]:
            assert alone.values[0].tolist() == whole.values[point].tolist()


def test_a_gap_is_uncovered_and_holds_the_nearest_evidence():
    stamps = stamps_at(50)
    gap = (seconds(stamps) > 0.5) & (seconds(stamps) < 1.1)
    values = (seconds(stamps) > 0.8).astype(float)[:, None]
    result = resample_linear(stamps[~gap], values[~gap], GRID, SPEC.period_ns, MARGIN)
    uncovered = seconds(GRID)[~result.covered]
    assert uncovered.min() > 0.5
    assert uncovered.max() < 1.1
    assert len(uncovered) == 29
    np.testing.assert_array_equal(hold(result).values[:, 0], seconds(GRID) > 0.8)


def test_no_samples_cover_nothing():
    for result in (
        resample_linear(np.empty(0, np.int64), np.empty((0, 3)), GRID, SPEC.period_ns, MARGIN),
        resample_nearest(np.empty(0, np.int64), np.empty((0, 3)), GRID, MARGIN),
    ):
        assert not result.covered.any()
        assert result.values.shape == (len(GRID), 3)
        assert not hold(result).values.any()


def test_nearest_takes_the_closer_frame_and_the_earlier_of_two():
    stamps = GRID[:2].copy()
    middle = (stamps[0] + stamps[1]) // 2
    frames = np.array([[1], [2]], np.uint8)
    points = np.array([stamps[0] - 1, middle, middle + 1, stamps[1] + MARGIN + 1])
    result = resample_nearest(stamps, frames, points, MARGIN)
    assert hold(result).values.ravel().tolist() == [1, 1, 2, 2]
    assert result.covered.tolist() == [True, True, True, False]
    assert result.values.dtype == np.uint8

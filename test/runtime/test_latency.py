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

"""Latency figures."""

import pytest

from xmodal_ros.runtime.latency import latency_figures, LatencyFigures, RecentLatencies


def test_figures_are_percentiles_in_milliseconds() -> None:
    figures = latency_figures(range(0, 101_000_000, 1_000_000))
    assert figures == LatencyFigures(101, 50.0, 95.0)


def test_nothing_gives_zeros() -> None:
    assert latency_figures([]) == LatencyFigures()


def test_only_the_newest_count_and_none_is_negative() -> None:
    recent = RecentLatencies(size=2)
    for value in (900_000_000, -5, 4_000_000):
        recent.add(value)
    figures = recent.figures()
    assert figures.count == 2
    assert figures.p50_ms == pytest.approx(2.0)
    assert figures.p95_ms == pytest.approx(3.8)

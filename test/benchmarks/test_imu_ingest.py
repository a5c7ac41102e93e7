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

"""What the benchmark of IMUs compares does the same on both sides, and its figures are sound."""

import json
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import imu_ingest
from benchmarks.imu_ingest import PlainWindows, RATES_HZ, summarise, TARGET, WINDOW
from test.messages import EPOCH, imu_bytes, SECOND
from test.waiting import COMMAND_S
from xmodal_ros.modalities.imu.decoder import IMU_TYPE, ImuDecoder
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake


def test_plain_windows_are_ours_of_a_stream_without_faults() -> None:
    # Slower than the grid, where both interpolate linearly; faster ones ours averages.
    stamps = range(EPOCH, EPOCH + 5 * SECOND, SECOND // 40)
    rng = np.random.default_rng(0)
    messages = [imu_bytes(t, [*rng.normal(0, 5, 3)], [*rng.normal(0, 1, 3)]) for t in stamps]
    ours = list(SensorIntake(ImuStream(), WINDOW, IMU_TYPE).windows(messages))

    plain, decode = PlainWindows(WINDOW), ImuDecoder()
    windows = [
        window
        for sample in map(decode, messages)
        for window in plain.push(sample.stamp_ns, sample.values)
    ]

    assert len(windows) == len(ours) == 5
    for window, expected in zip(windows, ours, strict=True):
        # Times since the epoch as floating-point numbers are good to 256 ns.
        np.testing.assert_allclose(window, expected.values, atol=1e-3)


def test_cost_is_cpu_time_over_what_was_received() -> None:
    told = {
        'ours': [
            {'sent': 10, 'received': 10, 'windows': 2, 'cpu_ns': 500_000},
            {'sent': 10, 'received': 8, 'windows': 2, 'cpu_ns': 800_000},
        ],
        'plain': [
            {'sent': 10, 'received': 10, 'windows': 2, 'cpu_ns': 2_000_000},
            {'sent': 10, 'received': 10, 'windows': 3, 'cpu_ns': 1_000_000},
        ],
    }
    result = summarise(200, told)
    assert result.cost.ours == (50.0, 100.0)
    assert result.cost.plain == (200.0, 100.0)
    assert result.cost.target == TARGET
    assert result.windows == {'ours': 4, 'plain': 5}
    assert result.lost == {'ours': 2, 'plain': 0}
    assert not result.met


@pytest.mark.parametrize(('received', 'met'), [(10, True), (9, False)])
def test_a_lost_message_misses_whatever_the_cost(received: int, met: bool) -> None:
    told = {
        'ours': [{'sent': 10, 'received': received, 'windows': 1, 'cpu_ns': 1}],
        'plain': [{'sent': 10, 'received': 10, 'windows': 1, 'cpu_ns': 1_000}],
    }
    assert summarise(200, told).met is met


def test_the_benchmark_runs_and_loses_nothing(tmp_path: Path) -> None:
    figures = tmp_path / 'figures.json'
    done = subprocess.run(
        [
            *(sys.executable, imu_ingest.__file__, '--seconds', '0.5', '--rounds', '2'),
            *('--json', str(figures)),
        ],
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert 'ours / plain' in done.stdout, done.stderr
    document = json.loads(figures.read_text())
    assert document['machine']['cores'] > 0
    assert [result['rate_hz'] for result in document['results']] == list(RATES_HZ)
    for result in document['results']:
        assert result['lost'] == {'ours': 0, 'plain': 0}
        assert result['windows']['ours'] == result['windows']['plain'] == 2
        cost = result['cpu_us_per_message']
        assert cost['target'] == TARGET
        for side in ('ours', 'plain', 'ratios'):
            assert len(cost[side]) == 2
            assert min(cost[side]) > 0
    all_met = all(result['cpu_us_per_message']['met'] for result in document['results'])
    assert done.returncode == (0 if all_met else 1)

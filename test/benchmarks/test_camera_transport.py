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

"""The figures of the benchmark of cameras are sound, and it loses no frame."""

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import camera_transport
from benchmarks.camera_transport import CPU_TARGET, LATENCY_TARGET, RATE_HZ, SIDES, summarise
from test.waiting import COMMAND_S


def told(sent: int, cpu_ns: int, *latencies_ms: float) -> dict[str, Any]:
    return {
        'sent': sent,
        'received': len(latencies_ms),
        'cpu_ns': cpu_ns,
        'latencies_ns': [round(ms * 1e6) for ms in latencies_ms],
    }


def test_latency_is_the_median_of_a_round_and_cpu_is_by_frame_received() -> None:
    result = summarise(
        {
            'ours': [told(3, 3_000_000, 1.0, 2.0, 30.0), told(3, 6_000_000, 1.0, 1.0, 1.0)],
            'plain': [told(3, 6_000_000, 8.0, 10.0, 50.0), told(3, 9_000_000, 4.0, 4.0, 4.0)],
            'best_effort': [told(3, 6_000_000, 3.0), told(3, 0)],
        }
    )
    assert result.latency.ours == (2.0, 1.0)
    assert result.latency.plain == (10.0, 4.0)
    assert result.latency.target == LATENCY_TARGET
    assert result.cpu.ours == (1000.0, 2000.0)
    assert result.cpu.plain == (2000.0, 3000.0)
    assert result.cpu.target == CPU_TARGET
    assert result.latency_ms == {'ours': 1.0, 'plain': 6.0, 'best_effort': 3.0}
    assert result.sent == dict.fromkeys(SIDES, 6)
    assert result.lost == {'ours': 0, 'plain': 0, 'best_effort': 5}
    assert result.latency.met
    assert not result.cpu.met
    assert not result.met


@pytest.mark.parametrize(
    ('ours', 'met'),
    [
        (told(2, 1_000_000, 1.0, 1.0), True),
        (told(3, 1_000_000, 1.0, 1.0), False),
        (told(2, 1_000_000, 3.0, 3.0), False),
        (told(2, 6_000_000, 1.0, 1.0), False),
        (told(2, 1_000_000), False),
    ],
    ids=['as wanted', 'a frame lost', 'too slow', 'too dear', 'nothing received'],
)
def test_every_one_of_the_targets_counts(ours: dict[str, Any], met: bool) -> None:
    plain = told(2, 10_000_000, 10.0, 10.0)
    assert summarise({'ours': [ours], 'plain': [plain], 'best_effort': [plain]}).met is met


def test_the_benchmark_runs_and_loses_no_frame(tmp_path: Path) -> None:
    figures = tmp_path / 'figures.json'
    done = subprocess.run(
        [
            *(sys.executable, camera_transport.__file__, '--seconds', '0.5', '--rounds', '2'),
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
    assert set(document['sides']) == set(SIDES)
    for name in ('ours', 'plain'):
        side = document['sides'][name]
        assert side['sent'] == RATE_HZ
        assert side['lost'] == 0
        assert side['latency_p50_ms'] > 0
        assert side['cpu_us_per_frame'] > 0
    comparisons = (document['latency_ms'], document['cpu_us_per_frame'])
    for comparison in comparisons:
        assert len(comparison['ratios']) == 2
    assert done.returncode == (0 if all(each['met'] for each in comparisons) else 1)

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

"""What rows of a robot say of what was measured."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness import Cost, measure_series, registered, Series
from benchmarks.robot import Heard, SENSORS
from benchmarks.rows import live
from benchmarks.rows.live import saved_in_words


def test_memory_saved_without_torch_is_judged_and_a_miss_explained() -> None:
    memory_mb = {'torch': 286.0, 'onnx': 90.0}
    assert saved_in_words(memory_mb) == (
        ', and 286 MB with runtime torch: 196 MB saved, wanted at least 190: met'
    )
    imports_mb = {'rclpy': 34.0, 'rclpy onnxruntime': 66.0, 'torch rclpy': 237.0}
    assert saved_in_words({**memory_mb, 'onnx': 117.0, **imports_mb}) == (
        ', and 286 MB with runtime torch: 169 MB saved, wanted at least 190: missed, for '
        'importing torch takes 203 MB, onnxruntime 32'
    )


def measure(name: str) -> dict[str, Any]:
    each = registered()[name]
    assert isinstance(each, Series)
    return dict(measure_series(each, Path(), lambda _: None))


def test_a_robot_is_judged_by_hop_and_each_sensor_by_its_bare_forward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listen(command: list[str], _: str) -> tuple[dict[str, float], dict[str, Heard]]:
        heard = {name: Heard([20.0, 21.0, 40.0], [1.0, 2.0, 3.0]) for name in SENSORS}
        return {'CPU %': 7.0, 'MB': 310.0}, heard

    monkeypatch.setattr(live, '_listen', listen)
    monkeypatch.setattr(live, 'model', lambda folder, *_, **__: folder)
    monkeypatch.setattr(live, '_forwards', lambda *_: Cost(0.001, 0.008))
    result = measure('robot')
    judged = [*zip(result['lines'], result['verdicts'], strict=True)]

    assert [
        (line['hop s'], [(each['aim'], each['met']) for each in verdicts])
        for line, verdicts in judged
        if line.get('process') == 'perception, onnx' and 'CPU %' in line
    ] == [
        (0.2, [('CPU % ≤ 8', True), ('MB ≤ 300', False)]),
        (0.5, [('CPU % ≤ 6', False), ('MB ≤ 300', False)]),
        (1.0, [('MB ≤ 300', False)]),
    ]
    sensors = [(line, verdicts) for line, verdicts in judged if 'sensor' in line]
    assert len(sensors) == 3 * 2 * len(SENSORS)
    for line, verdicts in sensors:
        assert line['p50 over bare, ms'] == 13.0
        assert verdicts == [{'aim': 'p50 over bare, ms ≤ 15', 'met': True}]
    # Beside what only hears, of which nothing is wanted.
    assert [line['process'] for line, verdicts in judged if not verdicts] == [
        *('plain', 'plain, raw', 'taken and dropped'),
    ]


def test_labels_are_judged_with_batching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, '_pipelines', lambda *_, **__: (1.0, 2500))
    monkeypatch.setattr(live, 'model', lambda folder, *_, **__: folder)
    monkeypatch.setattr(live, '_forwards', lambda *_: Cost(1 / 4000, 1.0))
    result = measure('labels')
    assert [*map(bool, result['verdicts'])] == [False, True, False, True]
    for number, runtime in ((1, 'torch'), (3, 'onnx')):
        assert result['verdicts'][number] == [{'aim': 'labels a second ≥ 3000', 'met': False}]
        line = result['lines'][number]
        assert (line['runtime'], line['forwards alone']) == (runtime, 4000)

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

"""The rows of what comes in count what each side hears, and lose nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness import measure_row, registered, Row
from benchmarks.rows import intake
from benchmarks.rows.intake import Turns


class Side:
    """A child that answers with what it has heard in all."""

    def __init__(self, role: str, *received: int) -> None:
        self.role = role
        self._answers = [{'received': each, 'cpu_ns': 1000 * each} for each in received]

    def ask(self, *, latencies: bool = False, **_: Any) -> dict[str, Any]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return {**answer, 'latencies_ns': []} if latencies else answer


def heard(turns: Turns, role: str, *received: int) -> dict[str, int]:
    side: Any = Side(role, *received)
    driver: Any = Side('driver', 0)
    found: dict[str, int] = turns.hear(side, driver, 10)
    return found


def test_what_is_heard_is_that_of_the_turn_and_what_was_sent_besides_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('benchmarks.side_by_side._STALL_S', 0)
    turns = Turns(seconds=1.0)
    assert heard(turns, 'ours', 100, 110) == {'received': 10, 'cpu_ns': 10_000}
    assert heard(turns, 'best_effort', 5, 9) == {'received': 4, 'cpu_ns': 4_000}
    assert heard(turns, 'best_effort', 9, 19)['received'] == 10
    assert turns.in_words() == 'lost: ours 0 of 10, best effort 6 of 20'


@pytest.mark.parametrize(('role', 'received'), [('ours', 9), ('transport', 9), ('plain', 0)])
def test_ours_may_lose_nothing_and_others_not_all(
    role: str, received: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('benchmarks.side_by_side._STALL_S', 0)
    with pytest.raises(RuntimeError, match=f'{role} lost {10 - received} of 10 messages'):
        heard(Turns(seconds=1.0), role, 0, received)


def test_best_effort_may_lose_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('benchmarks.side_by_side._STALL_S', 0)
    turns = Turns(seconds=1.0)
    assert heard(turns, 'best_effort', 5, 5)['received'] == 0
    assert turns.in_words() == 'lost: best effort 10 of 10'


def test_a_picture_of_which_none_came_costs_nobody_knows_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def children(*_: object) -> Iterator[dict[str, Any]]:
        yield {'best_effort': Side('best_effort', 5), 'best_effort_driver': Side('driver', 0)}

    monkeypatch.setattr('benchmarks.side_by_side._STALL_S', 0)
    monkeypatch.setattr(intake, 'children', children)
    with intake._camera('best_effort') as (_, see):
        cost = see('best_effort')
    assert math.isnan(cost.cpu_s)
    assert math.isnan(cost.wall_s)


def _measured(each: Row, folder: Path) -> Mapping[str, Any]:
    """Measure it again where something is lost: a busy machine may be late for what is kept."""
    for _ in range(2):
        with suppress(RuntimeError):
            return measure_row(each, folder, 1, lambda _: None)
    return measure_row(each, folder, 1, lambda _: None)


@pytest.mark.parametrize(
    ('name', 'side'),
    [('imu at 1000 Hz', 'ours'), ('camera latency', 'transport')],
)
def test_a_row_runs_and_loses_nothing(
    name: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, 'TURN_S', 0.5)
    each = registered()[name]
    assert isinstance(each, Row)
    result = _measured(each, tmp_path)
    assert result['calls'] == 1
    assert f'{side} 0 of ' in result['note']
    for measured in ('cpu', 'wall'):
        for which in ('ours', 'plain'):
            (cost_ms,) = result[measured][which]
            assert 0 < cost_ms < 1000

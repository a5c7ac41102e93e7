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

    def ask(self, **_: Any) -> dict[str, int]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


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


@pytest.mark.parametrize(('role', 'received'), [('ours', 9), ('plain', 0)])
def test_ours_may_lose_nothing_and_others_not_all(
    role: str, received: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('benchmarks.side_by_side._STALL_S', 0)
    with pytest.raises(RuntimeError, match=f'{role} lost {10 - received} of 10 messages'):
        heard(Turns(seconds=1.0), role, 0, received)


@pytest.mark.parametrize('name', ['imu at 1000 Hz', 'camera latency'])
def test_a_row_runs_and_loses_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, 'TURN_S', 0.5)
    each = registered()[name]
    assert isinstance(each, Row)
    result = measure_row(each, tmp_path, 1, lambda _: None)
    assert result['calls'] == 1
    assert 'ours 0 of ' in result['note']
    for measured in ('cpu', 'wall'):
        for side in ('ours', 'plain'):
            (cost_ms,) = result[measured][side]
            assert 0 < cost_ms < 1000

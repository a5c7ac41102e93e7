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

"""The harness measures both sides alike and in turn, and the page says what it found."""

from collections.abc import Callable, Iterator
from pathlib import Path
import subprocess
import time
from typing import Any

import pytest

from benchmarks import harness
from benchmarks.harness import (
    about_row,
    Aim,
    Answer,
    Comparison,
    Cost,
    cost_of,
    Line,
    measure_row,
    measure_series,
    once,
    registered,
    Row,
    row,
    Series,
    series,
    Sides,
)
from benchmarks.models import windowing
from benchmarks.robot import SENSORS
from benchmarks.rows.live import ROBOT_HOPS_S
from xmodal_ros.cli.benchmark_page import as_markdown


def make_row(prepare: Callable[[Path], Iterator[Sides]], aim: float = 0.5) -> Row:
    about: dict[str, Any] = {
        'limit': 'Light.',
        'rounds': None,
        'needs_gpu': False,
        'group': 'here',
    }
    return Row('a row', 'Why?', aim, 'ours', 'theirs', 'cpu', **about, prepare=prepare)


def make_series(*lines: Line, aims: tuple[Aim, ...] = ()) -> Series:
    return Series('growth', 'How?', 'It bends.', aims, 'Air.', 'here', lambda _: iter(lines))


def test_sides_take_turns_and_what_they_measure_themselves_counts(tmp_path: Path) -> None:
    called: list[str] = []
    told: list[Answer] = []

    def prepare(_: Path) -> Iterator[Sides]:
        def ours() -> Cost:
            called.append('ours')
            return Cost(cpu_s=1.0, wall_s=2.0)

        def plain() -> Cost:
            called.append('plain')
            return Cost(cpu_s=4.0, wall_s=4.0)

        yield Sides(ours, plain, unit='window', units=10)
        called.append('tidied up')

    result = measure_row(make_row(prepare), tmp_path, 4, told.append)

    # One to load, for they say themselves what they take; then, who is first changes each round.
    assert called[:2] == ['ours', 'plain']
    assert called[2:-1] == ['ours', 'plain', 'plain', 'ours'] * 2
    assert called[-1] == 'tidied up'
    assert told == [{'steps': 5}, *({'step': number} for number in range(1, 6))]
    assert result['cpu']['ours'] == [100.0] * 4
    assert result['cpu']['ratio'] == 0.25
    assert result['cpu']['met']
    assert result['wall']['ratio'] == 0.5


def test_quick_sides_are_called_until_it_can_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, 'LEAST_S', 0.005)
    calls = {'ours': 0, 'plain': 0}

    def prepare(_: Path) -> Iterator[Sides]:
        def count(side: str) -> None:
            calls[side] += 1

        yield Sides(lambda: count('ours'), lambda: count('plain'))

    result = measure_row(make_row(prepare), tmp_path, 2, lambda _: None)
    assert calls == {'ours': 2 + 2 * result['calls'], 'plain': 2 + 2 * result['calls']}
    assert result['calls'] > 2


def test_cpu_time_is_that_of_threads_and_children_too() -> None:
    def burn() -> None:
        script = 'import time\nwhile time.process_time() < 0.1: pass'
        subprocess.run(['python3', '-c', script], check=True)

    assert cost_of(burn).cpu_s >= 0.1
    assert cost_of(lambda: time.sleep(0.01)).wall_s >= 0.01


def test_cores_are_those_that_a_container_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, 'usable_cores', lambda: 3)
    assert harness.machine()['cores'] == 3


def test_a_series_gives_its_lines_one_by_one(tmp_path: Path) -> None:
    told: list[Answer] = []
    result = measure_series(make_series({'x': 1}, {'x': 2}), tmp_path, told.append)
    assert result['lines'] == [{'x': 1}, {'x': 2}]
    assert told == [{'step': 1}, {'step': 2}]


def test_a_series_is_judged_line_by_line(tmp_path: Path) -> None:
    lines: tuple[Line, ...] = ({'x': 1, 'y': 6.0}, {'x': 2, 'y': 9.0}, {'x': 2}, {'x': 3, 'z': 4})
    aims = (Aim('y', at_most=8), Aim('z', at_least=5, where={'x': 3}))
    result = measure_series(make_series(*lines, aims=aims), tmp_path, lambda _: None)
    assert result['verdicts'] == [
        [{'aim': 'y ≤ 8', 'met': True}],
        [{'aim': 'y ≤ 8', 'met': False}],
        [],
        [{'aim': 'z ≥ 5', 'met': False}],
    ]
    # As figures that say nothing are not good ones.
    (verdict,) = (aims[0].judge({'y': float('nan')}),)
    assert not verdict['met']


@pytest.mark.parametrize('aim', [Aim('speed', at_most=1), Aim('y', at_most=1, where={'x': 2})])
def test_an_aim_that_no_line_is_asked_for_is_an_error(aim: Aim, tmp_path: Path) -> None:
    series = make_series({'x': 1, 'y': 0.25}, aims=(aim,))
    with pytest.raises(ValueError, match=r'no line of growth is asked for (speed|y) ≤ 1'):
        measure_series(series, tmp_path, lambda _: None)


def test_a_note_may_tell_what_is_known_at_the_end(tmp_path: Path) -> None:
    heard: list[str] = []

    def prepare(_: Path) -> Iterator[Sides]:
        yield Sides(lambda: heard.append('ours'), list, note=lambda: f'{len(heard)} heard')

    result = measure_row(make_row(prepare), tmp_path, 2, lambda _: None)
    assert result['note'] == f'{len(heard)} heard'


def test_material_is_made_once_and_never_half(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        path.mkdir()
        raise RuntimeError('no')

    with pytest.raises(RuntimeError):
        once(tmp_path / 'deep' / 'bag', broken)
    assert not (tmp_path / 'deep' / 'bag').exists()
    once(tmp_path / 'bag', lambda path: path.write_text('first'))
    assert once(tmp_path / 'bag', broken).read_text() == 'first'


def test_names_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, 'ROWS', {})
    row('taken', 'Why?', aim=1, ours='', plain='')(lambda _: iter(()))
    with pytest.raises(ValueError, match='taken'):
        series('taken', 'Why?')(lambda _: iter(()))


def test_every_row_says_what_it_compares() -> None:
    found = registered()
    assert 'inspect' in found
    for name, each in found.items():
        assert each.question.endswith('?'), name
        assert not isinstance(each, Row) or (each.ours and each.plain), name
        assert not isinstance(each, Series) or not each.aims or each.limit, name


def test_the_page_says_where_ratios_and_limits(tmp_path: Path) -> None:
    def prepare(_: Path) -> Iterator[Sides]:
        yield Sides(lambda: Cost(3e-6, 1.0), lambda: Cost(2e-6, 1.0), 'window', note='small')

    grows = make_series({'x': 1, 'y': 0.25}, {'x': 2, 'z': 'all'})
    results = [
        measure_row(make_row(prepare), tmp_path, 2, lambda _: None),
        measure_series(grows, tmp_path, lambda _: None),
    ]
    document = {
        'machine': {**harness.machine(), 'model': 'Abacus'},
        'results': [{**each, 'load': [0.5, 2.0]} for each in results],
    }
    page = as_markdown(document)
    assert 'Abacus' in page
    assert 'load of the machine 0.5 to 2.0' in page
    assert '| a row | 3 µs a window | 2 µs | **1.50 (1.50–1.50)** | ≤ 0.5 | missed |' in page
    assert 'plain: theirs (small). Light.' in page
    table = '| x | y | z |\n|---|---|---|\n| 1 | 0.25 |  |\n| 2 |  | all |\n'
    assert f'## Growth\n\nHow?\n\n{table}\nIt bends.\n' in page


def test_the_page_judges_series_and_says_what_sets_the_limit_of_a_missed_aim() -> None:
    def page(*bounds: float) -> str:
        aims = tuple(Aim('y', at_most=bound) for bound in bounds)
        grows = make_series({'x': 1}, {'x': 2, 'y': 5.0}, aims=aims)
        result = measure_series(grows, Path(), lambda _: None)
        return as_markdown({'machine': harness.machine(), 'results': [result]})

    missed = page(6, 4)
    assert '| x | y | aims |' in missed
    assert '| 1 |  |  |\n| 2 | 5 | y ≤ 6: met; y ≤ 4: missed |' in missed
    assert '\nIt bends. Air.\n' in missed
    met = page(6)
    assert 'y ≤ 6: met' in met
    assert 'Air.' not in met


def test_the_page_tells_what_was_not_measured() -> None:
    idle = {**about_row(make_row(lambda _: iter(()))), 'unmeasured': 'no GPU was there'}
    page = as_markdown({'machine': harness.machine(), 'results': [idle]})
    assert '| a row |  |  |  | ≤ 0.5 | not measured |' in page
    assert '- **a row**: Why? Ours: ours; plain: theirs. Not measured: no GPU was there.' in page


def test_comparison_in_words() -> None:
    # The ratio of the medians would be 0.5, that of the sums 0.33.
    comparison = Comparison((1.0, 4.0, 6.0), (10.0, 8.0, 15.0), target=0.4)
    assert comparison.ratios == (0.1, 0.5, 0.4)
    assert comparison.ratio == 0.4
    assert comparison.met
    assert '0.40 (rounds 0.10 to 0.50), wanted at most 0.4: met' in comparison.in_words()
    assert not Comparison((2.0,), (4.0,), target=0.49).met


def test_sides_that_have_nothing_to_do_are_refused():
    with pytest.raises(ValueError, match='no window to measure: 90 messages'):
        Sides(list, list, unit='window', units=0, note='90 messages')


def test_the_hops_of_the_robot_are_those_of_each_sensor():
    for hop_s in ROBOT_HOPS_S:
        for sensor in SENSORS:
            assert windowing(sensor, hop_s).hop_ns == hop_s * 1e9

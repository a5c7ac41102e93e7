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

"""What ``xmodal benchmark`` has measured, as a table on a terminal and as a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import statistics
from typing import Any, Final

from rich.table import Table
from rich.text import Text

_HEAD: Final = """\
# How fast it is

Written by `xmodal benchmark --page docs/performance.md`; [benchmarks.md](benchmarks.md) says how
it measures. Each row compares two sides that do the same work, in turn, several rounds long. The
ratio is ours over plain, the median over the rounds with the least and the most in brackets; it is
that of CPU time, of all threads and processes, where nothing else is said. Absolute figures move
with what else the machine does, ratios hardly. Rows may be of several runs (`--add`). Of a missed
aim the notes say what sets the limit. Series, further down, have one side.
"""


def as_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out the ratios for a terminal, and each series below as lines of its own."""
    table = Table('benchmark', 'ours', 'plain', 'ratio', 'aim', '')
    for result in results:
        if result['kind'] == 'row':
            table.add_row(*_cells(result))
        for line, verdicts in _judged(result):
            words = ', '.join(f'{key} {_figure(value)}' for key, value in line.items())
            table.add_row(result['name'], Text(words), '', '', '', Text(_verdicts(verdicts)))
    return table


def as_markdown(document: Mapping[str, Any]) -> str:
    """Write the page: where it was measured, a table of all rows, notes, and the series."""
    results = document['results']
    rows = [each for each in results if each['kind'] == 'row']
    parts = [_HEAD, _machine(document), _rows(rows), *map(_notes, rows)]
    parts += [_series(each) for each in results if each['kind'] == 'series']
    return '\n'.join(filter(None, parts))


def _machine(document: Mapping[str, Any]) -> str:
    machine = document['machine']
    loads = [load for each in document['results'] for load in each.get('load', ())]
    versions = ', '.join(f'{name} {found}' for name, found in machine['versions'].items())
    load = f'{min(loads):.1f} to {max(loads):.1f}' if loads else 'unknown'
    return (
        f'Measured on {machine["model"] or machine["processor"]} with {machine["cores"]} cores, '
        f'{"GPU " + machine["gpu"] if machine["gpu"] else "no GPU"}, {machine["system"]}, CPython '
        f'{machine["python"]}, {versions}; load of the machine {load}.\n'
    )


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ('', 'ours', 'plain', 'ours / plain', 'aim', '')
    lines = [_cells(row) for row in rows]
    bold = [(*cells[:3], f'**{cells[3]}**' if cells[3] else '', *cells[4:]) for cells in lines]
    return _markdown_table(heads, bold)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what a table shows of a row: name, both sides, ratio, aim, and the verdict."""
    aim = f'≤ {row["aim"]:g}'
    if _unmeasured(row):
        return row['name'], '', '', '', aim, 'not measured'
    verdict = 'met' if row[row['measure']]['met'] else 'missed'
    return row['name'], *_costs(row), _ratio(row), aim, verdict


def _unmeasured(row: Mapping[str, Any]) -> str:
    """Say why a row was not measured; nothing of one that was."""
    return str(row.get('unmeasured', ''))


def _notes(row: Mapping[str, Any]) -> str:
    """Say what is compared, and what sets the limit where an aim is missed."""
    counted = '' if row['measure'] == 'cpu' else ' Time by the clock counts.'
    question = f'**{row["name"]}**: {row["question"]}'
    if why := _unmeasured(row):
        note, limit = '', f' Not measured: {why}.'
    else:
        note = f' ({row["note"]})' if row['note'] else ''
        limit = f' {row["limit"]}' if row['limit'] and not row[row['measure']]['met'] else ''
    return f'- {question} Ours: {row["ours"]}; plain: {row["plain"]}{note}.{counted}{limit}'


def _series(series: Mapping[str, Any]) -> str:
    judged = [*_judged(series)]
    # Of all lines, for some lack what does not concern them.
    keys = [*dict.fromkeys(key for line, _ in judged for key in line)]
    cells = [[_figure(line.get(key, '')) for key in keys] for line, _ in judged]
    met = [verdict['met'] for _, verdicts in judged for verdict in verdicts]
    if met:
        keys.append('aims')
        for line, (_, verdicts) in zip(cells, judged, strict=True):
            line.append(_verdicts(verdicts))
    limit = f' {series["limit"]}' if series.get('limit') and not all(met) else ''
    heading = series['name'][:1].upper() + series['name'][1:]
    table = _markdown_table(keys, cells)
    return f'\n## {heading}\n\n{series["question"]}\n\n{table}\n{series["reading"]}{limit}\n'


def _judged(result: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Sequence[Any]]]:
    """Give the lines of a series with the verdicts on each, which older figures lack."""
    lines = result.get('lines', ())
    return zip(lines, result.get('verdicts', [()] * len(lines)), strict=True)


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    return '; '.join(f'{each["aim"]}: {"met" if each["met"] else "missed"}' for each in verdicts)


def _markdown_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    text = [f'| {" | ".join(heads)} |', f'|{"---|" * len(heads)}']
    return '\n'.join([*text, *(f'| {" | ".join(line)} |' for line in lines)]) + '\n'


def _costs(row: Mapping[str, Any]) -> tuple[str, str]:
    """Give the median cost of both sides, in words."""
    figures = row[row['measure']]
    ours, plain = (_cost(statistics.median(figures[side])) for side in ('ours', 'plain'))
    return f'{ours} a {row["unit"]}', plain


def _cost(milliseconds: float) -> str:
    if milliseconds >= 1e3:
        return f'{milliseconds / 1e3:.3g} s'
    return f'{milliseconds:.3g} ms' if milliseconds >= 1 else f'{1e3 * milliseconds:.3g} µs'


def _ratio(row: Mapping[str, Any]) -> str:
    figures = row[row['measure']]
    ratios = figures['ratios']
    return f'{figures["ratio"]:.2f} ({min(ratios):.2f}–{max(ratios):.2f})'


def _figure(value: float | int | str) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)

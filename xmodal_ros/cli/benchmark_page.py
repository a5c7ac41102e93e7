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

from collections.abc import Iterable, Mapping, Sequence
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
aim the notes say what sets the limit.
"""


def as_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out the ratios for a terminal, and each series below as lines of its own."""
    table = Table('benchmark', 'ours', 'plain', 'ratio', 'aim', '')
    for result in results:
        if result['kind'] == 'row':
            aim = f'{result["aim"]:g}'
            table.add_row(result['name'], *_costs(result), _ratio(result), aim, _verdict(result))
        for line in result.get('lines', ()):
            words = ', '.join(f'{key} {_figure(value)}' for key, value in line.items())
            table.add_row(result['name'], Text(words), '', '', '', '')
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
    loads = [load for each in document['results'] for load in each['load']]
    versions = ', '.join(f'{name} {found}' for name, found in machine['versions'].items())
    load = f'{min(loads):.1f} to {max(loads):.1f}' if loads else 'unknown'
    return (
        f'Measured on {machine["model"] or machine["processor"]} with {machine["cores"]} cores, '
        f'{"GPU " + machine["gpu"] if machine["gpu"] else "no GPU"}, {machine["system"]}, CPython '
        f'{machine["python"]}, {versions}; load of the machine {load}.\n'
    )


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ('', 'ours', 'plain', 'ours / plain', 'aim', '')
    lines = [
        (row['name'], *_costs(row), f'**{_ratio(row)}**', f'≤ {row["aim"]:g}', _verdict(row))
        for row in rows
    ]
    return _markdown_table(heads, lines)


def _notes(row: Mapping[str, Any]) -> str:
    """Say what is compared, and what sets the limit where an aim is missed."""
    counted = '' if row['measure'] == 'cpu' else ' Time by the clock counts.'
    limit = f' {row["limit"]}' if row['limit'] and not row[row['measure']]['met'] else ''
    note = f' ({row["note"]})' if row['note'] else ''
    question = f'**{row["name"]}**: {row["question"]}'
    return f'- {question} Ours: {row["ours"]}; plain: {row["plain"]}{note}.{counted}{limit}'


def _series(series: Mapping[str, Any]) -> str:
    lines = series['lines']
    keys = list(lines[0]) if lines else []
    table = _markdown_table(keys, ([_figure(line[key]) for key in keys] for line in lines))
    heading = series['name'][:1].upper() + series['name'][1:]
    return f'\n## {heading}\n\n{series["question"]}\n\n{table}\n{series["reading"]}\n'


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


def _verdict(row: Mapping[str, Any]) -> str:
    return 'met' if row[row['measure']]['met'] else 'missed'


def _figure(value: float | int | str) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)

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

"""A study's result for people and scripts: JSON, Markdown and a plot."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
import io
import json
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xmodal_ros.files import write_atomic
from xmodal_ros.metrics.statistics import Difference
from xmodal_ros.studies.curves import plot_curves
from xmodal_ros.studies.study import StudyResult
from xmodal_ros.studies.summary import Line, Table

_ALL_SHOWN: Final = 12


def write_report(result: StudyResult, folder: Path) -> None:
    """Write ``study.json``, ``table.md`` and ``differences.png`` into a folder, each whole.

    Where a study has several amounts of people or labels, ``curve.png`` too.
    Raises :class:`ConfigurationError` when that cannot be done.
    """
    text = json.dumps(as_mapping(result), indent=1, allow_nan=False)
    write_atomic(folder / 'study.json', text + '\n')
    write_atomic(folder / 'table.md', markdown(result))
    write_atomic(folder / 'differences.png', plot(result.tables))
    curve = plot_curves(result.study, result.tables)
    if curve is not None:
        write_atomic(folder / 'curve.png', curve)


def as_mapping(result: StudyResult) -> dict[str, Any]:
    """Give the result in the form of ``study.json``."""
    return {
        'study': result.study.model_dump(mode='json'),
        'runs': {
            'planned': len(result.records),
            'done': result.done,
            'failed': result.failed,
        },
        'environments': [
            {'runs': count, **dict(found)} for found, count in _environments(result).items()
        ],
        'other_code': dict(result.other_code),
        'compute_s': round(sum(r.duration_s for _, r in result.records if r), 1),
        'tables': [asdict(table) for table in result.tables],
        'results': [
            record.model_dump(mode='json') for _, record in result.records if record is not None
        ],
    }


def _environments(result: StudyResult) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(r.environment.items()) for _, r in result.records if r and r.outcome)


def markdown(result: StudyResult) -> str:
    """Give the tables as Markdown, with all that is needed to read them."""
    study = result.study
    parts = [f'# {study.title}']
    if study.description:
        parts.append(study.description.strip())
    if result.done < len(result.records):
        missing = len(result.records) - result.done
        parts.append(
            f'**Incomplete:** {missing} of {len(result.records)} runs have no result '
            f'({result.failed} failed). What is shown rests on the seeds that are complete; of a '
            'target that has none, on the folds of one seed that all of its rows have done.'
        )
    if result.other_code:
        found = ', '.join(f'{count} of {what}' for what, count in result.other_code.items())
        parts.append(
            f'**Not alike:** some runs were made by other code than this study had when it was '
            f'written ({found}); `--again` runs them anew.'
        )
    seeds = ', '.join(map(str, study.seeds))
    computed_h = sum(record.duration_s for _, record in result.records if record) / 3600
    done_on = [
        f'{dict(found)["device"]}: {count} runs with '
        + ', '.join(f'{name} {value}' for name, value in found if name != 'device')
        for found, count in _environments(result).items()
    ]
    parts.append(
        f'Seeds {seeds}. {result.done} runs, {computed_h:.2f} h of computing. '
        + '; '.join(done_on)
        + '.'
    )
    parts.append(
        'Macro-F1 on test windows: mean over seeds, with the lowest and highest seed. '
        'Δ is the difference to the unimodal row of the same target, with its 95 % interval from '
        f'a bootstrap over test subjects{_and_seeds(study.seeds)}; p is corrected by Holm over '
        'each table. '
        '"Better" counts the people whose own score is above that of the unimodal row. "Δ to the '
        'best alone" is the same to whichever row without a source is best here, named in '
        'brackets; its p is corrected apart.'
    )
    for table in result.tables:
        parts += _table(table)
    if study.findings:
        parts.append(study.findings.strip())
    return '\n\n'.join(parts) + '\n'


def _and_seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > 1:
        return ' and seeds'
    return ' alone (how much another training of the same would differ, one seed does not tell)'


def _table(table: Table) -> list[str]:
    head = (
        'target', 'sources', 'row', 'per clip', 'seeds', 'Δ per clip', 'p', 'better',
        'Δ to the best alone', 'p', 'per window', 'Δ per window', 'parameters', 'runs',
    )  # fmt: skip
    rows = [head, ('---',) * len(head), *(_cells(line) for line in table.lines)]
    shown = '\n'.join(f'| {" | ".join(row)} |' for row in rows)
    subjects = sorted({line.subjects for line in table.lines if line.seeds})
    tested = '/'.join(map(str, subjects)) or 'No'
    compared = sum(line.p is not None for line in table.lines)
    parts = [
        f'## {table.split.capitalize()}, {table.labels}',
        f'{tested} test subjects; the p of {compared} comparisons are corrected.',
        shown,
    ]
    failures = [f'- {_name(line)}: {reason}' for line in table.lines for reason in line.failures]
    if failures:
        parts += ['Failed:', '\n'.join(failures)]
    return parts


def _cells(line: Line) -> tuple[str, ...]:
    scored = '–'
    if line.macro_f1 is not None:
        spread = f' ({line.low:.3f} to {line.high:.3f})' if len(line.seeds) > 1 else ''
        scored = f'{line.macro_f1:.3f}{spread}'
    return (
        line.target,
        _sources(line),
        _row(line),
        scored,
        str(len(line.seeds)),
        _difference(line.clip),
        '' if line.p is None else f'{line.p:.3f}',
        '' if line.better is None else f'{line.better[0]} of {line.subjects}',
        _difference(line.best_alone) + (f' [{line.best_alone_row}]' if line.best_alone else ''),
        '' if line.best_alone_p is None else f'{line.best_alone_p:.3f}',
        '–' if line.macro_f1_window is None else f'{line.macro_f1_window:.3f}',
        _difference(line.window),
        ' to '.join(f'{count:,}' for count in (line.parameters[:1] + line.parameters[1:][-1:])),
        f'{line.runs}/{line.runs_planned}',
    )


def _row(line: Line) -> str:
    if line.is_reference:
        return f'**{line.row}**'
    taken = ', '.join(f'{name} {count}' for name, count in line.chosen.items() if count)
    return f'{line.row} ({taken})' if taken else line.row


def _sources(line: Line) -> str:
    if not line.sources or all(count == line.runs for count in line.sources_kept.values()):
        return ', '.join(line.sources)
    # A guard may have left some out.
    used = (f'{name} (used {line.sources_kept[name]}/{line.runs})' for name in line.sources)
    return ', '.join(used)


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return ''
    if difference.low is None or difference.high is None:
        return f'{difference.mean:+.3f} (no interval)'
    return f'{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})'


def _name(line: Line) -> str:
    learns = f' from {"+".join(line.sources)}' if line.sources else ''
    return f'{line.target}{learns}, {line.row}'


def plot(tables: Sequence[Table]) -> bytes:
    """Draw the differences per clip with their intervals, a panel a table; gives a PNG."""
    shown = [(table, [line for line in table.lines if line.clip]) for table in tables]
    shown = [(table, lines) for table, lines in shown if lines]
    heights = [max(3.0, 0.24 * len(lines) + 1.2) for _, lines in shown] or [2.0]
    figure = Figure(figsize=(9, sum(heights)), layout='constrained')
    panels = figure.subplots(
        max(1, len(shown)), 1, squeeze=False, gridspec_kw={'height_ratios': heights}
    )
    if not shown:
        panels[0, 0].set_axis_off()
        panels[0, 0].text(0.5, 0.5, 'nothing to compare yet', ha='center', va='center')
    for axes, (table, lines) in zip(panels[:, 0], shown, strict=False):
        _panel(axes, table, lines)
    picture = io.BytesIO()
    figure.savefig(picture, format='png', dpi=120)
    return picture.getvalue()


def _panel(axes: Axes, table: Table, lines: Sequence[Line]) -> None:
    targets = list(dict.fromkeys(line.target for line in lines))
    for place, line in enumerate(lines):
        difference = line.clip
        assert difference is not None  # noqa: S101 - only such lines are drawn
        colour = f'C{targets.index(line.target) % _ALL_SHOWN}'
        if difference.low is not None and difference.high is not None:
            axes.plot([difference.low, difference.high], [place, place], color=colour)
        axes.plot(difference.mean, place, 'o', color=colour, markersize=4)
    axes.axvline(0, color='grey', linewidth=0.8)
    axes.set_yticks(range(len(lines)), [_name(line) for line in lines], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel('macro-F1 per clip, difference to unimodal, 95 % interval')
    axes.set_title(f'{table.split}, {table.labels}')

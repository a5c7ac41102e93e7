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

"""What ``xmodal evaluate`` prints when it is done."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xmodal_ros.activities import in_words
from xmodal_ros.evaluation.requirements import Check
from xmodal_ros.evaluation.scoring import Evaluation, latency_summary
from xmodal_ros.evaluation.trial import Comparison, RobustnessCurve, RobustnessPoint, Trial
from xmodal_ros.metrics.measures import Measures

_PERCENT: Final = 100
_ROWS: Final[Mapping[str, str]] = {
    'macro-F1 per clip': 'macro_f1',
    'macro-F1 per window': 'macro_f1_window',
    'accuracy per clip': 'accuracy',
    'balanced accuracy per clip': 'balanced_accuracy',
    'segmental F1@50': 'segmental_f1_50',
    'edit score': 'edit',
    'segments detected': 'detection_rate',
    'detected after, s': 'detection_delay_s',
    'calibration error': 'ece',
    'unknown windows': 'unknown_rate',
    'accuracy where not unknown': 'selective_accuracy',
}
# What a curve shows in the terminal; the rest is in the report and the JSON.
_SHOWN: Final = 'macro_f1'


def print_trial(trial: Trial, console: Console) -> None:
    """Print all results but the checks."""
    console.print(_scores(trial))
    if trial.selection is not None:
        console.print(f'[dim]{trial.selection.explanation}[/]', soft_wrap=True)
    for evaluation in trial.evaluations:
        console.print(_remarks(evaluation, several=len(trial.evaluations) > 1))
    if trial.comparison is not None:
        console.print(_comparison(trial.comparison))
    if trial.robustness:
        console.print(_robustness(trial.robustness))


def print_checks(checks: Sequence[Check], console: Console) -> None:
    """Print a table of the requirements that are not met, or that all are."""
    failed = [each for each in checks if not each.met]
    if not failed:
        if checks:
            console.print(f'[green]all {len(checks)} requirements are met[/]')
        return
    table = Table(title=f'[red]{len(failed)} of {len(checks)} requirements are not met[/]')
    for heading in ('required', 'is', 'bundle'):
        table.add_column(heading)
    for each in failed:
        value = 'not measured' if each.value is None else f'{each.value:.4g}'
        table.add_row(escape(str(each.requirement)), value, escape(each.bundle))
    console.print(table)


def _scores(trial: Trial) -> Table:
    columns: list[tuple[str, Measures]] = [
        (evaluation.name, evaluation.measures) for evaluation in trial.evaluations
    ]
    if trial.selection is not None:
        columns.append((trial.selection.title, trial.selection.measures))
    table = Table(show_header=len(columns) > 1, box=None)
    table.add_column('')
    for name, _ in columns:
        table.add_column(escape(name))
    for title, key in _ROWS.items():
        cells = [_value(measures, key) for _, measures in columns]
        if any(cells):
            table.add_row(title, *cells)
    if over := _resampled(columns):
        table.add_row('', f'[dim]\\[95 % intervals over {over}][/]')
    return table


def _value(measures: Measures, key: str) -> str:
    value = measures.scalars[key]
    if value is None:
        return ''
    interval = measures.intervals.get(key)
    error = f'  [dim]\\[{interval.words}][/]' if interval else ''
    return f'{value:.3f}{error}'


def _resampled(columns: Sequence[tuple[str, Measures]]) -> str:
    found = {
        f'{each.units} {each.over}' + (' of one subject' if each.over == 'recordings' else '')
        for _, measures in columns
        for each in measures.intervals.values()
    }
    return ' or '.join(sorted(found))


def _remarks(evaluation: Evaluation, *, several: bool) -> Table:
    """Say of one bundle what was counted and what is amiss."""
    scores, agreement = evaluation.scores, evaluation.agreement
    table = Table(show_header=False, box=None)
    if several:
        table.add_row(f'[bold]{escape(evaluation.name)}[/]')
    if scores is None:
        why = (
            'no window belongs to a labelled segment: look at what is said of recordings below, '
            "and at the windows' length"
            if any(bag.segments for bag in evaluation.bags)
            else 'no recording is labelled'
        )
        table.add_row('scores', f'[yellow]none: {why}[/]')
    else:
        bags = [bag for bag in evaluation.bags if bag.is_scored]
        people = len({bag.subject for bag in bags})
        table.add_row(
            'scored',
            f'{_count(scores.clips, "clip")} and {_count(scores.windows, "window")} of '
            f'{_count(len(bags), "recording")}, {_count(people, "subject")}',
        )
    if unlearnt := evaluation.clips_of_unknown_labels:
        names = ', '.join(f'{name} ({_count(n, "clip")})' for name, n in unlearnt.items())
        table.add_row('not learnt', f'[yellow]{escape(names)}[/]')
    if several_names := [in_words(each) for each in evaluation.other_spellings]:
        table.add_row(
            'one activity?',
            f'[yellow]{escape("; ".join(several_names))}: --merge-labels takes them for one[/]',
        )
    for bag in evaluation.bags:
        faults = [f'{count} messages dropped: {why}' for why, count in bag.offline.drops.items()]
        faults += [f'{bag.offline.resets} jumps of time'] if bag.offline.resets else []
        faults += bag.doubts
        if faults:
            table.add_row(escape(bag.name), f'[yellow]{escape("; ".join(faults))}[/]')
    if agreement is not None:
        verdict = '[green]equal[/]' if agreement.equal else '[red]differ[/]'
        table.add_row(
            'live and offline',
            f'{verdict}: {agreement.compared} stamps compared, {agreement.missing} missing, '
            f'{agreement.extra} extra, {agreement.other_label} other labels, '
            f'scores within {agreement.largest_difference:.2g}',
        )
    if latency := latency_summary(evaluation):
        figures = f'p50 {latency["p50"]:.1f} ms, p95 {latency["p95"]:.1f} ms'
        hurried = ' with the waiting at full speed; --rate 1 tells that of a robot'
        table.add_row('live latency', figures + (hurried if evaluation.hurried else ''))
    return table


def _comparison(comparison: Comparison) -> Table:
    people = _count(comparison.units, comparison.over.rstrip('s'))
    table = Table(title=f'differences over {people}, p corrected by Holm for all of them')
    for heading in ('', 'difference', '95 % interval', 'p', 'corrected'):
        table.add_column(heading)
    for each in comparison.differences:
        interval = '' if each.low is None else f'{each.low:+.3f} to {each.high:+.3f}'
        table.add_row(
            escape(f'{each.metric}: {each.ours} - {each.theirs}'),
            f'{each.difference:+.3f}',
            interval or 'not known',
            '' if each.p is None else f'{each.p:.3f}',
            '' if each.p_holm is None else f'{each.p_holm:.3f}',
        )
    return table


def _robustness(curves: Sequence[RobustnessCurve]) -> Table:
    table = Table(title='macro-F1 per clip under faults')
    for heading in ('bundle', 'fault', 'unharmed', 'worse and worse'):
        table.add_column(heading)
    for curve in curves:
        unharmed, *harmed = curve.points
        steps = [f'{each.severity:g}: {_short(each)}' for each in harmed]
        unit = f', {curve.unit}' if curve.unit else ''
        table.add_row(
            escape(curve.bundle), f'{curve.fault}: {curve.harm}{unit}', _short(unharmed),
            '  '.join(steps),
        )  # fmt: skip
    return table


def _short(point: RobustnessPoint) -> str:
    value = point.scalars[_SHOWN]
    return '-' if value is None else f'{value:.2f}'


def _count(number: int, what: str) -> str:
    return f'{number} {what}' + ('' if number == 1 else 's')

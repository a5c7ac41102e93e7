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

"""What ``xmodal study`` does, apart from its options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
import typer

from xmodal_ros.cli.progress import Lines, ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.stopping import exit_code, STOPPED
from xmodal_ros.errors import TrainingError
from xmodal_ros.executors import ExecutorSettings, parse_options
from xmodal_ros.files import check_writable
from xmodal_ros.machine import usable_cores
from xmodal_ros.studies.report import as_mapping, write_report
from xmodal_ros.studies.runner import THREADS_A_RUN
from xmodal_ros.studies.specification import load_study
from xmodal_ros.studies.study import StudyResult, StudyRuns

_LINES: Final = Lines(step='{stage} {done}/{total}: {detail}')


@dataclass(frozen=True)
class StudySettings:
    """The options of ``xmodal study``."""

    study: str
    out: Path
    recordings: tuple[Path, ...] = ()
    quick: bool = False
    merge_labels: bool = False
    jobs: int | None = None
    device: str = 'auto'
    cluster: str = ''
    cluster_options: tuple[str, ...] = ()
    again: bool = False
    json: Path | None = None


def run(settings: StudySettings) -> StudyResult:
    """Run or go on with a study, write its tables, print a summary.

    Raises :class:`TrainingError` when some runs failed, after the tables are written.
    """
    console = Console(stderr=True)
    check_writable(settings.json)
    study = load_study(settings.study, quick=settings.quick)
    if settings.recordings:
        study = study.model_copy(update={'recordings': settings.recordings})
    if settings.merge_labels:
        study = study.model_copy(update={'merge_labels': True})
    workers = settings.jobs or max(1, usable_cores() // THREADS_A_RUN)
    options = parse_options(settings.cluster_options)
    executors = ExecutorSettings(workers, settings.cluster, options, settings.out / 'slurm')
    runs = StudyRuns(
        study,
        settings.out,
        settings.device,
        elsewhere=bool(settings.cluster),
        again=settings.again,
    )
    stopped: BaseException | None = None
    try:
        with ProgressBars(console, _LINES) as bars:
            runs.prepare(bars, workers, executors.open if settings.cluster else None)
            if runs.jobs() and not settings.cluster:
                count = min(workers, len(runs.jobs()))
                bars.note(f'starting {count} worker{"" if count == 1 else "s"}')
            runs.do(workers, bars, executors.open)
    except STOPPED as stop:
        stopped = stop
    result = runs.result()
    if result.records:
        write_report(result, settings.out)
    if stopped is not None:
        done = f'{result.done} of {len(result.records)} runs are done'
        console.print(
            f'stopped: {done if result.records else "no run was begun"}; the same command '
            'goes on from there',
            soft_wrap=True,
        )
        raise typer.Exit(exit_code(stopped))
    write_result(settings.json, as_mapping(result))
    _print_summary(result, settings.out, console)
    if result.failed:
        raise TrainingError(
            f'{result.failed} of {len(result.records)} runs failed, for the reasons in '
            f'{settings.out / "table.md"}; the same command tries them again'
        )
    return result


def _print_summary(result: StudyResult, out: Path, console: Console) -> None:
    for table in result.tables:
        shown = Table('target', 'sources', 'row', 'macro-F1', 'Δ to unimodal', 'p')
        for line in table.lines:
            shown.add_row(
                escape(line.target),
                escape(', '.join(line.sources)),
                escape(line.row),
                '–' if line.macro_f1 is None else f'{line.macro_f1:.3f}',
                '' if line.clip is None else f'{line.clip.mean:+.3f}',
                '' if line.p is None else f'{line.p:.3f}',
            )
        console.print(f'[bold]{table.split}, {escape(table.labels)}[/]')
        console.print(shown)
    console.print(f'tables and plot are in {escape(str(out))}', soft_wrap=True)

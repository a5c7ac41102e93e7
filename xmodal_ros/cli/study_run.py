"""What ``xmodal study`` does, apart from its options."""

from dataclasses import dataclass
import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
import typer

from xmodal_ros.cli.result import write_result
from xmodal_ros.configuration.plan import EpochProgress
from xmodal_ros.errors import TrainingError
from xmodal_ros.executors import ExecutorSettings, parse_options
from xmodal_ros.files import check_writable
from xmodal_ros.studies.report import as_mapping, write_report
from xmodal_ros.studies.runner import THREADS_A_RUN
from xmodal_ros.studies.specification import load_study
from xmodal_ros.studies.study import StudyResult, StudyRuns


@dataclass(frozen=True)
class StudySettings:
    """The options of ``xmodal study``."""

    study: str
    out: Path
    recordings: tuple[Path, ...] = ()
    quick: bool = False
    jobs: int | None = None
    device: str = 'auto'
    cluster: str = ''
    cluster_options: tuple[str, ...] = ()
    json: Path | None = None


def run(settings: StudySettings) -> StudyResult:
    """Run or go on with a study, write its tables, print a summary; exits with 130 on Ctrl-C.

    Raises :class:`TrainingError` when some runs failed, after the tables are written.
    """
    console = Console(stderr=True)
    check_writable(settings.json)
    study = load_study(settings.study, quick=settings.quick)
    if settings.recordings:
        study = study.model_copy(update={'recordings': settings.recordings})
    workers = settings.jobs or max(1, (os.cpu_count() or 1) // THREADS_A_RUN)
    options = parse_options(settings.cluster_options)
    executors = ExecutorSettings(workers, settings.cluster, options, settings.out / 'slurm')
    runs = StudyRuns(study, settings.out, settings.device, elsewhere=bool(settings.cluster))
    stopped = False
    try:
        with _Lines(console) as lines:
            runs.prepare(lines, workers, executors.open if settings.cluster else None)
            runs.do(workers, lines, executors.open)
    except KeyboardInterrupt:
        stopped = True
    result = runs.result()
    if result.records:
        write_report(result, settings.out)
    if stopped:
        done = f'{result.done} of {len(result.records)} runs are done'
        console.print(
            f'stopped: {done if result.records else "no run was begun"}; the same command '
            'goes on from there',
            soft_wrap=True,
        )
        raise typer.Exit(130)
    write_result(settings.json, as_mapping(result))
    _print_summary(result, settings.out, console)
    if result.failed:
        raise TrainingError(
            f'{result.failed} of {len(result.records)} runs failed, for the reasons in '
            f'{settings.out / "table.md"}; the same command tries them again'
        )
    return result


class _Lines:
    """Progress on stderr: a bar in a terminal, else a line for each step of the work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn('{task.fields[detail]}'),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._stage = ''
        self._total = 0

    def __enter__(self) -> '_Lines':
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, total: int) -> None:
        """Start a bar."""
        self._stage, self._total = stage, total
        self._task = self._progress.add_task(escape(stage), total=total, detail='')

    def advance(self, done: int, detail: str = '') -> None:
        """Move the newest bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=done, detail=escape(detail))
        if not self._console.is_terminal:
            text = f'{self._stage} {done}/{self._total}: {detail}'
            self._console.print(escape(text), soft_wrap=True, highlight=False)

    def epoch(self, progress: EpochProgress) -> None:
        """Move the newest bar by an epoch."""
        self.advance(progress.epoch, progress.detail)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(f'[yellow]note:[/] {escape(text)}', soft_wrap=True)


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

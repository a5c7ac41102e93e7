"""What ``xmodal train`` does, apart from its options."""

import os
import signal
import sys

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
import typer

from xmodal_ros.cli.dataset_page import summary
from xmodal_ros.cli.result import write_result
from xmodal_ros.configuration.plan import EpochProgress, ProgressReporter, TrainingPlan
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.errors import XmodalError
from xmodal_ros.files import check_writable
from xmodal_ros.training.checkpoint_store import checkpoint_folder
from xmodal_ros.training.distributed import DistributedContext, init_distributed
from xmodal_ros.training.epoch_log import epoch_logger
from xmodal_ros.training.events import (
    Event,
    EventReporter,
    Failed,
    Finished,
    Stopped,
    to_line,
)
from xmodal_ros.training.result import as_mapping, TrainingResult
from xmodal_ros.training.train import assist, train


def run(asked: TrainingConfiguration, *, events: bool = False) -> TrainingResult | None:
    """Train, write the bundle and the result, print a summary; exits with 130 on Ctrl-C.

    With ``events`` it tells its progress and result on stdout, and only errors on stderr. Of
    several processes that train together one tells and writes; the others give None.
    """
    with init_distributed(asked.device) as (context, device):
        asked = asked.model_copy(update={'device': device})
        if not context.is_main_process:
            assist(TrainingPlan.of(asked), context)
            return None
        return (_run_for_another if events else _run_for_a_person)(asked, context)


def _run_for_a_person(asked: TrainingConfiguration, context: DistributedContext) -> TrainingResult:
    console = Console(stderr=True)
    try:
        with _Bars(console) as bars:
            result = _train(asked, bars, context)
    except KeyboardInterrupt:
        console.print(escape(_stopped(asked)), soft_wrap=True)
        raise typer.Exit(130) from None
    except SystemExit:
        console.print(escape(_stopped(asked)), soft_wrap=True)
        raise
    _print_summary(result, console)
    return result


def _train(
    asked: TrainingConfiguration, reporter: ProgressReporter, context: DistributedContext
) -> TrainingResult:
    check_writable(asked.json_file, asked.log)
    plan = TrainingPlan.of(asked)
    with epoch_logger(reporter.note, asked.log, asked.tensorboard) as table:
        result = train(
            plan, asked.out, reporter, resume=asked.resume, table=table, context=context
        )
    write_result(asked.json_file, as_mapping(result))
    return result


def _stopped(asked: TrainingConfiguration) -> str:
    kept = (checkpoint_folder(asked.out) / 'run.json').exists()
    return f'stopped: no bundle was written to {asked.out}' + (
        '; the same command with --resume goes on from here' if kept else ''
    )


def _run_for_another(asked: TrainingConfiguration, context: DistributedContext) -> TrainingResult:
    """Tell a process that started this one; whatever ends the run is told as well."""
    reader = _Reader()
    try:
        result = _train(asked, EventReporter(reader.tell), context)
    except KeyboardInterrupt:
        reader.tell(Stopped(_stopped(asked)))
        raise typer.Exit(130) from None
    except SystemExit:
        reader.tell(Stopped(_stopped(asked)))
        raise
    except Exception as error:
        told = str(error) if isinstance(error, XmodalError) else f'{type(error).__name__}: {error}'
        reader.tell(Failed(told))
        raise
    reader.tell(Finished(str(result.path), result.info.scores))
    return result


class _Reader:
    """Who reads stdout; once gone, nothing more is told and the run is to end."""

    def __init__(self) -> None:
        self._gone = False

    def tell(self, event: Event) -> None:
        """Write an event; raises SystemExit where nobody reads any more."""
        if self._gone:
            return
        try:
            print(to_line(event), flush=True)
        except BrokenPipeError:
            self._gone = True
            # Python flushes stdout once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(128 + signal.SIGPIPE) from None


class _Bars:
    """Progress bars on stderr, one a stage; a line each where stderr is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn('{task.fields[detail]}'),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._last = ''

    def __enter__(self) -> '_Bars':
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._finish()
        self._progress.stop()

    def begin(self, stage: str, total: int) -> None:
        """Add a bar; that of the stage before is done, perhaps ahead of its total."""
        self._finish()
        self._task = self._progress.add_task(escape(stage), total=total, detail='')
        self._print_line(stage)

    def advance(self, done: int, detail: str = '') -> None:
        """Move the newest bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=done, detail=escape(detail))
        self._last = f'  {done}: {detail}' if detail else ''

    def epoch(self, progress: EpochProgress) -> None:
        """Move the newest bar by an epoch."""
        self.advance(progress.epoch, progress.detail)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(f'[yellow]note:[/] {escape(text)}', soft_wrap=True)

    def _finish(self) -> None:
        if self._task is not None:
            self._progress.stop_task(self._task)
            self._print_line(self._last)
        self._last = ''

    def _print_line(self, text: str) -> None:
        if not self._console.is_terminal and text:
            self._console.print(escape(text), soft_wrap=True, highlight=False)


def _print_summary(result: TrainingResult, console: Console) -> None:
    scores, info = result.evaluation.scores, result.info
    table = Table(show_header=False, box=None)
    if scores is not None:
        table.add_row(
            'test macro-F1 per clip', f'[bold]{scores.macro_f1:.3f}[/]  ({scores.clips} clips)'
        )
        table.add_row(
            'test macro-F1 per window', f'{scores.macro_f1_window:.3f}  ({scores.windows} windows)'
        )
        table.add_row('test accuracy per clip', f'{scores.accuracy:.3f}')
    for line in summary(result.data_module.report):
        console.print(f'[yellow]data:[/] {escape(line)}', soft_wrap=True, highlight=False)
    best = result.fits[result.plan.target].best_epoch
    table.add_row(
        'learnt',
        f'{len(info.labels)} activities, best of epoch {best}, unknown below '
        f'{info.unknown_threshold:.2f}',
    )
    table.add_row('time', f'{sum(result.durations_s.values()):.0f} s')
    table.add_row('bundle', escape(str(result.path)))
    console.print(table)

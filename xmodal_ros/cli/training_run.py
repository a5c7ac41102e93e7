"""What ``xmodal train`` does, apart from its options."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

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

from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.streams.imu import ImuChannels
from xmodal_ros.training.plan import TrainingPlan
from xmodal_ros.training.recipe import RecipeChoices, Size
from xmodal_ros.training.result import as_mapping, TrainingResult
from xmodal_ros.training.train import train
from xmodal_ros.whole_file import check_writable


@dataclass(frozen=True)
class TrainingSettings:
    """The options of ``xmodal train``."""

    bags: tuple[Path, ...]
    target: str
    test_subjects: tuple[str, ...]
    out: Path
    sources: tuple[str, ...] = ()
    method: str = 'unimodal'
    options: tuple[str, ...] = ()
    validation_subjects: tuple[str, ...] = ()
    window_s: float | None = None
    hop_s: float | None = None
    channels: str = 'acc_gyro'
    size: str = 'default'
    epochs: int | None = None
    seed: int = 0
    device: str = 'auto'
    json: Path | None = None

    def plan(self) -> TrainingPlan:
        """Give the plan; raises :class:`ConfigurationError` for options that mean nothing."""
        if self.channels not in get_args(ImuChannels):
            raise ConfigurationError(
                f'--channels {self.channels!r} is none of {", ".join(get_args(ImuChannels))}'
            )
        if self.size not in get_args(Size):
            raise ConfigurationError(
                f'--size {self.size!r} is none of {", ".join(get_args(Size))}'
            )
        pairs = [text.partition('=') for text in self.options]
        for (name, equals, _), text in zip(pairs, self.options, strict=True):
            if not name or not equals:
                raise ConfigurationError(f'--option {text!r} is not of the form NAME=VALUE')
        return TrainingPlan(
            bags=self.bags,
            target=self.target,
            test_subjects=self.test_subjects,
            sources=self.sources,
            method=self.method,
            method_options={name: value for name, _, value in pairs},
            validation_subjects=self.validation_subjects,
            seed=self.seed,
            device=self.device,
            choices=RecipeChoices(
                self.window_s,
                self.hop_s,
                cast('ImuChannels', self.channels),
                self.epochs,
                cast('Size', self.size),
            ),
        )


def run(settings: TrainingSettings) -> TrainingResult:
    """Train, write the bundle and the result, print a summary; exits with 130 on Ctrl-C."""
    console = Console(stderr=True)
    check_writable(settings.json)
    try:
        with _Bars(console) as bars:
            result = train(settings.plan(), settings.out, bars)
    except KeyboardInterrupt:
        console.print(
            f'stopped: no bundle was written to {escape(str(settings.out))}', soft_wrap=True
        )
        raise typer.Exit(130) from None
    _print_summary(result, console)
    write_result(settings.json, as_mapping(result))
    return result


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
    best = result.fits[result.plan.target].best_epoch
    table.add_row(
        'learnt',
        f'{len(info.labels)} activities, best of epoch {best}, unknown below '
        f'{info.unknown_threshold:.2f}',
    )
    table.add_row('time', f'{sum(result.durations_s.values()):.0f} s')
    table.add_row('bundle', escape(str(result.path)))
    console.print(table)

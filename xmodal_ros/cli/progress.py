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

"""Progress on stderr of every command that takes its time: bars on a terminal, lines elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
import math
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from xmodal_ros.progress import EpochMetrics


@dataclass(frozen=True)
class Lines:
    """What is printed where stderr is no terminal: on a stage, on each step of it, on its last.

    They are formats with ``stage``, ``total``, ``done`` and ``detail``; without one nothing is
    printed. ``bar`` is for those of several bars, with what it is called as ``stage``. Between a
    line and that of a step, or of a bar, are ``every_s`` seconds at least.
    """

    stage: str = ''
    step: str = ''
    last: str = ''
    bar: str = ''
    every_s: float = 0.0


# Of commands with several bars: enough to see that they go on.
BAR_LINES: Final = Lines(bar='  {stage}: {done} of {total}', every_s=10.0)


class Bar:
    """One bar of several."""

    def __init__(
        self, progress: Progress, task: TaskID, name: str, moved: Callable[[str, TaskID], None]
    ) -> None:
        self._progress = progress
        self._task = task
        self._name = name
        self._moved = moved

    def update(self, done: float, total: int | None = None) -> None:
        """Say how much of it is done, perhaps of another total than before."""
        self._progress.update(self._task, completed=done, total=total)
        self._moved(self._name, self._task)

    def advance(self, steps: int, description: str) -> None:
        """Add steps, and call it by what is done now."""
        self._name = description
        self._progress.update(self._task, advance=steps, description=escape(description))
        self._moved(self._name, self._task)

    def detail(self, text: str) -> None:
        """Say what is done now, beside the bar."""
        self._progress.update(self._task, detail=escape(text))

    def finish(self) -> None:
        """Stop its clock, perhaps ahead of its total."""
        self._progress.stop_task(self._task)

    def remove(self) -> None:
        """Take it away."""
        self._progress.remove_task(self._task)


class ProgressBars:
    """Bars on a console, as a context.

    As a :class:`~xmodal_ros.progress.ProgressReporter` it shows one bar a stage. By :meth:`add`
    there may be several bars at a time. Where the console is no terminal ``lines`` are printed
    instead; without any, the bars once, as they are at the end. With ``transient`` they go then.
    """

    def __init__(
        self,
        console: Console,
        lines: Lines | None = None,
        *,
        transient: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self._now_s = now_s
        self._printed_s = -math.inf
        # A command that is soon done prints none.
        self._bar_printed_s = now_s()
        self._lines = lines or Lines()
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.fields[detail]}'),
            console=console,
            transient=transient,
            disable=lines is not None and not console.is_terminal,
        )
        self._bar: Bar | None = None
        self._stage = ''
        self._total = 0
        self._last = ''

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finish()
        self._progress.stop()

    def add(self, description: str, total: int) -> Bar:
        """Add a bar of so many steps."""
        task = self._progress.add_task(escape(description), total=total, detail='')
        return Bar(self._progress, task, description, self._bar_moved)

    def begin(self, stage: str, total: int) -> None:
        """Add a bar for a stage; the stage before is over, perhaps ahead of its total."""
        self._finish()
        self._stage, self._total = stage, total
        self._bar = self.add(stage, total)
        self._print_line(self._format(self._lines.stage, 0, ''))

    def advance(self, done: float, detail: str = '') -> None:
        """Move the bar of the stage."""
        if self._bar is not None:
            self._bar.update(done)
            self._bar.detail(detail)
        self._last = self._format(self._lines.last, done, detail) if detail else ''
        if self._lines.step and self._now_s() - self._printed_s >= self._lines.every_s:
            self._last = ''
            self._print_line(self._format(self._lines.step, done, detail))

    def epoch(self, metrics: EpochMetrics) -> None:
        """Move the bar of the stage by an epoch."""
        self.advance(metrics.epoch, metrics.words)

    def note(self, text: str) -> None:
        """Print a line above the bars; where there are lines, after that of the stage so far."""
        self._print_line(self._last)
        self._last = ''
        self.console.print(f'[yellow]note:[/] {escape(text)}', soft_wrap=True)

    def _bar_moved(self, name: str, moved: TaskID) -> None:
        if not self._lines.bar or self._now_s() - self._bar_printed_s < self._lines.every_s:
            return
        self._bar_printed_s = self._now_s()
        (task,) = (each for each in self._progress.tasks if each.id == moved)
        self._print_line(
            self._lines.bar.format(
                stage=name, total=round(task.total or 0), done=round(task.completed)
            )
        )

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.finish()
            self._print_line(self._last)
        self._bar, self._last = None, ''

    def _format(self, line: str, done: float, detail: str) -> str:
        steps = f'{done:.1f}'.removesuffix('.0')
        text = line.format(stage=self._stage, total=self._total, done=steps, detail=detail)
        return text.removesuffix(': ')

    def _print_line(self, text: str) -> None:
        self._printed_s = self._now_s() if text else self._printed_s
        if not self.console.is_terminal and text:
            self.console.print(escape(text), soft_wrap=True, highlight=False)

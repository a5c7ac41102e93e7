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

"""What ``xmodal train`` does, apart from its options."""

from contextlib import ExitStack
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
import typer

from xmodal_ros.cli.dataset_page import left_out_by_sensor, summary
from xmodal_ros.cli.event_output import EventOutput
from xmodal_ros.cli.progress import Lines, ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.stopping import exit_code, STOPPED
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.errors import XmodalError
from xmodal_ros.files import check_writable
from xmodal_ros.methods.method import make_method, TransferMethod
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.runtime.devices import choose_device
from xmodal_ros.training.checkpoint_store import (
    check_resumable,
    checkpoint_folder,
    describe_run,
)
from xmodal_ros.training.distributed import DistributedContext, init_distributed
from xmodal_ros.training.epoch_log import epoch_logger
from xmodal_ros.training.events import (
    EventReporter,
    Failed,
    Finished,
    Note,
    Stopped,
)
from xmodal_ros.training.launched import is_first_process, started_processes
from xmodal_ros.training.result import as_mapping, TrainingResult
from xmodal_ros.training.train import assist, check_processes, train

_STEP: Final = '  {done} of {total}: {detail}'
_LINES: Final = Lines(stage='{stage}', step=_STEP, last=_STEP, every_s=5.0)


def run(
    config: TrainingConfiguration, *, events: bool = False, resumable: bool = True
) -> TrainingResult | None:
    """Train, write the bundle and the result, print a summary; stopped, it says what is left.

    With ``events`` its progress and result go to stdout as events, and only errors to stderr. Of
    several processes that train together one reports and writes; the others give None. A command
    that has no ``--resume`` is not ``resumable``.
    """
    with ExitStack() as stack:
        try:
            # Before they meet: one that has ended is missed by the others, whatever was wrong.
            with reading_options():
                method = make_method(config.method, config.method_options)
            check_processes(config, method, started_processes())
            context, device = stack.enter_context(init_distributed(config.device))
        except Exception as error:
            # Processes that did not find each other have their numbers all the same.
            if events and is_first_process():
                EventOutput().write(_failed(error))
            raise
        config = config.model_copy(update={'device': device})
        if not context.is_main_process:
            assist(config, context)
            return None
        if events:
            return _run_for_a_program(config, method, context)
        return _run_for_a_person(config, method, context, resumable=resumable)


def _run_for_a_person(
    config: TrainingConfiguration,
    method: TransferMethod,
    context: DistributedContext,
    *,
    resumable: bool,
) -> TrainingResult:
    console = Console(stderr=True)
    try:
        with ProgressBars(console, _LINES) as bars:
            result = _train(config, method, bars, context)
    except STOPPED as stop:
        console.print(escape(_stopped(config, resumable=resumable)), soft_wrap=True)
        raise typer.Exit(exit_code(stop)) from None
    _print_summary(result, console)
    return result


def _train(
    config: TrainingConfiguration,
    method: TransferMethod,
    reporter: ProgressReporter,
    context: DistributedContext,
) -> TrainingResult:
    check_writable(config.json_file, config.log)
    with epoch_logger(reporter.note, config.log, config.tensorboard) as logger:
        result = train(config, reporter, method=method, logger=logger, context=context)
    write_result(config.json_file, as_mapping(result))
    return result


def _stopped(config: TrainingConfiguration, *, resumable: bool = True) -> str:
    words = f'stopped: no new bundle was written to {config.out}'
    folder = checkpoint_folder(config.out)
    if resumable and _goes_on(config):
        words += (
            f'; {folder} keeps what was learnt, and the same command with --resume goes on from '
            'there'
        )
    return words


def _goes_on(config: TrainingConfiguration) -> bool:
    """Say whether this run, not another one before it, has left something to go on from."""
    try:
        return check_resumable(config.out, describe_run(config, choose_device(config.device)))
    except XmodalError:
        return False


def _run_for_a_program(
    config: TrainingConfiguration, method: TransferMethod, context: DistributedContext
) -> TrainingResult:
    """Write events for a process that started this one, also of what ends the run."""
    output = EventOutput()
    try:
        result = _train(config, method, EventReporter(output.write), context)
    except STOPPED as stop:
        output.write(Stopped(_stopped(config)))
        raise typer.Exit(exit_code(stop)) from None
    except Exception as error:
        output.write(_failed(error))
        raise
    for warning in result.warnings:
        output.write(Note(f'warning: {warning}'))
    output.write(Finished(str(result.path), result.info.scores))
    return result


def _failed(error: Exception) -> Failed:
    return Failed(
        str(error) if isinstance(error, XmodalError) else f'{type(error).__name__}: {error}'
    )


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
    else:
        table.add_row(
            'test',
            '[yellow]no scores: no window of test subjects belongs to a labelled segment[/]',
        )
    left_out = {name: each.left_out for name, each in result.data_module.sets.items()}
    for line in [*summary(result.data_module.report), *left_out_by_sensor(left_out)]:
        console.print(f'[yellow]data:[/] {escape(line)}', soft_wrap=True, highlight=False)
    best = result.fits[result.config.target].best_epoch
    table.add_row(
        'learnt',
        f'{len(info.labels)} activities, best of epoch {best}, unknown below '
        f'{info.unknown_threshold:.2f}',
    )
    if result.verdict is not None:
        table.add_row('transfer', escape(result.verdict.sentence))
    table.add_row('time', f'{sum(result.durations_s.values()):.0f} s')
    table.add_row('bundle', escape(str(result.path)))
    console.print(table)
    for warning in result.warnings:
        console.print(f'[yellow]warning:[/] {escape(warning)}', soft_wrap=True, highlight=False)

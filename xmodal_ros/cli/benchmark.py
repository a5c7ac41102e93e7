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

"""The command ``xmodal benchmark``: how fast this is here, against plain code."""

from pathlib import Path
from typing import Annotated

import typer


def benchmark(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar='NAME...', help='Of benchmarks, see --list. Default: all of them.'),
    ] = None,
    show: Annotated[
        bool, typer.Option('--list', help='Only say which there are, and what each asks.')
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, max=1000, help='So often both sides take turns.')
    ] = 5,
    json: Annotated[
        Path | None, typer.Option(metavar='FILE', help='Write all figures here, as JSON.')
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(metavar='FILE', help='Write the tables here, as docs/performance.md is.'),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            metavar='FILE',
            help='Show and write the figures of an earlier --json, too, where they were not '
            'measured again; repeatable.',
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar='DIR',
            help='Make recordings and models here and keep them, for the next time too. '
            'Default: they are removed at the end.',
        ),
    ] = None,
) -> None:
    """Measure how fast this machine does what matters, against plain code that does the same.

    Both sides take turns in one process, so that ratios hold on a machine that does other things,
    too. Each ratio is the median over the rounds, with the least and the most; CPU time counts
    where nothing else is said. Needs a checkout of the package, for the benchmarks are there.

    Exit code: 0, also where an aim is missed, 1 when a benchmark fails, 2 for wrong options.

    Example: xmodal benchmark inspect --rounds 9 --json inspect.json
    """
    from xmodal_ros.cli.benchmark_run import BenchmarkSettings, run

    run(BenchmarkSettings(tuple(names or ()), show, rounds, json, page, tuple(add or ()), folder))

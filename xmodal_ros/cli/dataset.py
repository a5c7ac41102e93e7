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

"""``xmodal dataset``: look at recordings as training will, before it."""

from pathlib import Path
from typing import Annotated

import typer

from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.windows.windowing import LONGEST_S, SHORTEST_S

COMMAND_CLASS = VariadicCommand


def dataset(
    bags: Annotated[
        list[Path] | None,
        typer.Argument(help='Recordings, or folders that hold recordings.', metavar='BAG...'),
    ] = None,
    sensors: Annotated[
        list[str] | None,
        typer.Option(help='Sensors to look at. Default: all.', metavar='SENSOR...'),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            help='Length of a window. Default: 3.',
            metavar='SECONDS',
            min=SHORTEST_S,
            max=LONGEST_S,
        ),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(help='Time between labels. Default: 0.5.', metavar='SECONDS', min=0),
    ] = None,
    channels: Annotated[
        str,
        typer.Option(
            help="Of an IMU: 'acc_gyro', 'acc', or 'auto': the latter where its messages say "
            'that it has no gyro, else the former.'
        ),
    ] = 'auto',
    align: Annotated[
        str,
        typer.Option(
            help="Compare clocks by 'receipt', or also by the 'motion' that sensors share."
        ),
    ] = 'receipt',
    write_clocks: Annotated[
        bool,
        typer.Option(
            '--write-clocks',
            help='Write clocks.yaml into recordings whose clocks are apart; whoever reads them '
            'then reads corrected stamps.',
        ),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help='Keep windows in this folder. Default: ~/.cache/xmodal_ros.', metavar='DIR'
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option('--no-cache', help='Keep windows in memory for this run alone.')
    ] = False,
    clear_cache: Annotated[
        bool, typer.Option('--clear-cache', help='Remove all windows from the cache, and end.')
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(help='Processes that cut windows. Default: one a CPU.', min=1),
    ] = None,
    cluster: Annotated[
        str,
        typer.Option(
            help="Where to cut: a dask scheduler's tcp://HOST:PORT or the file it wrote, or "
            "'slurm'. Default: on this machine.",
            metavar='WHERE',
        ),
    ] = '',
    cluster_option: Annotated[
        list[str] | None,
        typer.Option(
            help='Options of Slurm, as submitit names them: slurm_partition=gpu timeout_min=240.',
            metavar='NAME=VALUE...',
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option('--strict', help='Stop at the first recording that cannot be used.'),
    ] = False,
    merge_labels: Annotated[
        bool,
        typer.Option(
            '--merge-labels',
            help='Take labels that differ only in capitals, blanks, underscores or how Unicode '
            'writes a letter for one activity; without, they are told.',
        ),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(help='Write what was found as JSON here.', metavar='FILE')
    ] = None,
) -> None:
    """Show what training would use of recordings, what not and why, and how their clocks run.

    What is cut on the way is kept in the cache, from which 'xmodal train' starts at once.
    Without recordings: where the cache is, and how large.

    Example: xmodal dataset recordings --sensors imu_wrist camera --align motion
    """
    from xmodal_ros.cli.dataset_run import DatasetSettings, run

    run(
        DatasetSettings(
            bags=tuple(bags or ()),
            sensors=tuple(sensors or ()),
            window_s=window,
            hop_s=hop,
            channels=channels,
            align=align,
            write_clocks=write_clocks,
            cache=cache,
            no_cache=no_cache,
            clear_cache=clear_cache,
            jobs=jobs,
            cluster=cluster,
            cluster_options=tuple(cluster_option or ()),
            strict=strict,
            merge_labels=merge_labels,
            json=json,
        )
    )

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

"""``xmodal study``: many trainings, compared."""

from pathlib import Path
from typing import Annotated, Final

import typer

from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.files import check_folder

COMMAND_CLASS = VariadicCommand
_SHIPPED: Final = sorted(
    path.stem for path in (Path(__file__).parents[1] / 'studies' / 'shipped').glob('*.yaml')
)


def study(
    study: Annotated[
        str,
        typer.Argument(
            help="The study's YAML file, or one of those that come with the package, by name: "
            f'{", ".join(_SHIPPED)}. docs/study.md explains every key.',
            metavar='STUDY.yaml',
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help='The folder for windows, runs and tables. Given again, it goes on there.',
            metavar='DIR',
        ),
    ],
    recordings: Annotated[
        list[Path] | None,
        typer.Option(
            help="Recordings, or folders of them. Default: the study's.", metavar='BAG...'
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option('--quick', help="Run the study's small version, which proves nothing.")
    ] = False,
    merge_labels: Annotated[
        bool,
        typer.Option(
            '--merge-labels',
            help='Take labels that differ only in capitals, blanks, underscores or how Unicode '
            'writes a letter for one activity; without, they are told.',
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(help='So many processes side by side. Default: one for each core.', min=1),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="Where to train: 'auto', 'cpu', 'cuda' (all GPUs take turns) or 'cuda:N'."
        ),
    ] = 'auto',
    cluster: Annotated[
        str,
        typer.Option(
            help="Where to run it: a dask scheduler's tcp://HOST:PORT or the file it wrote, or "
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
    again: Annotated[
        bool,
        typer.Option(
            '--again', help='Run anew what was made by other code of a method or encoder.'
        ),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(help='Write study.json here as well.', metavar='FILE')
    ] = None,
) -> None:
    """Train and test many methods, targets, splits and seeds, and compare them in tables.

    Windows are cut once and kept; each run's result is a file of its own. However it ends, the
    same command goes on where it was; typed twice, on machines that share DIR, it shares the work.
    It writes table.md, study.json and differences.png.

    Example: xmodal study simulated --recordings recordings --out studies/simulated --quick
    """
    check_folder(out)
    from xmodal_ros.cli.study_run import run, StudySettings

    run(
        StudySettings(
            study=study,
            out=out,
            recordings=tuple(recordings or ()),
            quick=quick,
            merge_labels=merge_labels,
            jobs=jobs,
            device=device,
            cluster=cluster,
            cluster_options=tuple(cluster_option or ()),
            again=again,
            json=json,
        )
    )

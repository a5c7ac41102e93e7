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

"""The command ``xmodal simulate``: recordings of people who do not exist."""

from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
import typer

from xmodal_ros.cli.progress import BAR_LINES, ProgressBars
from xmodal_ros.cli.result import write_result


def simulate(
    out: Annotated[
        Path,
        typer.Argument(
            metavar='OUT', help='Folder for the bags, subject_01 and so on, one a subject.'
        ),
    ],
    subjects: Annotated[int, typer.Option(min=1, help='How many people to record.')] = 6,
    minutes: Annotated[
        float, typer.Option(min=1, max=120, help='How long each recording is.')
    ] = 4.0,
    seed: Annotated[
        int, typer.Option(min=0, help='Equal seeds give equal recordings, byte for byte.')
    ] = 0,
    images: Annotated[
        Literal['jpeg', 'raw'],
        typer.Option(help="Camera messages: 'jpeg' CompressedImage or 'raw' rgb8 Image."),
    ] = 'jpeg',
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help='How many processes to use. Default: one for each CPU.'),
    ] = None,
    cluster: Annotated[
        str,
        typer.Option(
            help="Where to simulate: a dask scheduler's tcp://HOST:PORT or the file it wrote, or "
            "'slurm'. Default: on this machine.",
            metavar='WHERE',
        ),
    ] = '',
    cluster_option: Annotated[
        list[str] | None,
        typer.Option(
            help='An option of Slurm, as submitit names it: slurm_partition=cpu; repeatable.',
            metavar='NAME=VALUE',
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option('--force', help='Replace bags that were made with other parameters.'),
    ] = False,
    json: Annotated[
        Path | None,
        typer.Option('--json', metavar='FILE', help='Write the list of bags here too.'),
    ] = None,
) -> None:
    """Simulate recordings of people seen, heard and felt by a robot, with labels.

    Each bag (mcap) holds the sensors imu_wrist and imu_thigh (sensor_msgs/Imu, 100 Hz), camera
    (160x120, 15 fps) and microphone (audio_common_msgs/AudioDataStamped, 16 kHz), and the truth
    on /activity_label: ten activities, each done several times, with unlabelled transitions and
    pauses between. People differ in size, tempo, amplitude, handedness, habits and clothes.

    Bags that are there and were made with the same parameters are kept.

    Example: xmodal simulate recordings --subjects 6 --minutes 4 --seed 0
    """
    from xmodal_ros.executors import ExecutorSettings, parse_options
    from xmodal_ros.files import check_folder, clear_abandoned
    from xmodal_ros.machine import usable_cores
    from xmodal_ros.simulator.simulate import plan_recordings
    from xmodal_ros.simulator.simulate import simulate as make

    check_folder(out, 'OUT')
    console = Console(stderr=True)
    plans = plan_recordings(subjects, minutes, seed, images)
    ours = ('simulating', *(plan.subject for plan in plans))
    for left in [path for name in ours for path in clear_abandoned(out, name)]:
        console.print(
            f'removed what a run that was killed had left: {left}',
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    processes = jobs or usable_cores()
    executors = ExecutorSettings(
        processes, cluster, parse_options(cluster_option or ()), out / '.slurm'
    )
    with ProgressBars(console, BAR_LINES) as bars:
        by_subject = {plan.subject: bars.add(plan.subject, 100) for plan in plans}
        bags = make(
            out,
            plans,
            jobs=processes,
            force=force,
            progress=lambda subject, share: by_subject[subject].update(round(100 * share)),
            starting=lambda workers: console.print(f'starting {workers} workers'),
            open_executor=executors.open if cluster else None,
        )
    for bag in bags:
        count = sum(bag.segments.values())
        console.print(
            f'{bag.path}: {bag.duration_s:.0f} s, {count} segments of '
            f'{len(bag.segments)} activities' + (', kept (already there)' if bag.kept else ''),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    write_result(
        json,
        {
            'bags': [
                {
                    'path': str(bag.path),
                    'subject': bag.subject,
                    'kept': bag.kept,
                    'duration_s': bag.duration_s,
                    'counts': dict(bag.counts),
                    'segments': dict(bag.segments),
                }
                for bag in bags
            ]
        },
    )

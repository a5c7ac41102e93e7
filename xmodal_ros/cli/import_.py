"""The commands ``xmodal import ...``: published data sets become bags."""

from pathlib import Path
import re
from typing import Annotated

from rich.console import Console
from rich.progress import track
import typer

from xmodal_ros.bags.importers.utd_mhad import (
    choose_subjects,
    DEPTH_EVERY,
    import_subject,
    load_clips,
)
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help='Turn published data sets into bags.')


@app.callback()
def select() -> None:
    """Turn published data sets into bags."""


@app.command('utd-mhad', cls=VariadicCommand)
def utd_mhad(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar='FOLDER', help='Holds the original .mat files, or archives (.npz).'
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar='OUT', help='Folder for the bags, one a subject.')
    ],
    subjects: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these subjects: 1 3 or 1,3.  [default: all 8]'),
    ] = None,
    depth_every: Annotated[
        int,
        typer.Option(min=1, max=40, help='Take every Nth row and column of .mat depth pictures.'),
    ] = DEPTH_EVERY,
    force: Annotated[
        bool, typer.Option('--force', help='Replace bags that are there already.')
    ] = False,
    json: Annotated[
        Path | None, typer.Option('--json', metavar='FILE', help='Write the result here too.')
    ] = None,
) -> None:
    """Import UTD-MHAD: 27 actions of 8 people, with IMU, depth video, skeleton and labels.

    FOLDER holds Inertial, Skeleton and Depth as published (a1_s1_t1_inertial.mat and so on).
    Writes OUT/utd_mhad_s1 to OUT/utd_mhad_s8 for the subjects 1 to 8.
    The sensors are called imu (50 Hz), camera (16UC1 depth in mm) and skeleton (20 joints in m,
    to learn from: no robot has it). There are no time stamps: all are spread over the clip.
    Bags that are there already and complete are kept.
    """
    console = Console(stderr=True)
    chosen = _parse_subjects(subjects or [])
    clips = load_clips(folder, depth_every)
    bags = []
    for subject in track(
        choose_subjects(clips, chosen),
        'importing subjects',
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        bag = import_subject(clips, subject, out, force=force)
        console.print(
            f'{bag.path}: {bag.clips} clips' + (', kept (already there)' if bag.kept else ''),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        bags.append(bag)
    result = [
        {'path': str(bag.path), 'subject': bag.subject, 'clips': bag.clips, 'kept': bag.kept}
        for bag in bags
    ]
    write_result(json, {'bags': result, 'clips': sum(bag.clips for bag in bags)})


def _parse_subjects(texts: list[str]) -> list[int]:
    words = [word for text in texts for word in re.split(r'[,\s]+', text) if word]
    if wrong := [word for word in words if not word.isdecimal()]:
        raise ConfigurationError(f'--subjects {wrong[0]!r} is no number: write 1 3 5')
    return [int(word) for word in words]

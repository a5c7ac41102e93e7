"""``xmodal demo``: everything once, from recordings to a live node and a report."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help='Folder for recordings, models and reports.')] = Path(
        'demo'
    ),
    data: Annotated[
        Path | None,
        typer.Option(
            help='Use the real recordings in this folder (it holds utd_mhad/) instead of '
            'simulated ones.'
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help='Of the simulation and the training.')] = 0,
) -> None:
    """Show the whole way once: record, train, run live, evaluate.

    Recordings of six simulated people (or of UTD-MHAD with --data) train an IMU classifier alone
    and one that had the camera to learn from (xmodal), and say whether that helped people whom
    it had not met. The people they have not met are played to
    the live node, whose labels appear on the screen, and the decisions are compared with those of
    the offline evaluation. Recordings that are there already are used again.
    """
    from xmodal_ros.cli.demo_run import run

    run(out, data, seed)

"""``xmodal evaluate``: score a bundle over recordings, offline and through the live node."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    bundle: Annotated[Path, typer.Argument(help='The bundle: a folder that training wrote.')],
    bags: Annotated[
        list[Path],
        typer.Argument(help='Recordings, or folders that hold recordings.', metavar='BAG...'),
    ],
    sensor: Annotated[
        str | None,
        typer.Option(help="Run on this sensor of the bags.  [default: the bundle's own]"),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            '--live', help='Also play each bag to the live node over DDS and compare every stamp.'
        ),
    ] = False,
    rate: Annotated[
        float,
        typer.Option(min=0, help='With --live: times real time; 0 is as fast as nothing is lost.'),
    ] = 0.0,
    show_labels: Annotated[
        bool,
        typer.Option('--show-labels', help='With --live: print each change of label.'),
    ] = False,
    all_subjects: Annotated[
        bool,
        typer.Option(
            '--all-subjects',
            help='Score recordings of people the model was trained on too; they are left out '
            'otherwise when there are others.',
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where to run: 'auto', 'cpu', 'cuda', 'cuda:N' or 'onnx'.")
    ] = 'cpu',
    html: Annotated[
        Path | None, typer.Option(help='Write the report, one self-contained HTML page, here.')
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help='Write scores and every label as JSON here.')
    ] = None,
) -> None:
    """Score a bundle over recordings, exactly as it would behave on a robot.

    The decisions come from the live engine, message by message. With --live the same bags go
    through the real classifier node as well (imu_classifier, camera_classifier or
    audio_classifier), and the two sequences are compared stamp by stamp; the exit code is 1 when
    they differ.

    Example: xmodal evaluate models/imu recordings/subject_05 --live --html report.html
    """
    from xmodal_ros.cli.evaluation_run import EvaluationSettings, run

    run(
        EvaluationSettings(
            bundle, tuple(bags), sensor, live, rate, all_subjects, device, show_labels, html, json
        )
    )

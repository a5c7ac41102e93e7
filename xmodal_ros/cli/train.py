"""``xmodal train``: recordings in, a bundle out."""

from pathlib import Path
from typing import Annotated

import typer

from xmodal_ros.cli.variadic import VariadicCommand

COMMAND_CLASS = VariadicCommand


def train(
    bags: Annotated[
        list[Path],
        typer.Argument(help='Recordings, or folders that hold recordings.', metavar='BAG...'),
    ],
    target: Annotated[
        str,
        typer.Option(help='The sensor that will run alone, by name or topic.', metavar='SENSOR'),
    ],
    test_subjects: Annotated[
        list[str],
        typer.Option(
            help='Subjects kept out of training to score the result on: 2 4 6 8 or 2,4,6,8.',
            metavar='SUBJECT...',
        ),
    ],
    out: Annotated[Path, typer.Option(help='The bundle to write, a folder.', metavar='BUNDLE')],
    source: Annotated[
        list[str] | None,
        typer.Option(help='Sensors that the target learns from.', metavar='SENSOR...'),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="How it learns: 'unimodal' (no source), 'distillation', 'feature_cosine', "
            "'infonce', 'cross_modal_probe', 'dcat', 'attention_patch', 'cotraining', "
            "'dynamic_gating' or 'xmodal'. docs/methods describes them."
        ),
    ] = 'unimodal',
    option: Annotated[
        list[str] | None,
        typer.Option(help='Options of the method, as weight=0.3.', metavar='NAME=VALUE...'),
    ] = None,
    val_subjects: Annotated[
        list[str] | None,
        typer.Option(
            help='Subjects to validate on.  [default: none, but 15 % of the labelled segments of '
            'the training subjects]',
            metavar='SUBJECT...',
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(help='Length of a window.  [default: 3]', metavar='SECONDS', min=0),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(help='Time between labels.  [default: 0.5]', metavar='SECONDS', min=0),
    ] = None,
    channels: Annotated[
        str, typer.Option(help="Of an IMU: 'acc_gyro', or 'acc' for one without gyro.")
    ] = 'acc_gyro',
    size: Annotated[
        str, typer.Option(help="Of the encoders: 'small', 'default' or 'large'.")
    ] = 'default',
    epochs: Annotated[
        int | None,
        typer.Option(help='At most so many passes.  [default: by the modality]', min=1),
    ] = None,
    seed: Annotated[
        int, typer.Option(help='Of all random numbers; on the CPU it fixes the weights.', min=0)
    ] = 0,
    device: Annotated[
        str, typer.Option(help="Where to train: 'auto', 'cpu', 'cuda' or 'cuda:N'.")
    ] = 'auto',
    json: Annotated[
        Path | None, typer.Option(help='Write the scores and every label as JSON here.')
    ] = None,
) -> None:
    """Train one sensor's classifier from labelled recordings and write it as a bundle.

    The sensor is an IMU, a camera or a microphone.

    With any --method but 'unimodal' it also learns from the sensors named by --source, which are
    not needed once it runs. The scores are those of the test subjects, measured as 'xmodal
    evaluate' does. Interrupting it leaves nothing behind.

    Options that take several values take them after one flag, separated by spaces or commas.

    Example: xmodal train recordings --target imu_wrist --method dcat --source camera
    --test-subjects subject_05 subject_06 --out models/imu
    """
    from xmodal_ros.cli.training_run import run, TrainingSettings

    run(
        TrainingSettings(
            bags=tuple(bags),
            target=target,
            test_subjects=tuple(test_subjects),
            out=out,
            sources=tuple(source or ()),
            method=method,
            options=tuple(option or ()),
            validation_subjects=tuple(val_subjects or ()),
            window_s=window,
            hop_s=hop,
            channels=channels,
            size=size,
            epochs=epochs,
            seed=seed,
            device=device,
            json=json,
        )
    )

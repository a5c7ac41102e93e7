"""``xmodal train``: recordings in, a bundle out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.configuration import training as configuration

COMMAND_CLASS = VariadicCommand
_CONFIGURATIONS = ('.yaml', '.yml')


def _option(key: str, **more: Any) -> Any:
    """Describe the option of a key: its words and its default are the schema's."""
    text, default = configuration.explanation(key), configuration.default(key)
    if default not in (..., None, False, (), {}):
        text = f'{text} Default: {default}.'
    return typer.Option(help=text, show_default=False, **more)


def train(
    bags: Annotated[
        list[Path] | None,
        typer.Argument(
            help=configuration.description('bags')
            + ' Or a configuration, a file that ends in .yaml.',
            metavar='BAG...',
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help='A YAML file with any of these settings; options come before what it says.',
            metavar='FILE',
        ),
    ] = None,
    target: Annotated[str | None, _option('target', metavar='SENSOR')] = None,
    test_subjects: Annotated[
        list[str] | None, _option('test_subjects', metavar='SUBJECT...')
    ] = None,
    out: Annotated[Path | None, _option('out', metavar='BUNDLE')] = None,
    source: Annotated[list[str] | None, _option('source', metavar='SENSOR...')] = None,
    method: Annotated[str | None, _option('method')] = None,
    option: Annotated[list[str] | None, _option('option', metavar='NAME=VALUE...')] = None,
    val_subjects: Annotated[
        list[str] | None, _option('val_subjects', metavar='SUBJECT...')
    ] = None,
    unlabelled: Annotated[
        bool | None,
        typer.Option(
            '--unlabelled', help=configuration.description('unlabelled'), show_default=False
        ),
    ] = None,
    window: Annotated[float | None, _option('window', metavar='SECONDS')] = None,
    hop: Annotated[float | None, _option('hop', metavar='SECONDS')] = None,
    channels: Annotated[str | None, _option('channels')] = None,
    size: Annotated[str | None, _option('size')] = None,
    epochs: Annotated[int | None, _option('epochs')] = None,
    patience: Annotated[int | None, _option('patience', metavar='EPOCHS')] = None,
    batch_size: Annotated[int | None, _option('batch_size', metavar='WINDOWS')] = None,
    learning_rate: Annotated[float | None, _option('learning_rate')] = None,
    precision: Annotated[str | None, _option('precision')] = None,
    balance: Annotated[str | None, _option('balance')] = None,
    unknown_threshold: Annotated[float | None, _option('unknown_threshold')] = None,
    seed: Annotated[int | None, _option('seed')] = None,
    device: Annotated[str | None, _option('device')] = None,
    cache: Annotated[Path | None, _option('cache', metavar='DIR')] = None,
    no_cache: Annotated[
        bool | None,
        typer.Option('--no-cache', help=configuration.description('no_cache'), show_default=False),
    ] = None,
    jobs: Annotated[int | None, _option('jobs')] = None,
    strict: Annotated[
        bool | None,
        typer.Option('--strict', help=configuration.description('strict'), show_default=False),
    ] = None,
    resume: Annotated[bool | None, _option('resume')] = None,
    log: Annotated[Path | None, _option('log', metavar='FILE')] = None,
    tensorboard: Annotated[Path | None, _option('tensorboard', metavar='FOLDER')] = None,
    json: Annotated[Path | None, _option('json', metavar='FILE')] = None,
    events: Annotated[
        bool,
        typer.Option(
            '--events', help='Tell progress and result as JSON on stdout, a line an event.'
        ),
    ] = False,
    print_config: Annotated[
        bool,
        typer.Option(
            '--print-config',
            help='Write a configuration with every setting, explained, to stdout, and do nothing '
            'else.',
        ),
    ] = False,
) -> None:
    """Train one sensor's classifier from labelled recordings and write it as a bundle.

    The sensor is an IMU, a camera or a microphone.

    With any --method but 'unimodal' it also learns from the sensors named by --source, which are
    not needed once it runs. With --unlabelled, methods that compare sensors moment by moment
    learn from windows without a label too. The scores are those of the test subjects, measured as
    'xmodal evaluate' does. --target, --test-subjects, --out and recordings are needed, here or in
    the configuration.

    Options that take several values take them after one flag, separated by spaces or commas.

    Example: xmodal train recordings --target imu_wrist --method dcat --source camera
    --test-subjects subject_05 subject_06 --out models/imu
    """
    if bags and len(bags) == 1 and config is None and bags[0].suffix in _CONFIGURATIONS:
        config, bags = bags[0], None
    named = locals()
    given = {key: named[key] for key in configuration.key_names() if named[key] not in (None, [])}
    if print_config:
        typer.echo(configuration.as_yaml(configuration.read_keys(given, config)), nl=False)
        return
    asked = configuration.make_configuration(given, config)
    from xmodal_ros.cli.train_run import run

    run(asked, events=events)

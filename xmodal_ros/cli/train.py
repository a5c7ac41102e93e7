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

"""``xmodal train``: recordings in, a bundle out. Its options are the keys of the schema."""

from collections.abc import Mapping
import inspect
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from xmodal_ros import registry
from xmodal_ros.cli.event_output import EventOutput
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.configuration.schema import Key, option_name
from xmodal_ros.configuration.training import (
    as_yaml,
    explanation,
    KEYS,
    make_configuration,
    read_keys,
    TrainingConfiguration,
)
from xmodal_ros.errors import XmodalError
from xmodal_ros.models.replacing import check_replaceable
from xmodal_ros.training.events import Failed
from xmodal_ros.training.launched import is_first_process

COMMAND_CLASS = VariadicCommand
_CONFIGURATIONS: Final = ('.yaml', '.yml')
# What a file of settings turns on and the command line may turn off again.
_NEGATABLE: Final = ('resume',)


def train(**named: Any) -> None:
    """Train one sensor's classifier from labelled recordings and write it as a bundle.

    The sensor is of any modality: an IMU, a camera, a microphone, a skeleton or a kind that
    another package adds.

    It also learns from the sensors named by --source, which are not needed once it runs: by the
    recipe 'xmodal', which judges on people held out whether they help, or by another --method.
    With --unlabelled, methods that compare sensors moment by moment learn from windows without a
    label too. The scores are those of the test subjects, measured as 'xmodal evaluate' does.
    --target, --test-subjects, --out and recordings are needed, here or in the configuration.

    Options that take several values take them after one flag, separated by spaces or commas.

    Example: xmodal train recordings --target imu_wrist --source camera
    --test-subjects subject_05 subject_06 --out models/imu
    """
    config, bags = named['config'], named['bags']
    if bags and len(bags) == 1 and config is None and bags[0].suffix in _CONFIGURATIONS:
        config, named['bags'] = bags[0], None
    given = {key: named[key] for key in KEYS if named[key] not in (None, [])}
    if named['print_config']:
        with reading_options():
            typer.echo(as_yaml(read_keys(given, config)), nl=False)
        return
    try:
        configuration = _checked(given, config)
    except XmodalError as error:
        if named['events'] and is_first_process():
            EventOutput().write(Failed(str(error)))
        raise
    from xmodal_ros.cli.train_run import run

    run(configuration, events=named['events'])


def _checked(given: Mapping[str, Any], config: Path | None) -> TrainingConfiguration:
    """Give what is to be done, checked before torch is loaded, which takes a while."""
    with reading_options():
        configuration = make_configuration(given, config)
        registry.check(registry.METHODS, configuration.method)
    if is_first_process():
        check_replaceable(configuration.out)
    return configuration


def _recordings(key: Key) -> Any:
    return typer.Argument(
        help=f'{key.description} Or a configuration, a file that ends in .yaml.',
        metavar='BAG...',
        show_default=False,
    )


def _option(key: Key) -> Any:
    words = explanation(key.name)
    if key.default not in (..., None, False, (), {}):
        words = f'{words} Default: {key.default}.'
    only_on = key.kind is bool and key.name not in _NEGATABLE
    if key.name in _NEGATABLE:
        words = f'{words} {option_name(f"no_{key.name}")} turns off what a file says.'
    names = [option_name(key.name)] if only_on else []
    return typer.Option(*names, help=words, show_default=False, metavar=key.metavar)


def _parameter(key: Key) -> inspect.Parameter:
    """Give the parameter of a key; None is what is not given."""
    described = _recordings(key) if key.name == 'bags' else _option(key)
    kind: Any = list[key.kind] if key.several else key.kind  # type: ignore[name-defined]
    return _keyword(key.name, Annotated[kind | None, described], None)


def _keyword(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


_CONFIG: Final = Annotated[
    Path | None,
    typer.Option(
        help='A YAML file with any of these settings; options come before what it says.',
        metavar='FILE',
    ),
]
_EVENTS: Final = Annotated[
    bool,
    typer.Option('--events', help='Tell progress and result as JSON on stdout, a line an event.'),
]
_PRINT_CONFIG: Final = Annotated[
    bool,
    typer.Option(
        '--print-config',
        help='Write a configuration with every setting, explained, to stdout, and do nothing '
        'else.',
    ),
]
_BAGS, *_OPTIONS = map(_parameter, KEYS.values())
# Typer reads the parameters off the signature.
train.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        _BAGS,
        _keyword('config', _CONFIG, None),
        *_OPTIONS,
        _keyword('events', _EVENTS, default=False),
        _keyword('print_config', _PRINT_CONFIG, default=False),
    ]
)

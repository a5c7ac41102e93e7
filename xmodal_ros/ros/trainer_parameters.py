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

"""The parameters of the trainer: those of the node, and the settings of a training run."""

from collections.abc import Callable
from pathlib import Path
import re
from typing import Any, Final

from xmodal_ros.configuration.schema import Key
from xmodal_ros.configuration.training import KEYS, make_configuration, TrainingConfiguration
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.paths import user_path
from xmodal_ros.ros.parameter_tables import AUTOSTART, DIAGNOSTICS_PERIOD

# Subjects are often called by numbers.
_NUMBERED: Final = ('test_subjects', 'val_subjects')

NODE_PARAMETERS: Final = (
    AUTOSTART,
    Parameter(
        'start_at_once',
        False,
        'Begin to train when the node becomes active, without a call of ~/start.',
    ),
    Parameter(
        'exit_at_end',
        False,
        'End the process when a run of training has ended, however it did, or when one that was '
        'to begin at once is refused; its exit code is 0 only after a run that is finished.',
    ),
    Parameter(
        'niceness',
        19,
        'How far training gives way to everything else that runs: 0 not at all, 19 wholly.',
        change='always',
        bounds=(0, 19),
    ),
    Parameter(
        'motion_topic',
        '',
        "The robot's odometry or velocity: no training begins while it says that the robot moves, "
        "or says nothing; '' lets it begin whatever the robot does.",
        change='always',
    ),
    DIAGNOSTICS_PERIOD,
)


def _not_given(key: Key) -> Value:
    """Give what stands for "not given", for a parameter has a type: what no run could mean."""
    if key.several:
        return ['']
    if key.kind in (str, Path):
        return ''
    for value in {int: (0, -1), float: (0.0, -1.0)}.get(key.kind, ()):
        if not key.accepts(value):
            return value
    raise TypeError(
        f'no value of {key.name} can stand for "not given": bound it so that 0 or -1 means nothing'
    )


def _parameter(key: Key) -> Parameter:
    words, default = key.description, key.default
    if default in (..., None, (), {}):
        default = _not_given(key)
        metavar = (key.metavar or '').removesuffix('...')
        form = f'As {metavar}. ' if '=' in metavar else ''
        stands_for = 'none' if key.several else 'not given'
        words = f'{words} {form}{default!r}: {stands_for}.'
    return Parameter(
        key.name,
        default,
        words,
        change='always',
        or_number=key.name in _NUMBERED,
        choices=key.choices,
    )


TRAINER: Final = (*NODE_PARAMETERS, *[_parameter(key) for key in KEYS.values()])


def read_configuration(get: Callable[[str], Any]) -> TrainingConfiguration:
    """Make a configuration of the parameters' values, which ``get`` gives by name.

    Raises :class:`ConfigurationError` for what is missing or means nothing.
    """
    given = {}
    for name, key in KEYS.items():
        value = get(name)
        if key.several:
            value = [each for each in value if each != ''] if _is_list(value) else [value]
        if value in ('', [], ['']):
            continue
        if key.default is None and key.kind in (int, float) and value == _not_given(key):
            continue
        given[name] = _as_paths(value) if key.kind is Path else value
    return make_configuration(given, prefix='parameter ')


def _as_paths(value: Any) -> str | list[str]:
    return [str(user_path(each)) for each in value] if _is_list(value) else str(user_path(value))


def _is_list(value: Any) -> bool:
    return not isinstance(value, str | bool | int | float)


def in_parameters(words: str) -> str:
    """Say in parameters what is said in options of the command: ``'resume'`` for ``--resume``."""

    def as_parameter(option: re.Match[str]) -> str:
        name = option[1].replace('-', '_')
        return f"'{name}'" if name in KEYS else option[0]

    return re.sub(r'--([a-z][a-z-]*[a-z])', as_parameter, words)

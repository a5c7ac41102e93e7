"""The parameters of the trainer: those of the node, and the settings of a training run."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from xmodal_ros.configuration import training as configuration
from xmodal_ros.configuration.training import make_configuration, TrainingConfiguration
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.paths import user_path
from xmodal_ros.ros.parameter_tables import AUTOSTART, DIAGNOSTICS_PERIOD

# What stands for "not given" where '' or [''] cannot; a parameter has a type.
_NOT_GIVEN: Final[Mapping[str, Value]] = {
    'epochs': 0,
    'patience': 0,
    'batch_size': 0,
    'learning_rate': 0.0,
    'jobs': 0,
    'unknown_threshold': -1.0,
}
_LISTS: Final = ('bags', 'test_subjects', 'source', 'option', 'val_subjects')
_PATHS: Final = ('bags', 'out', 'log', 'tensorboard', 'json', 'cache')
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


def _parameter(key: str) -> Parameter:
    words = configuration.description(key)
    default = configuration.default(key)
    if key in _LISTS:
        default = ['']
        words = f"{words} {'As NAME=VALUE. ' if key == 'option' else ''}['']: none."
    elif key in _NOT_GIVEN:
        default = _NOT_GIVEN[key]
        words = f'{words} {default}: not given.'
    elif default is ... or default is None:
        default = ''
        words = f"{words} '': not given."
    return Parameter(key, default, words, change='always', or_number=key in _NUMBERED)


TRAINER: Final = (*NODE_PARAMETERS, *map(_parameter, configuration.key_names()))


def read_configuration(get: Callable[[str], Any]) -> TrainingConfiguration:
    """Make a configuration of the parameters' values, which ``get`` gives by name.

    Raises :class:`ConfigurationError` for what is missing or means nothing.
    """
    given = {}
    for key in configuration.key_names():
        value = get(key)
        if key in _LISTS:
            value = [each for each in value if each != ''] if _is_list(value) else [value]
        if value in ('', [], ['']) or (key in _NOT_GIVEN and value == _NOT_GIVEN[key]):
            continue
        if key in _PATHS:
            value = _as_paths(value)
        given[key] = value
    return make_configuration(given, prefix='parameter ')


def _as_paths(value: Any) -> str | list[str]:
    return [str(user_path(each)) for each in value] if _is_list(value) else str(user_path(value))


def _is_list(value: Any) -> bool:
    return not isinstance(value, str | bool | int | float)

"""``perception.launch.py``: classifiers and selector, live or over a recording."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from xmodal_ros.launching.arguments import (
    Argument,
    FLAG,
    FLAG_OR_DEFAULT,
    PRECISIONS,
    read_number,
    share,
    shared_arguments,
)
from xmodal_ros.launching.plan import (
    ending_all,
    large_messages,
    LaunchFile,
    LaunchPlan,
    process,
    Value,
)
from xmodal_ros.launching.sensors import launch_sensors, model_argument, topic_argument
from xmodal_ros.ros.bag_topic import bag_topic, recorded

_ARGUMENTS: Final = (
    *(model_argument(each, '; by default that of params_file') for each in launch_sensors()),
    *(
        topic_argument(
            each,
            "by default that of the bag's sensor for which the model was made, else that of "
            'params_file',
        )
        for each in launch_sensors()
    ),
    Argument('device', "'auto', 'cpu', 'cuda', 'cuda:N' or 'onnx', of all whose model is given."),
    Argument('precision', 'Of the computation, of all whose model is given.', '', PRECISIONS),
    Argument(
        'selector',
        'Run activity_selector too; by default what params_file says.',
        '',
        FLAG_OR_DEFAULT,
    ),
    Argument(
        'bag',
        'A recording to play, with whose end everything ends; without one, sensors are live.',
    ),
    Argument('rate', 'Speed of the recording; 0 plays it as fast as it is taken.', '1.0'),
    Argument('loop', 'Play the recording again and again.', 'false', FLAG),
    Argument(
        'use_sim_time',
        'Take the time from /clock; by default with a bag, which gives it.',
        '',
        FLAG_OR_DEFAULT,
    ),
    Argument(
        'params_file',
        'Parameters of the nodes, and the table of sensors, laid out like the default file.',
        str(share('config', 'perception.yaml')),
    ),
    *shared_arguments(),
)


def _start(values: Mapping[str, str]) -> LaunchPlan:
    sim_time = values['use_sim_time'] == 'true' or bool(
        values['bag'] and not values['use_sim_time']
    )
    settings: dict[str, Value] = {'use_sim_time': sim_time}
    if values['selector']:
        settings['selector'] = values['selector'] == 'true'
    sensors = _declared_sensors(values['params_file'])
    for each in launch_sensors():
        changes = _changes(each.modality, values)
        sensors.setdefault(each.modality, {}).update(changes)
        settings |= {f'sensors.{each.modality}.{name}': value for name, value in changes.items()}
    perception = process(
        'perception',
        values,
        settings,
        params_file=values['params_file'],
        at_exit=ending_all('perception'),
    )
    if not values['bag']:
        return LaunchPlan([perception], environment=large_messages())
    topics = [each.get('topic', name) for name, each in sensors.items() if each.get('model')]
    awaited = recorded(Path(values['bag']), topics, values['namespace'])
    player = process(
        'bag_player', values, _playing(values, awaited), at_exit=ending_all('bag_player')
    )
    return LaunchPlan([perception, player], environment=large_messages())


def _changes(sensor: str, values: Mapping[str, str]) -> dict[str, str]:
    """Give what the arguments say of a sensor: that wins over the file's."""
    changes = {name: values[f'{sensor}_{name}'] for name in ('model', 'topic')}
    if values['bag'] and changes['model'] and not changes['topic']:
        changes['topic'] = bag_topic(Path(values['bag']), Path(changes['model']))
    if changes['model']:
        changes |= {name: values[name] for name in ('device', 'precision')}
    return {name: value for name, value in changes.items() if value}


def _declared_sensors(params_file: str) -> dict[str, dict[str, Any]]:
    """Read the table of sensors in a file of parameters; what is wrong with it, the nodes say."""
    try:
        content = yaml.safe_load(Path(params_file).read_text(encoding='utf-8'))
        sections = [section['ros__parameters'] for section in content.values()]
        tables = [section['sensors'] for section in sections if 'sensors' in section]
        return {name: dict(fields) for table in tables for name, fields in table.items()}
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def _playing(values: Mapping[str, str], awaited: list[str]) -> dict[str, Value]:
    settings: dict[str, Value] = {
        'bag': values['bag'],
        'rate': read_number(values, 'rate'),
        'loop': values['loop'] == 'true',
    }
    if awaited:
        settings['wait_for_subscribers'] = awaited
    return settings


PERCEPTION: Final = LaunchFile('perception', _ARGUMENTS, _start)

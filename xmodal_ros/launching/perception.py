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

"""``perception.launch.py``: classifiers and selector, live or over a recording."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from xmodal_ros.launching.arguments import (
    Argument,
    autostart_argument,
    FLAG,
    FLAG_OR_DEFAULT,
    flags,
    PRECISIONS,
    read_file,
    read_number,
    RUNTIMES,
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
from xmodal_ros.launching.recording import Answer, look_into, Question
from xmodal_ros.launching.sensors import (
    launch_sensors,
    model_argument,
    POSE_WEIGHTS,
    topic_argument,
)

# Where pose_estimator publishes, in the namespace of all.
_SKELETON_TOPIC: Final = 'skeleton'

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
    Argument(
        POSE_WEIGHTS,
        "Start pose_estimator too, which finds a person's joints in pictures on camera_topic: a "
        'wheel of mediapipe 0.10.14, or a folder with it or with the files of its two nets.',
    ),
    Argument('device', "'auto', 'cpu', 'cuda' or 'cuda:N', of all whose model is given."),
    Argument(
        'runtime',
        "What computes, of all whose model is given; 'onnx' is the ONNX file in the bundle.",
        '',
        RUNTIMES,
    ),
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
        'use_respawn',
        'Start the process again whenever it has ended; otherwise everything ends with it.',
        'false',
        FLAG,
    ),
    autostart_argument(),
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
    rate = read_number(values, 'rate')
    settings: dict[str, Value] = {'use_sim_time': sim_time}
    settings |= flags(values, 'selector', 'autostart')
    changes = {each.modality: _changes(each.modality, values) for each in launch_sensors()}
    if values[POSE_WEIGHTS]:
        changes['skeleton'] = _from_the_estimator(changes['skeleton'], values)
    answer = Answer({})
    if values['bag']:
        answer = look_into(_question(values, changes))
        for sensor, topic in answer.topics.items():
            changes.setdefault(sensor, {})['topic'] = topic
    for sensor, change in changes.items():
        settings |= {f'sensors.{sensor}.{name}': value for name, value in change.items()}
    respawn = values['use_respawn'] == 'true'
    perception = process(
        'perception',
        values,
        settings,
        params_file=read_file(values, 'params_file'),
        respawn=respawn,
        at_exit=None if respawn else ending_all('perception'),
    )
    started = [perception]
    if values[POSE_WEIGHTS]:
        estimating: dict[str, Value] = {'use_sim_time': sim_time, 'weights': values[POSE_WEIGHTS]}
        estimating |= flags(values, 'autostart')
        if topic := _image_topic(values, changes):
            estimating['image_topic'] = topic
        started.append(
            process(
                'pose_estimator',
                values,
                estimating,
                params_file=read_file(values, 'params_file'),
                respawn=respawn,
                at_exit=None if respawn else ending_all('pose_estimator'),
            )
        )
    if values['bag']:
        player = process(
            'bag_player',
            values,
            _playing(values, rate, answer),
            at_exit=ending_all('bag_player'),
            environment=large_messages(),
        )
        started.append(player)
    return LaunchPlan(started)


def _from_the_estimator(change: dict[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Let skeletons come from the estimator, unless they are said to come from elsewhere."""
    if change.get('model'):
        return {'topic': _SKELETON_TOPIC, **change}
    of_file = _declared_sensors(read_file(values, 'params_file')).get('skeleton', {})
    if not of_file.get('model'):
        return change
    return {'topic': str(of_file.get('topic') or _SKELETON_TOPIC), **change}


def _image_topic(values: Mapping[str, str], changes: Mapping[str, Mapping[str, str]]) -> str:
    """Give where the camera's pictures are, '' where neither an argument nor the file says so."""
    of_file = _declared_sensors(read_file(values, 'params_file')).get('camera', {})
    return changes['camera'].get('topic') or str(of_file.get('topic', ''))


def _changes(sensor: str, values: Mapping[str, str]) -> dict[str, str]:
    """Give what the arguments say of a sensor: that wins over the file's."""
    changes = {name: values[f'{sensor}_{name}'] for name in ('model', 'topic')}
    if changes['model']:
        changes |= {name: values[name] for name in ('device', 'runtime', 'precision')}
    return {name: value for name, value in changes.items() if value}


def _question(values: Mapping[str, str], changes: Mapping[str, Mapping[str, str]]) -> Question:
    """Ask where all sensors with a model are recorded, those of the file too."""
    sensors = _declared_sensors(read_file(values, 'params_file'))
    for sensor, change in changes.items():
        sensors.setdefault(sensor, {}).update(change)
    models = {name: str(each['model']) for name, each in sensors.items() if each.get('model')}
    given = {name: changes.get(name, {}) for name in models}
    topics = {
        name: str(sensors[name].get('topic', ''))
        for name, change in given.items()
        # A model that is given goes where it is recorded, whatever the file says.
        if 'topic' in change or 'model' not in change
    }
    if values[POSE_WEIGHTS] and 'camera' not in models:
        # Pictures are awaited there, too.
        topics['camera'] = _image_topic(values, changes)
    return Question(
        bag=values['bag'],
        namespace=values['namespace'],
        models=models,
        topics=topics,
        guesses=[name for name, change in given.items() if not change],
        published=[_SKELETON_TOPIC] if values[POSE_WEIGHTS] else [],
    )


def _declared_sensors(params_file: str) -> dict[str, dict[str, Any]]:
    """Read the table of sensors in a file of parameters; what is wrong with it, the nodes say."""
    try:
        content = yaml.safe_load(Path(params_file).read_text(encoding='utf-8'))
        sections = [section['ros__parameters'] for section in content.values()]
        tables = [section['sensors'] for section in sections if 'sensors' in section]
        return {name: dict(fields) for table in tables for name, fields in table.items()}
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def _playing(values: Mapping[str, str], rate: float, found: Answer) -> dict[str, Value]:
    return {
        'bag': values['bag'],
        'rate': rate,
        'loop': values['loop'] == 'true',
        **found.playing,
    }


PERCEPTION: Final = LaunchFile('perception', _ARGUMENTS, _start)

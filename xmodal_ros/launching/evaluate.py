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

"""``evaluate.launch.py``: the live nodes over a recording, scored beside the offline run."""

from collections.abc import Mapping
from typing import Final

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.launching.arguments import (
    Argument,
    FLAG,
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
    Shutdown,
    Value,
)
from xmodal_ros.launching.recording import Answer, look_into, Question
from xmodal_ros.launching.sensors import launch_sensors, model_argument, topic_argument

_ARGUMENTS: Final = (
    Argument('bag', 'The recording to play, and whose truth counts.'),
    *(model_argument(each) for each in launch_sensors()),
    *(
        topic_argument(each, "by default that of the bag's sensor for which the model was made")
        for each in launch_sensors()
    ),
    Argument('device', "Where to compute: 'cpu', 'cuda' or 'cuda:N'.", 'cpu'),
    Argument('runtime', 'What computes.', 'auto', RUNTIMES[1:]),
    Argument('rate', 'Speed of the recording: faster as far as nothing is lost.', '1.0'),
    Argument(
        'player',
        'Play the bag; false leaves that to you, with "ros2 bag play --clock", once the log says '
        'that everything is connected.',
        'true',
        FLAG,
    ),
    Argument('selector', 'Run and score activity_selector too.', 'true', FLAG),
    Argument(
        'merge_labels',
        'Take truth that differs from a label only in how it is written for that one.',
        'false',
        FLAG,
    ),
    Argument('report', 'JSON file to write at the end: scores, and every label.'),
    Argument('html', 'HTML page to write at the end.'),
    Argument(
        'params_file',
        'Parameters of the nodes, laid out like the default file; its table of sensors does not '
        'count, the arguments do.',
        str(share('config', 'perception.yaml')),
    ),
    *shared_arguments(),
)
# More windows than anybody waits for: none is dropped while the bag is played fast.
_QUEUE: Final = 100_000
# It runs the models over the recording once more when it is told to end.
_COMPARING_S: Final = 900.0
# Short enough for the end to be noticed soon.
_DIAGNOSTICS_PERIOD: Final = 0.2


def _start(values: Mapping[str, str]) -> LaunchPlan:
    models = {
        each.modality: model
        for each in launch_sensors()
        if (model := values[f'{each.modality}_model'])
    }
    if not values['bag'] or not models:
        raise ConfigurationError(
            'a recording and a model are needed: bag:=recordings/subject_05 imu_model:=models/imu'
        )
    rate = read_number(values, 'rate')
    topics = {sensor: values[f'{sensor}_topic'] for sensor in models}
    found = look_into(Question(values['bag'], values['namespace'], models, topics, declared=True))
    perception = process(
        'perception',
        values,
        _classifying(values, found),
        params_file=read_file(values, 'params_file'),
        at_exit=ending_all('perception'),
    )
    evaluator = process(
        'evaluator',
        values,
        _scoring(values, found),
        at_exit=ending_all('evaluator'),
        patience_s=_COMPARING_S,
    )
    started = [perception, evaluator]
    if values['player'] == 'true':
        unplayed = Shutdown('the recording could not be played', on_failure_only=True)
        started.append(
            process(
                'bag_player',
                values,
                _playing(values, rate, found),
                at_exit=unplayed,
                environment=large_messages(),
            )
        )
    return LaunchPlan(started)


def _classifying(values: Mapping[str, str], found: Answer) -> dict[str, Value]:
    settings: dict[str, Value] = {
        'use_sim_time': True,
        'selector': values['selector'] == 'true',
        'diagnostics_period': _DIAGNOSTICS_PERIOD,
    }
    for sensor, topic in found.topics.items():
        of_sensor: dict[str, Value] = {
            'model': values[f'{sensor}_model'],
            'topic': topic,
            'device': values['device'],
            'runtime': values['runtime'],
            'queue_size': _QUEUE,
            **found.settings[sensor],
        }
        settings |= {f'sensors.{sensor}.{name}': value for name, value in of_sensor.items()}
    return settings


def _scoring(values: Mapping[str, str], found: Answer) -> dict[str, Value]:
    topics = [f'{sensor}_classifier/activity' for sensor in found.topics]
    if values['selector'] == 'true':
        topics.append('activity')
    settings: dict[str, Value] = {
        'use_sim_time': True,
        'topics': topics,
        'window': found.window_s,
        'merge_labels': values['merge_labels'] == 'true',
        'end_with': '/clock',
        'diagnostics_period': _DIAGNOSTICS_PERIOD,
    }
    settings |= {name: values[name] for name in ('bag', 'report', 'html') if values[name]}
    if values['player'] == 'true':
        settings['player'] = 'bag_player'
    return settings


def _playing(values: Mapping[str, str], rate: float, found: Answer) -> dict[str, Value]:
    return {
        'bag': values['bag'],
        'rate': rate,
        # The evaluator lets it begin.
        'start_paused': True,
        **found.playing,
    }


EVALUATE: Final = LaunchFile('evaluate', _ARGUMENTS, _start)

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

"""``trainer.launch.py``: the node that trains on the robot."""

from collections.abc import Mapping
from typing import Final

from xmodal_ros.launching.arguments import (
    Argument,
    autostart_argument,
    FLAG,
    FLAG_OR_DEFAULT,
    flags,
    read_file,
    share,
    shared_arguments,
)
from xmodal_ros.launching.plan import ending_all, LaunchFile, LaunchPlan, process, Value

# Several are separated by commas, and stay strings: a subject may be called 05.
_LISTS: Final = (
    Argument('bags', 'Recordings or folders that hold some, separated by commas.'),
    Argument('test_subjects', 'Subjects kept out of training, separated by commas.'),
    Argument('source', 'Sensors that the target learns from, separated by commas.'),
    Argument('option', 'Options of the method as NAME=VALUE, separated by commas.'),
)
_WORDS: Final = (
    Argument('target', 'The sensor that will run alone, by name or topic.'),
    Argument('method', 'How it learns, for example distillation; docs/methods has them all.'),
    Argument('out', 'The bundle to write, a folder.'),
    Argument('device', "Where to train: 'auto', 'cpu', 'cuda' or 'cuda:N'."),
    Argument('motion_topic', 'Odometry: nothing begins while it says that the robot moves.'),
)
_FLAGS: Final = (
    Argument('start_at_once', 'Begin without a call of ~/start.', '', FLAG_OR_DEFAULT),
    Argument('resume', 'Go on where an earlier run was ended.', '', FLAG_OR_DEFAULT),
)
_ARGUMENTS: Final = (
    *(*_LISTS, *_WORDS, *_FLAGS),
    autostart_argument(),
    Argument('exit_at_end', 'End when a run has ended.', 'false', FLAG),
    Argument(
        'params_file',
        'Parameters of the trainer, laid out like the default file.',
        str(share('config', 'trainer.yaml')),
    ),
    *shared_arguments(),
)


def _start(values: Mapping[str, str]) -> LaunchPlan:
    settings: dict[str, Value] = {'exit_at_end': values['exit_at_end'] == 'true'}
    settings |= {each.name: values[each.name].split(',') for each in _LISTS if values[each.name]}
    settings |= {each.name: values[each.name] for each in _WORDS if values[each.name]}
    settings |= flags(values, 'autostart', *(each.name for each in _FLAGS))
    trainer = process(
        'trainer',
        values,
        settings,
        params_file=read_file(values, 'params_file'),
        # The launch ends with it, whether it was to end or could not go on.
        at_exit=ending_all('trainer'),
    )
    return LaunchPlan([trainer])


TRAINER: Final = LaunchFile('trainer', _ARGUMENTS, _start)

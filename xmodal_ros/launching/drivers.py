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

"""``drivers.launch.py``: the microphone and the camera, or one of them."""

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
from xmodal_ros.launching.plan import (
    large_messages,
    LaunchFile,
    LaunchPlan,
    process,
    ProcessSpec,
    Value,
)
from xmodal_ros.launching.sensors import Driver, drivers

_ARGUMENTS: Final = (
    *(
        Argument(each.executable, f'Start the {each.executable}.', 'true', FLAG)
        for each in drivers()
    ),
    *(
        Argument(f'{each.executable}_device', f'{each.devices}; by default that of params_file.')
        for each in drivers()
    ),
    *(
        Argument(
            f'{each.executable}_loop',
            'Play a video file again and again; by default that of params_file.',
            '',
            FLAG_OR_DEFAULT,
        )
        for each in drivers()
        if each.files
    ),
    Argument(
        'use_sim_time',
        'Stamp with the time of /clock, of a simulation that runs in real time.',
        'false',
        FLAG,
    ),
    Argument(
        'params_file',
        'Parameters of the nodes, laid out like the default file.',
        str(share('config', 'drivers.yaml')),
    ),
    Argument('use_respawn', 'Start a driver again whenever its process has ended.', 'true', FLAG),
    autostart_argument(),
    *shared_arguments(),
)


def _start(values: Mapping[str, str]) -> LaunchPlan:
    started = [_process(each, values) for each in drivers() if values[each.executable] == 'true']
    return LaunchPlan(started)


def _process(driver: Driver, values: Mapping[str, str]) -> ProcessSpec:
    settings: dict[str, Value] = {'use_sim_time': values['use_sim_time'] == 'true'}
    settings |= flags(values, 'autostart')
    if device := values[f'{driver.executable}_device']:
        settings['device'] = device
    if driver.files and (loop := values[f'{driver.executable}_loop']):
        settings['loop'] = loop == 'true'
    return process(
        driver.executable,
        values,
        settings,
        params_file=read_file(values, 'params_file'),
        respawn=values['use_respawn'] == 'true',
        environment=large_messages() if driver.images else {},
    )


DRIVERS: Final = LaunchFile('drivers', _ARGUMENTS, _start)

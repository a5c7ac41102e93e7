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

"""``bringup.launch.py``: the drivers and the perception, a whole robot's worth."""

from collections.abc import Mapping
from typing import Final

from xmodal_ros.launching.arguments import (
    Argument,
    autostart_argument,
    FLAG,
    FLAG_OR_DEFAULT,
    share,
    shared_arguments,
)
from xmodal_ros.launching.drivers import DRIVERS
from xmodal_ros.launching.perception import PERCEPTION
from xmodal_ros.launching.plan import IncludeSpec, LaunchFile, LaunchPlan
from xmodal_ros.launching.sensors import drivers, launch_sensors, model_argument, topic_argument

# Of the perception's arguments those that play a recording, or are said otherwise here.
_NOT_OF_PERCEPTION: Final = ('bag', 'rate', 'loop')
_FOR_BOTH: Final = (
    Argument('use_sim_time', 'Take the time from /clock.', 'false', FLAG),
    Argument('use_respawn', 'Start a process again whenever it has ended.', 'true', FLAG),
    autostart_argument(),
    *shared_arguments(),
)
_SAID_HERE: Final = (
    *(model_argument(each) for each in launch_sensors()),
    *(topic_argument(each, 'by default that of params_file') for each in launch_sensors()),
    *_FOR_BOTH,
)
_FOR_PERCEPTION: Final = (
    *_SAID_HERE[: -len(_FOR_BOTH)],
    *(
        argument
        for argument in PERCEPTION.arguments
        if argument.name not in (*_NOT_OF_PERCEPTION, *(each.name for each in _SAID_HERE))
    ),
)
_FOR_DRIVERS: Final = (
    *(
        Argument(
            each.driver.executable,
            f'Start the {each.driver.executable}; by default where {" or ".join(each.asked_by)} '
            'is given.',
            '',
            FLAG_OR_DEFAULT,
        )
        for each in launch_sensors()
        if each.driver
    ),
    *(
        Argument(
            f'{each.executable}_device',
            f'{each.devices}; by default that of drivers_params_file.',
        )
        for each in drivers()
    ),
    *(
        Argument(
            f'{each.executable}_loop',
            'Play a video file again and again; by default that of drivers_params_file.',
            '',
            FLAG_OR_DEFAULT,
        )
        for each in drivers()
        if each.files
    ),
)
_DRIVERS_FILE: Final = Argument(
    'drivers_params_file',
    'Parameters of the drivers, laid out like the default file.',
    str(share('config', 'drivers.yaml')),
)


def _start(values: Mapping[str, str]) -> LaunchPlan:
    for_perception = {each.name: values[each.name] for each in (*_FOR_PERCEPTION, *_FOR_BOTH)}
    for_drivers = {each.name: values[each.name] for each in (*_FOR_DRIVERS, *_FOR_BOTH)}
    for sensor in launch_sensors():
        if sensor.driver and not for_drivers[sensor.driver.executable]:
            wanted = any(values[name] for name in sensor.asked_by)
            for_drivers[sensor.driver.executable] = str(wanted).lower()
    for_drivers['params_file'] = values[_DRIVERS_FILE.name]
    return LaunchPlan(
        includes=[
            IncludeSpec(DRIVERS.name, for_drivers),
            IncludeSpec(PERCEPTION.name, for_perception),
        ]
    )


BRINGUP: Final = LaunchFile(
    'bringup', (*_FOR_PERCEPTION, *_FOR_DRIVERS, _DRIVERS_FILE, *_FOR_BOTH), _start
)

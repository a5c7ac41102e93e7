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

"""Every launch file: its arguments, and that the nodes take what they make of them."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
import re
from typing import Any

import pytest

from test.bundles import make_imu_bundle
from test.launch.files import (
    console_scripts,
    FOLDER,
    launch_file,
    NAMES,
    planned,
    ROOT,
    Started,
)
from test.recordings import clips, write_imu_bag
from xmodal_ros.launching.arguments import Argument
from xmodal_ros.launching.sensors import launch_sensors
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros.parameter_tables import classifier_table, TABLES
from xmodal_ros.ros.sensor_table import read_sensors
from xmodal_ros.ros.trainer_parameters import TRAINER
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

PARAMETERS = {**TABLES, 'trainer': TRAINER}
EVERY_ARGUMENT = [
    pytest.param(name, argument, id=f'{name}-{argument.name}')
    for name in NAMES
    for argument in launch_file(name).arguments
]


@pytest.fixture(scope='module')
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings and two bundles, for windows of another length each."""
    folder = tmp_path_factory.mktemp('material')
    for name, window_s in (('one', 2), ('other', 3)):
        write_imu_bag(folder / f'bag_{name}', clips(['sit'], seconds=1))
        window = WindowingSpec(rate_hz=50, length_ns=window_s * SECOND_NS)
        make_imu_bundle(folder / f'bundle_{name}', window=window)
    return folder


def given_to(name: str, material: Path) -> dict[str, str]:
    """Arguments beside which every other one makes a difference."""
    models = {f'{each.modality}_model': str(material / 'bundle_one') for each in launch_sensors()}
    bag = {'bag': str(material / 'bag_one')}
    return {
        'bringup': {**models, 'camera': 'true', 'microphone': 'true'},
        'drivers': {},
        'evaluate': {**models, **bag},
        'perception': {**models, **bag},
        'trainer': {},
    }[name]


def another(argument: Argument, now: str, material: Path) -> str:
    """A value that an argument may have and does not have yet."""
    if argument.choices is not None:
        return next(each for each in reversed(argument.choices) if each and each != now)
    if argument.name.endswith('params_file'):
        (material / 'other.yaml').touch()
        return str(material / 'other.yaml')
    if argument.name == 'bag':
        return str(material / 'bag_other')
    if argument.name.endswith('_model'):
        return str(material / 'bundle_other')
    return '2.5' if argument.name == 'rate' else 'something_else'


@cache
def variations(name: str, material: Path) -> dict[str, Started]:
    """What is started with every argument changed, by its name, and by '' with none changed."""
    given = given_to(name, material)
    started = {'': planned(name, given)}
    for argument in launch_file(name).arguments:
        now = given.get(argument.name, argument.default)
        changed = {**given, argument.name: another(argument, now, material)}
        started[argument.name] = planned(name, changed)
    return started


@pytest.mark.parametrize('name', NAMES)
def test_a_launch_file_holds_nothing_but_its_description(name: str) -> None:
    module = ast.parse((FOLDER / f'{name}.launch.py').read_text())
    expected = ast.parse(
        'from launch import LaunchDescription\n'
        'from xmodal_ros.launching.actions import describe\n'
        f'from xmodal_ros.launching.{name} import {name.upper()}\n'
        'def generate_launch_description() -> LaunchDescription:\n'
        f'    return describe({name.upper()})\n'
    )
    assert ast.get_docstring(module)
    assert [*map(ast.dump, module.body[1:])] == [*map(ast.dump, expected.body)]
    assert launch_file(name).name == name


@pytest.mark.parametrize(('name', 'argument'), EVERY_ARGUMENT)
def test_every_argument_is_described(name: str, argument: Argument) -> None:
    assert len(argument.description) > 10
    assert argument.description.endswith('.')


@pytest.mark.parametrize(('name', 'argument'), EVERY_ARGUMENT)
def test_every_default_may_be_given(name: str, argument: Argument) -> None:
    assert argument.read(argument.default) == argument.default
    for choice in argument.choices or ():
        assert argument.read(choice.upper()) == choice
    if argument.name.endswith('params_file'):
        assert Path(argument.default).is_file()


@pytest.mark.parametrize('name', NAMES)
def test_the_arguments_are_those_that_users_know(name: str) -> None:
    sensors = ' '.join(
        f'{sensor}_{what}'
        for sensor in ('imu', 'camera', 'audio', 'skeleton')
        for what in ('model', 'topic')
    )
    known = {
        'bringup': f'{sensors} pose_weights device precision runtime camera microphone '
        'camera_device microphone_device camera_loop selector use_respawn autostart '
        'drivers_params_file use_sim_time',
        'drivers': 'camera microphone camera_device microphone_device camera_loop use_sim_time '
        'use_respawn autostart',
        'evaluate': f'bag {sensors} device runtime rate player selector merge_labels report html',
        'perception': f'{sensors} pose_weights device precision runtime selector bag rate loop '
        'use_sim_time use_respawn autostart',
        'trainer': 'bags test_subjects source option target method out device motion_topic '
        'start_at_once resume exit_at_end autostart',
    }[name].split()
    names = [argument.name for argument in launch_file(name).arguments]
    assert sorted(names) == sorted([*known, 'params_file', 'namespace', 'log_level'])


@pytest.mark.parametrize(('name', 'argument'), EVERY_ARGUMENT)
def test_every_argument_changes_what_is_started(
    name: str, argument: Argument, material: Path
) -> None:
    started = variations(name, material)
    assert started[argument.name] != started['']


@pytest.mark.parametrize('name', NAMES)
def test_what_is_started_is_installed(name: str, material: Path) -> None:
    for started in variations(name, material).values():
        assert {spec.executable for spec in started.processes} <= console_scripts().keys()


@pytest.mark.parametrize('name', NAMES)
def test_what_is_started_takes_the_parameters_that_it_is_given(name: str, material: Path) -> None:
    specs = [spec for each in variations(name, material).values() for spec in each.processes]
    assert specs
    for spec in specs:
        settings = dict(spec.parameters)
        assert isinstance(settings.pop('use_sim_time', False), bool)
        sensors = {
            key.removeprefix('sensors.'): settings.pop(key)
            for key in spec.parameters
            if key.startswith('sensors.')
        }
        check(settings, PARAMETERS[spec.executable])
        assert not sensors or spec.executable == 'perception'
        # Fields that no sensor has are refused here.
        for entry in read_sensors(sensors):
            check(entry.classifier, classifier_table(find_modality(entry.modality)))


def check(settings: Mapping[str, Any], table: tuple[Parameter, ...]) -> None:
    """Hold values against a node's table: names, types and bounds."""
    known = {parameter.name: parameter for parameter in table}
    for name, value in settings.items():
        parameter = known[name]
        assert type(value) is type(parameter.default), name
        if isinstance(value, list) and isinstance(parameter.default, list):
            assert {*map(type, value)} == {*map(type, parameter.default)}, name
        if parameter.bounds:
            assert isinstance(value, int | float), name
            assert parameter.bounds[0] <= value <= parameter.bounds[1], name


def test_every_example_names_arguments_that_there_are() -> None:
    pages = [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md'), *FOLDER.glob('*.launch.py')]
    examples = [
        (file, found)
        for page in pages
        for file, found in re.findall(
            r'ros2 launch xmodal_ros (\w+)\.launch\.py((?:\\\n|\n +(?=\w+:=)|[^\n`])*)',
            page.read_text(),
        )
    ]
    assert {name for name, _ in examples} == set(NAMES)
    for name, text in examples:
        known = {argument.name for argument in launch_file(name).arguments}
        assert set(re.findall(r'(\w+):=', text)) <= known, text

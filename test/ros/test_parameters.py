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

"""One table of parameters, and everything that repeats it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml

from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros.parameter_tables import (
    BAG_PLAYER,
    classifier_table,
    MODALITY,
    PERCEPTION,
    TABLES,
)
from xmodal_ros.ros.parameters import declare, given_at_start, texts, type_name, warn_of_unknown
from xmodal_ros.ros.selector_parameters import ACTIVITY_SELECTOR
from xmodal_ros.ros.sensor_table import read_sensors
from xmodal_ros.ros.trainer_parameters import NODE_PARAMETERS, TRAINER

ROOT = Path(__file__).parents[2]
MODALITIES = ('imu', 'camera', 'audio', 'skeleton')
DOCUMENTED = {
    **{f'{name}_classifier': classifier_table(find_modality(name)) for name in MODALITIES},
    'classifier': (MODALITY,),
    **TABLES,
    'trainer': TRAINER,
}
OF_AN_IMU = DOCUMENTED['imu_classifier']
# What another page has, to which that of the node leads: docs/imu_classifier.md, docs/training.md.
ELSEWHERE = {
    **{f'{name}_classifier': OF_AN_IMU for name in MODALITIES[1:]},
    'trainer': TRAINER[len(NODE_PARAMETERS) :],
}


def rows(node: str) -> list[list[str]]:
    """The rows of the table of parameters on a node's page, without their markup."""
    page = (ROOT / 'docs' / f'{node}.md').read_text()
    section = page.partition('## Parameters')[2].partition('\n## ')[0]
    lines = [line for line in section.splitlines() if line.startswith('| `')]
    return [[cell.strip().strip('`') for cell in line.strip('|').split('|')] for line in lines]


def as_documented(parameter: Parameter) -> list[str]:
    default: Any = parameter.default
    if isinstance(default, bool):
        default = str(default).lower()
    bounds = parameter.bounds
    kind = type(default) if isinstance(default, float) else int
    span = f'{kind(bounds[0])} to {kind(bounds[1])}' if bounds else ''
    return [parameter.name, type_name(parameter), str(default), span]


@pytest.mark.parametrize('node', DOCUMENTED)
def test_the_page_of_a_node_says_what_the_table_says(node: str) -> None:
    expected = [
        [
            *as_documented(parameter),
            *([parameter.change] if node not in ('bag_player', 'perception') else []),
            parameter.description,
        ]
        for parameter in DOCUMENTED[node]
        if parameter not in ELSEWHERE.get(node, ())
    ]
    assert rows(node) == expected


@pytest.mark.parametrize('modality', MODALITIES[1:])
def test_only_the_mounting_is_a_parameter_of_an_imu_alone(modality: str) -> None:
    others = {parameter.name for parameter in DOCUMENTED[f'{modality}_classifier']}
    alone = {parameter.name for parameter in OF_AN_IMU} - others
    assert alone == {'mounting_rotation', 'mounting_frame'}


def test_the_players_parameters_are_read_only_as_documented() -> None:
    assert {parameter.change for parameter in BAG_PLAYER} == {'never'}


def test_the_configuration_file_holds_the_defaults_with_their_descriptions() -> None:
    path = ROOT / 'config' / 'perception.yaml'
    content = yaml.safe_load(path.read_text())
    assert list(content) == ['/**/perception', '/**/activity_selector']
    settings = content['/**/perception']['ros__parameters']
    sensors = settings.pop('sensors')
    assert settings == {parameter.name: parameter.default for parameter in PERCEPTION}
    chosen = content['/**/activity_selector']['ros__parameters']
    of_table = {each.name: each.default for each in ACTIVITY_SELECTOR}
    assert chosen.items() <= of_table.items()
    assert of_table.keys() - chosen.keys() == {'source_names', 'autostart', 'diagnostics_period'}
    lines = path.read_text().splitlines()
    for parameter in (*PERCEPTION, *(each for each in ACTIVITY_SELECTOR if each.name in chosen)):
        index = next(
            i for i, line in enumerate(lines) if line.startswith(f'    {parameter.name}:')
        )
        assert lines[index - 1].strip() == f'# {parameter.description}'
    assert tuple(entry.modality for entry in read_sensors(flat(sensors))) == MODALITIES
    for entry in read_sensors(flat(sensors)):
        table = classifier_table(find_modality(entry.modality))
        defaults = {each.name: each.default for each in table}
        assert entry.classifier.items() <= defaults.items()


def flat(sensors: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Sensors as parameters name them."""
    return {
        f'{name}.{field}': value
        for name, fields in sensors.items()
        for field, value in fields.items()
    }


@pytest.mark.parametrize('table', DOCUMENTED.values())
def test_every_default_lies_within_its_bounds(table: Sequence[Parameter]) -> None:
    for parameter in table:
        if parameter.bounds is not None:
            low, high = parameter.bounds
            assert isinstance(parameter.default, int | float)
            assert low <= parameter.default <= high


def test_an_empty_list_given_at_the_start_holds_nothing() -> None:
    table = (Parameter('topics', ['activity'], 'Labels.'), Parameter('other', ['a', ''], 'More.'))
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '-p', 'topics:=[]'], context=context)
    try:
        node = rclpy.create_node('node', context=context, enable_rosout=False)
        declare(node, table)
        assert texts(node, 'topics') == ()
        assert texts(node, 'other') == ('a',)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_what_was_given_and_nobody_has_is_told_with_the_closest(
    capfd: pytest.CaptureFixture[str],
) -> None:
    context = rclpy.Context()
    given = ['-p', 'topicks:=[a]', '-p', 'names:=[a]', '-p', 'qos_overrides./a.depth:=1']
    rclpy.init(args=['--ros-args', *given], context=context)
    try:
        node = rclpy.create_node('node', context=context, enable_rosout=False)
        node.table = (Parameter('topics', ['activity'], 'Labels.', formerly='names'),)
        declare(node, node.table)
        warn_of_unknown(node, given_at_start(node), [node])
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    said = [line for line in capfd.readouterr().err.splitlines() if 'was given' in line]
    assert len(said) == 1
    assert "'topicks' was given" in said[0]
    assert "closest is 'topics'" in said[0]


@pytest.mark.parametrize(
    ('table', 'name', 'words'),
    [
        (classifier_table(find_modality('imu')), 'precision', 'one of fp32, fp16, bf16'),
        (classifier_table(find_modality('audio')), 'audio_format', 'S16LE'),
        (ACTIVITY_SELECTOR, 'mode', 'one of select, fuse'),
        (ACTIVITY_SELECTOR, 'smoothing_method', 'one of mean, majority'),
        (TRAINER, 'balance', 'one of weights, sampling, none'),
        (ACTIVITY_SELECTOR, 'timeout', ''),
    ],
)
def test_tools_are_told_the_words_that_may_be_chosen(
    table: Sequence[Parameter], name: str, words: str
) -> None:
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    try:
        node = rclpy.create_node('node', context=context, enable_rosout=False)
        declare(node, [each for each in table if each.name == name])
        constraints = node.describe_parameter(name).additional_constraints
        assert words in constraints
        assert bool(words) is bool(constraints)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)

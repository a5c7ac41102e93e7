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

"""The trainer's parameters are the settings of a training run, and its file repeats them."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field
import pytest
import yaml

from xmodal_ros.configuration.schema import schema_keys
from xmodal_ros.configuration.training import KEYS, make_configuration
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.trainer_parameters import (
    _parameter,
    in_parameters,
    NODE_PARAMETERS,
    read_configuration,
    TRAINER,
)

PATH = Path(__file__).parents[2] / 'config' / 'trainer.yaml'
DEFAULTS: dict[str, Any] = {each.name: each.default for each in TRAINER}
NEEDED = {'bags': ['bags'], 'target': 'imu', 'test_subjects': ['3'], 'out': 'models/imu'}


def test_every_setting_is_a_parameter_with_its_words() -> None:
    assert [each.name for each in TRAINER] == [
        *(each.name for each in NODE_PARAMETERS),
        *KEYS,
    ]
    assert all(each.description for each in TRAINER)


def test_defaults_are_those_of_the_settings() -> None:
    assert read_configuration({**DEFAULTS, **NEEDED}.__getitem__) == make_configuration(NEEDED)
    for each in TRAINER[len(NODE_PARAMETERS) :]:
        default = KEYS[each.name].default
        if default not in (..., None, (), {}):
            assert each.default == default


def test_what_is_set_is_read() -> None:
    chosen = {
        'test_subjects': [5, 6],
        'option': ['weight=0.3'],
        'epochs': 3,
        'unknown_threshold': 0.0,
        'learning_rate': 0.01,
        'log': '~/log.csv',
        'unlabelled': True,
    }
    read = read_configuration({**DEFAULTS, **NEEDED, **chosen}.__getitem__)
    assert read.test_subjects == ('5', '6')
    assert read.method_options == {'weight': '0.3'}
    assert (read.epochs, read.unknown_threshold, read.learning_rate) == (3, 0.0, 0.01)
    assert read.unlabelled
    assert read.log == Path.home() / 'log.csv'


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({}, 'parameter bags is missing'),
        (
            {**NEEDED, 'method': 'distilation'},
            "parameter method 'distilation' is none of .*; did you mean 'distillation'",
        ),
        ({**NEEDED, 'size': 'huge'}, "parameter size 'huge' is none of small, default, large"),
        ({**NEEDED, 'epochs': -1}, 'parameter epochs'),
        ({**NEEDED, 'option': ['weight']}, 'NAME=VALUE'),
        ({**NEEDED, 'window': float('nan')}, 'parameter window'),
    ],
)
def test_what_means_nothing_is_refused_by_its_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_configuration({**DEFAULTS, **values}.__getitem__)


def test_the_file_holds_the_defaults_with_their_descriptions() -> None:
    text = PATH.read_text()
    content = yaml.safe_load(text)
    assert list(content) == ['/**/trainer']
    assert content['/**/trainer']['ros__parameters'] == DEFAULTS
    lines = text.splitlines()
    for each in TRAINER:
        index = next(i for i, line in enumerate(lines) if line.startswith(f'    {each.name}:'))
        assert lines[index - 1].strip() == f'# {each.description}'


def test_a_number_that_may_be_anything_cannot_be_a_parameter_that_is_not_given() -> None:
    class Settings(BaseModel):
        shift: Annotated[int | None, Field(description='Anything.')] = None

    with pytest.raises(TypeError, match='no value of shift can stand for "not given"'):
        _parameter(schema_keys(Settings)['shift'])


def test_what_a_run_says_of_options_is_said_of_parameters() -> None:
    words = "Train without --resume. Is 'xmodal export --onnx' meant? --test-subjects"
    assert in_parameters(words) == (
        "Train without 'resume'. Is 'xmodal export --onnx' meant? 'test_subjects'"
    )

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

"""What may be given to a launch file."""

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.launching.arguments import (
    Argument,
    FLAG,
    FLAG_OR_DEFAULT,
    PRECISIONS,
    read_arguments,
    read_number,
)

ARGUMENTS = (
    Argument('loop', 'Play it again and again.', 'false', FLAG),
    Argument('selector', 'Run the selector.', '', FLAG_OR_DEFAULT),
    Argument('precision', 'Of the computation.', '', PRECISIONS),
    Argument('out', 'A folder.'),
)


def test_what_is_not_given_is_the_default() -> None:
    values = read_arguments(ARGUMENTS, {'out': 'models/imu'})
    assert values == {'loop': 'false', 'selector': '', 'precision': '', 'out': 'models/imu'}


@pytest.mark.parametrize(
    ('name', 'given', 'meant'),
    [
        *(('loop', spelling, 'true') for spelling in ('true', 'True', 'TRUE', '1')),
        *(('loop', spelling, 'false') for spelling in ('false', 'False', 'FALSE', '0')),
        ('selector', 'True', 'true'),
        ('selector', '', ''),
        ('precision', 'FP16', 'fp16'),
    ],
)
def test_flags_and_choices_may_be_written_as_python_or_yaml_write_them(
    name: str, given: str, meant: str
) -> None:
    assert read_arguments(ARGUMENTS, {name: given})[name] == meant


def test_other_arguments_stay_as_they_are_written() -> None:
    assert read_arguments(ARGUMENTS, {'out': 'True'})['out'] == 'True'


@pytest.mark.parametrize(
    ('name', 'given', 'offered'),
    [
        ('loop', 'yes', 'loop:=yes is none of true, false'),
        ('loop', '', 'loop:= is none of true, false'),
        ('loop', '2', 'loop:=2 is none of true, false'),
        ('precision', '1', 'precision:=1 is none of fp32, fp16, bf16'),
    ],
)
def test_what_is_no_choice_is_refused_with_the_choices(
    name: str, given: str, offered: str
) -> None:
    with pytest.raises(ConfigurationError, match=offered):
        read_arguments(ARGUMENTS, {name: given})


def test_an_argument_that_there_is_not_is_refused_with_the_closest() -> None:
    with pytest.raises(ConfigurationError, match='no argument lop; closest is loop'):
        read_arguments(ARGUMENTS, {'lop': 'true'})


def test_what_should_be_a_number_is_refused_by_its_name() -> None:
    assert read_number({'rate': '2'}, 'rate') == 2.0
    with pytest.raises(ConfigurationError, match='rate:=fast is no number'):
        read_number({'rate': 'fast'}, 'rate')

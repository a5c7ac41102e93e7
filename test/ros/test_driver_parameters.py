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

"""The configuration file of the drivers repeats the table of parameters."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from xmodal_ros.parameter import Parameter
from xmodal_ros.ros.parameter_tables import CAMERA, MICROPHONE

PATH = Path(__file__).parents[2] / 'config' / 'drivers.yaml'


@pytest.mark.parametrize(('node', 'table'), [('microphone', MICROPHONE), ('camera', CAMERA)])
def test_it_holds_the_defaults_with_their_descriptions(
    node: str, table: Sequence[Parameter]
) -> None:
    settings = yaml.safe_load(PATH.read_text())[f'/**/{node}']['ros__parameters']
    assert settings == {parameter.name: parameter.default for parameter in table}
    section = PATH.read_text().partition(f'/**/{node}:')[2].partition('\n\n')[0].splitlines()
    for parameter in table:
        index = next(
            i for i, line in enumerate(section) if line.startswith(f'    {parameter.name}:')
        )
        assert section[index - 1].strip() == f'# {parameter.description}'


def test_it_configures_nothing_else() -> None:
    assert set(yaml.safe_load(PATH.read_text())) == {'/**/microphone', '/**/camera'}

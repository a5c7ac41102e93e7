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

"""What QUALITY_DECLARATION.md names is there."""

import importlib
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / 'QUALITY_DECLARATION.md').read_text(encoding='utf-8')
NAMES = sorted(set(re.findall(r'`(xmodal_ros\.[\w.]+)`', TEXT)))
GROUPS = {f'xmodal_ros.{name}' for name in ('modalities', 'lanes', 'encoders', 'methods')}


def test_the_groups_of_entry_points_are_those_of_the_setup() -> None:
    assert set(NAMES) >= GROUPS
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    assert set(re.findall(r"'(xmodal_ros\.\w+)': \[", setup)) == GROUPS


@pytest.mark.parametrize('name', [name for name in NAMES if name not in GROUPS])
def test_the_public_api_is_there_and_described(name: str) -> None:
    module, _, last = name.rpartition('.')
    found = (
        importlib.import_module(name)
        if last.islower() and (ROOT / name.replace('.', '/')).is_dir()
        else getattr(importlib.import_module(module), last)
    )
    assert found.__doc__


def test_the_files_it_names_are_there() -> None:
    folders = 'docs|config|launch|standalone|xmodal_ros|benchmarks'
    named = re.findall(rf'`((?:{folders})/[\w/.]*)`', TEXT)
    assert len(named) > 8
    assert not [name for name in named if not (ROOT / name).exists()]

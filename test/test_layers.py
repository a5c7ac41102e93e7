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

"""No folder imports from above: the order is the one that CONTRIBUTING.md says."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'xmodal_ros'


@cache
def layers() -> dict[str, int]:
    """Read the order: a line a layer, from the bottom, names first."""
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    block = re.search(r'```layers\n(.*?)```', text, re.DOTALL)
    assert block is not None, 'CONTRIBUTING.md has no block of layers'
    lines = [line.split('  ')[0] for line in block[1].splitlines()]
    return {name: rank for rank, line in enumerate(lines) for name in line.split()}


def layer_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix('.py')


def imported(path: Path) -> Iterator[str]:
    """Give the layers that a module imports from, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == 'xmodal_ros':
            names = [f'xmodal_ros.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, rest = name.partition('.')
            if package == 'xmodal_ros' and rest and rest != '__version__':
                yield rest.split('.')[0]


MODULES = sorted(path for path in PACKAGE.rglob('*.py') if path != PACKAGE / '__init__.py')


def test_every_folder_has_its_place() -> None:
    there = {layer_of(path) for path in MODULES}
    assert there == set(layers())


@pytest.mark.parametrize('layer', sorted({layer_of(path) for path in MODULES}))
def test_a_folder_imports_only_from_below(layer: str) -> None:
    order = layers()
    upward = [
        f'{path.relative_to(ROOT)} imports from {other}'
        for path in MODULES
        if layer_of(path) == layer
        for other in imported(path)
        if order[other] > order[layer]
    ]
    assert not upward


def test_only_the_folders_for_it_import_rclpy() -> None:
    found = {
        layer_of(path)
        for path in MODULES
        if re.search(r'^\s*(from|import) rclpy', path.read_text(encoding='utf-8'), re.MULTILINE)
    }
    assert found <= {'ros', 'tools', 'nodes'}


def test_what_takes_a_second_to_load_is_imported_where_it_is_wanted() -> None:
    heavy = r'^(from|import) (sklearn|scipy\.(io|ndimage|signal|spatial|stats)|onnx)\b'
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if re.search(heavy, path.read_text(encoding='utf-8'), re.MULTILINE)
    }
    # Itself imported where sound is harmed on purpose.
    assert found <= {'modalities/audio/faults.py'}

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

"""The words of the package: those CONTRIBUTING.md lists are there, and each means one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
import re
from typing import Final

ROOT = Path(__file__).parents[1]
# Words that say nothing to somebody who has written PyTorch or ROS.
METAPHORS: Final = re.compile(
    r'school|pupil|lesson|lecture|teach(?!er)|taught|desk\b|outlook|forgetful|ledger|errand',
    re.IGNORECASE,
)


@cache
def trees() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text(encoding='utf-8'))
        for path in sorted((ROOT / 'xmodal_ros').rglob('*.py'))
    }


def definitions() -> Iterator[tuple[str, Path]]:
    """Give every public class and function, methods included, with its file."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, path


def glossary() -> list[str]:
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    table = text.partition('## Words')[2].partition('\n## ')[0]
    return re.findall(r'^\|[^|]+\| `(\w+)` \|', table, re.MULTILINE)


def test_the_glossary_names_what_is_there() -> None:
    words = glossary()
    there = {name for name, _ in definitions()}
    assert len(words) > 20
    assert not [word for word in words if word not in there]


def test_a_class_has_a_name_of_its_own() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for path, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert not {name: files for name, files in homes.items() if len(files) > 1}


def test_no_name_is_a_metaphor() -> None:
    found = [f'{path.relative_to(ROOT)}: {name}' for name, path in definitions()]
    assert not [each for each in found if METAPHORS.search(each.rpartition(': ')[2])]
    assert not [path for path in trees() if METAPHORS.search(path.stem)]

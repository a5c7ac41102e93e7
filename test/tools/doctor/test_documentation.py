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

"""docs/doctor.md names every kind of finding there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from xmodal_ros.modalities.checks import CHECKS, TABLE

ROOT = Path(__file__).parents[3]


def finding_codes(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            code = node.args[1] if node.func.id in ('Finding', 'Problem') else None
            if isinstance(code, ast.Constant):
                yield str(code.value)


def test_every_code_is_explained() -> None:
    package = ROOT / 'xmodal_ros'
    files = [
        *(package / 'modalities').rglob('*.py'),
        *(package / 'tools' / 'doctor').glob('*.py'),
        package / 'cli' / 'doctor_run.py',
    ]
    codes = {code for file in files for code in finding_codes(file)}
    assert len(codes) > 30
    page = (ROOT / 'docs' / 'doctor.md').read_text(encoding='utf-8')
    assert [code for code in sorted(codes) if f'`{code}`' not in page] == []


def test_the_page_of_checks_is_the_table() -> None:
    page = (ROOT / 'docs' / 'plausibility.md').read_text(encoding='utf-8')
    checks = page[page.index('\n## ') :].splitlines()
    rows = [line for line in checks if line.startswith('| `')]
    assert rows == list(rows_of_checks())


def rows_of_checks() -> Iterator[str]:
    for checks in TABLE.values():
        for check in checks:
            yield f'| `{check.code}` | {check.level} | {check.means} | {check.remedy} |'


def test_all_problems_of_data_are_in_the_table() -> None:
    """No modality of this package makes one up beside it."""
    files = (ROOT / 'xmodal_ros' / 'modalities').rglob('*.py')
    assert [code for file in files for code in finding_codes(file)] == []
    assert len(CHECKS) == sum(map(len, TABLE.values())), 'two checks have one name'

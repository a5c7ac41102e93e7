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

"""What code and pages cite is there."""

from collections.abc import Iterator
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ('xmodal_ros', 'launch', 'config', 'standalone', 'benchmarks', 'test', 'examples')


def cited() -> Iterator[tuple[Path, str]]:
    """Give each page that a file outside docs/ names, from the top of the checkout."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob('*')):
            if path.suffix in ('.py', '.yaml', '.j2', '.js', '.html') and path.is_file():
                text = path.read_text(encoding='utf-8')
                yield from ((path, page) for page in re.findall(r'docs/[\w/]+\.md', text))


def linked() -> Iterator[tuple[Path, str]]:
    """Give each file that a page links to, as the page writes it."""
    pages = [
        *ROOT.glob('*.md'),
        *(ROOT / 'docs').rglob('*.md'),
        *(ROOT / 'examples').rglob('*.md'),
    ]
    for page in pages:
        text = page.read_text(encoding='utf-8')
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', text):
            if '://' not in target and target != '...':
                yield page, target


def test_pages_that_code_cites_are_there() -> None:
    missing = [f'{path}: {page}' for path, page in cited() if not (ROOT / page).is_file()]
    assert not missing


def test_links_of_pages_lead_somewhere() -> None:
    missing = [f'{page}: {to}' for page, to in linked() if not (page.parent / to).exists()]
    assert not missing


@pytest.mark.parametrize('page', sorted(path.name for path in (ROOT / 'docs').glob('*.md')))
def test_every_page_is_linked_from_somewhere(page: str) -> None:
    assert any(Path(target).name == page for _, target in linked()), f'nobody finds docs/{page}'

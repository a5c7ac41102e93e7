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

"""What a page of results says of each study, read from the page itself."""

from collections.abc import Iterator
from dataclasses import dataclass
import re
from typing import Final

_DELTA: Final = re.compile(r'([+-][\d.]+)(?: \(no interval\)| \(([+-][\d.]+) to ([+-][\d.]+)\))?')
# What a row without a score has in its place.
_NOTHING: Final = '–'


@dataclass(frozen=True)
class Delta:
    """A difference with its 95 % interval, None where that is not known."""

    mean: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f'{self.mean:+.3f}'
        return f'{self.mean:+.3f} ({self.low:+.3f} to {self.high:+.3f})'


@dataclass(frozen=True)
class StudyTable:
    """One of a study's tables: its rows by the names of columns, and how many were tested."""

    study: str
    amount: str
    people: int
    rows: list[dict[str, str]]


def study_tables(page: str) -> Iterator[StudyTable]:
    """Give the tables of scores that the parts of a page hold, in their order."""
    for part in page.split('\n## ')[1:]:
        title, *blocks = part.split('\n### ')
        named = re.search(r'^xmodal study .* --out studies/(\S+)', part, re.MULTILINE)
        study = named[1] if named else title.partition('\n')[0]
        for block in blocks:
            people = re.search(r'^(\d+) test subjects', block, re.MULTILINE)
            lines = re.findall(r'^\|(.*)\|$', block, re.MULTILINE)
            if people is None or len(lines) < 3:
                continue
            head, _, *rows = (
                [cell.strip().replace(_NOTHING, '') for cell in line.split('|')] for line in lines
            )
            amount = block.partition('\n')[0]
            found = [dict(zip(head, row, strict=True)) for row in rows]
            yield StudyTable(study, amount[0].lower() + amount[1:], int(people[1]), found)


def delta(cell: str) -> Delta | None:
    """Read a difference, with its interval if it has one."""
    found = _DELTA.fullmatch(cell)
    if found is None:
        return None
    mean, low, high = (None if each is None else float(each) for each in found.groups())
    assert mean is not None
    return Delta(mean, low, high)


def sources(cell: str) -> list[str]:
    """Name the sources; how often a recipe used each is in brackets."""
    return [name for name in re.sub(r' \(used [^)]*\)', '', cell).split(', ') if name]


def score(cell: str) -> float:
    """Read a score; those of the lowest and highest seed are in brackets."""
    return float(cell.split(' ')[0])

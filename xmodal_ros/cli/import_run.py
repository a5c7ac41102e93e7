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

"""What every command ``xmodal import ...`` does with the bags it makes, one after the other."""

from collections.abc import Callable, Sequence
from pathlib import Path
import re
from typing import TypeVar

from rich.console import Console

from xmodal_ros.bags.importers.bag_making import ImportedBag
from xmodal_ros.cli.progress import ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import UsageError

Part = TypeVar('Part')


def import_all(
    parts: Sequence[Part],
    make: Callable[[Part], ImportedBag],
    json: Path | None,
    unit: str = 'clips',
) -> None:
    """Make a bag of each part, with progress on a terminal, and say which there are."""
    console = Console(stderr=True)
    bags = []
    with ProgressBars(console, transient=True) as bars:
        bars.begin('importing', len(parts))
        for done, part in enumerate(parts, start=1):
            bag = make(part)
            kept = ', kept (already there)' if bag.kept else ''
            print_line(console, f'{bag.path}: {bag.clips} {unit}{kept}')
            bags.append(bag)
            bars.advance(done)
    result = [
        {'path': str(bag.path), 'subject': bag.subject, 'clips': bag.clips, 'kept': bag.kept}
        for bag in bags
    ]
    write_result(json, {'bags': result, 'clips': sum(bag.clips for bag in bags)})


def print_line(console: Console, text: str) -> None:
    """Print a line as it is, however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def parse_numbers(option: str, texts: list[str] | None) -> list[int]:
    """Read an option's values, divided by commas or spaces; ConfigurationError for others."""
    words = parse_words(texts)
    if wrong := [word for word in words if not word.isdecimal()]:
        raise UsageError(f'{option} {wrong[0]!r} is no number: write 1 3 5')
    return [int(word) for word in words]


def parse_words(texts: list[str] | None) -> list[str]:
    """Divide an option's values at commas and spaces."""
    return [word for text in texts or [] for word in re.split(r'[,\s]+', text) if word]

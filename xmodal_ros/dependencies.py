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

"""The Python packages that must be there, and how new: a sentence where one is not.

Imports nothing of them. Debian's and Ubuntu's are often too old: Ubuntu 24.04, on which ROS 2
Jazzy runs, brings pydantic 1.10 and typer 0.9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
import re
import sys
from typing import Final

from xmodal_ros.errors import ConfigurationError


@dataclass(frozen=True)
class Dependency:
    """A package by its names in Python and for pip, and the least version that will do."""

    module: str
    name: str
    least: str


@dataclass(frozen=True)
class Unmet:
    """A dependency that is not met; ``found`` is the version that is there, '' for none."""

    dependency: Dependency
    found: str = ''

    @property
    def for_pip(self) -> str:
        """What pip is to be asked for."""
        return f'{self.dependency.name}>={self.dependency.least}'


# Of nodes, beside ROS; PyTorch is asked for where it is used, and said to be missing there.
OF_NODES: Final = (
    Dependency('numpy', 'numpy', '1.26'),
    Dependency('cv2', 'opencv-python', '4'),
    Dependency('scipy', 'scipy', '1'),
    Dependency('pydantic', 'pydantic', '2.11'),
    Dependency('safetensors', 'safetensors', '0'),
    Dependency('rosbags', 'rosbags', '0.11.9'),
)
# Of the command, beside those: the trainer runs it too.
OF_THE_COMMAND: Final = (
    Dependency('typer', 'typer', '0.19'),
    Dependency('rich', 'rich', '0'),
)


def unmet(dependencies: Sequence[Dependency]) -> Iterator[Unmet]:
    """Yield what is missing or too old."""
    for each in dependencies:
        if find_spec(each.module) is None:
            yield Unmet(each)
            continue
        try:
            found = version(each.name)
        except PackageNotFoundError:
            # It is there under another name for pip, or a Debian package that says no version.
            continue
        if _numbers(found) < _numbers(each.least):
            yield Unmet(each, found)


def check_dependencies(dependencies: Sequence[Dependency]) -> None:
    """Raise :class:`ConfigurationError` where something is missing or too old, with the remedy."""
    found = list(unmet(dependencies))
    if not found:
        return
    said = '; '.join(
        f'the Python package {each.dependency.name} is of version {each.found}, at least '
        f'{each.dependency.least} is needed'
        if each.found
        else f'the Python package {each.dependency.name} is missing'
        for each in found
    )
    wanted = ' '.join(f"'{each.for_pip}'" for each in found)
    raise ConfigurationError(
        f'{said}, in {sys.executable}: activate the virtual environment that has them, or '
        f'make one as README.md says and install them: python3 -m pip install {wanted}'
    )


def _numbers(words: str) -> tuple[int, ...]:
    """Give a version's numbers: 0.12.5rc1 is 0, 12, 5."""
    found = re.match(r'\d+(\.\d+)*', words)
    return tuple(int(each) for each in found[0].split('.')) if found else ()

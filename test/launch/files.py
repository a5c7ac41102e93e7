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

"""The launch files as tests look at them: their tables, and plans with those they include."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
import importlib
from pathlib import Path
from typing import Final

from xmodal_ros.launching.plan import LaunchFile, ProcessSpec

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / 'launch'
NAMES: Final = tuple(sorted(file.name.split('.')[0] for file in FOLDER.glob('*.launch.py')))


def launch_file(name: str) -> LaunchFile:
    """What ``launch/<name>.launch.py`` describes."""
    module = importlib.import_module(f'xmodal_ros.launching.{name}')
    file = getattr(module, name.upper())
    assert isinstance(file, LaunchFile)
    return file


@dataclass(frozen=True)
class Started:
    """What a launch file starts, files that it includes too."""

    processes: tuple[ProcessSpec, ...]


def planned(name: str, given: Mapping[str, object]) -> Started:
    """What a launch file starts with these arguments."""
    plan = launch_file(name).plan({key: str(value) for key, value in given.items()})
    included = [planned(include.file, include.arguments) for include in plan.includes]
    further = [spec for each in included for spec in each.processes]
    return Started((*plan.processes, *further))


def console_scripts() -> dict[str, str]:
    """The module of every executable that the package installs, by its name."""
    strings = [
        node.value
        for node in ast.walk(ast.parse((ROOT / 'setup.py').read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    scripts = [each.split(' = ') for each in strings if each.endswith(':main') and ' = ' in each]
    return {name: target.removesuffix(':main') for name, target in scripts}

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

"""What the code imports is what the package says it needs, for ROS and for pip."""

import ast
from collections.abc import Iterator
import functools
from pathlib import Path
import re
import sys
from typing import Final

from catkin_pkg.package import parse_package

from xmodal_ros.dependencies import OF_NODES, OF_THE_COMMAND

ROOT = Path(__file__).parents[2]

# The key of rosdep and the name for pip of what is imported, where they are not python3-NAME and
# NAME; None where rosdep has no key, which package.xml says in a comment.
KEYS: Final[dict[str, str | None]] = {
    'backports': None,
    'cv2': 'python3-opencv',
    'lz4': None,
    'markupsafe': None,
    'onnxruntime': None,
    'pydantic': None,
    'pydantic_core': None,
    'rosbags': 'python3-rosbags-pip',
    'ruamel': 'python3-ruamel.yaml',
    'safetensors': None,
    'sounddevice': 'python3-sounddevice-pip',
    'soundfile': None,
    'torch': 'python3-pytorch-pip',
    'typer': None,
}
PIP: Final = {
    'backports': 'backports.zstd',
    'cv2': 'opencv-python-headless',
    'jinja2': 'Jinja2',
    'markupsafe': 'MarkupSafe',
    'pydantic_core': 'pydantic',
    'ruamel': 'ruamel.yaml',
    'sklearn': 'scikit-learn',
    'yaml': 'PyYAML',
}
# Extras of setup.py: what is only needed for one thing, and imported where that is asked for.
EXTRAS: Final = {'ai_edge_litert', 'onnxruntime', 'distributed', 'submitit', 'tensorboard'}
# Packages of ROS that serve where they are installed, as package.xml says.
OPTIONAL: Final = {'bondpy'}
# Packages of ROS, whose key is their name.
ROS: Final = {
    'ament_index_python', 'audio_common_msgs', 'builtin_interfaces', 'composition_interfaces',
    'diagnostic_msgs', 'geometry_msgs', 'launch', 'launch_ros', 'lifecycle_msgs',
    'rcl_interfaces', 'rclpy', 'rosgraph_msgs', 'rpyutils', 'sensor_msgs', 'std_msgs', 'std_srvs',
    'tf2_msgs', 'vision_msgs', 'visualization_msgs',
}  # fmt: skip


def imports() -> Iterator[str]:
    for path in sorted((ROOT / 'xmodal_ros').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition('.')[0]
            elif isinstance(node, ast.Import):
                yield from (alias.name.partition('.')[0] for alias in node.names)


@functools.cache
def foreign() -> list[str]:
    return sorted({*imports()} - {*sys.stdlib_module_names} - {'xmodal_ros', '__future__'})


def declared() -> set[str]:
    package = parse_package(str(ROOT / 'package.xml'))
    return {each.name for each in (*package.build_depends, *package.exec_depends)}


def requirements() -> set[str]:
    lines = (ROOT / 'standalone/requirements/python.txt').read_text(encoding='utf-8').splitlines()
    words = [re.split(r'[<>=!\[ ]', line)[0] for line in lines]
    return {word.lower() for word in words if word and not word.startswith('#')}


def test_what_is_imported_is_declared() -> None:
    assert [each for name in foreign() for each in undeclared(name)] == []


def undeclared(name: str) -> Iterator[str]:
    """Say where a package that is imported is not declared."""
    if name in EXTRAS:
        if f"'{name.replace('_', '-')}" not in (ROOT / 'setup.py').read_text(encoding='utf-8'):
            yield f'{name} is in no extra of setup.py'
        return
    if name in OPTIONAL:
        assert name not in declared()
        assert f' {name} ' in (ROOT / 'package.xml').read_text(encoding='utf-8')
        return
    if name in ROS:
        if name not in declared():
            yield f'{name} is not in package.xml'
        return
    key = KEYS.get(name, f'python3-{name}')
    if key is None:
        text = (ROOT / 'package.xml').read_text(encoding='utf-8')
        if PIP.get(name, name) not in text:
            yield f'package.xml does not say where {name} comes from'
    elif key not in declared():
        yield f'{key} is not in package.xml'
    if PIP.get(name, name).lower() not in requirements():
        yield f'{name} is not in python.txt'


def test_robots_are_given_what_has_no_key() -> None:
    lines = (ROOT / 'requirements.txt').read_text(encoding='utf-8').splitlines()
    given = {re.split(r'[<>=]', line)[0] for line in lines if line and not line.startswith('#')}
    # Some come with others, and extras are for who asks for them.
    optional = {'backports', 'lz4', 'markupsafe', 'onnxruntime', 'soundfile'}
    without = {name for name, key in KEYS.items() if key is None} - optional
    by_pip = {name for name, key in KEYS.items() if key and key.endswith('-pip')}
    assert {PIP.get(name, name) for name in without | by_pip} == given - {'numpy'}
    for each in (*OF_NODES, *OF_THE_COMMAND):
        said = [line for line in lines if line.startswith(f'{each.name}>=')]
        assert not said or said[0].partition(',')[0] == f'{each.name}>={each.least}'


def test_nothing_is_required_that_nothing_imports() -> None:
    used = {PIP.get(name, name).lower() for name in foreign()}
    assert requirements() <= used


def test_no_array_of_32_bits_is_computed_with_by_a_scalar_of_64() -> None:
    """NumPy 1, Jazzy's, would compute in 32 bits, so that stamps in nanoseconds overflow."""
    scalar = re.compile(r'[-+*] np\.u?int64\(|np\.u?int64\([^()]*\) [-+*]')
    files = [*(ROOT / 'xmodal_ros').rglob('*.py')]
    assert files
    assert [str(each) for each in files if scalar.search(each.read_text(encoding='utf-8'))] == []

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

from collections.abc import Iterator
import importlib
from pathlib import Path
import sys

import pytest

from xmodal_standalone import ros_installation, steps
from xmodal_standalone.steps import beside_ros
from xmodal_standalone.venv import Venv

SOURCED = {'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': '/opt/ros/jazzy'}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of Python modules that stands for an installation's, and no others."""
    monkeypatch.setattr(sys, 'path', [str(tmp_path)])
    monkeypatch.setattr(sys, 'meta_path', [importlib.machinery.PathFinder])
    for name in ('rclpy', 'ament_index_python', 'vision_msgs'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    yield tmp_path
    importlib.invalidate_caches()


def module(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / '__init__.py').touch()


def test_a_sourced_installation_is_found(installed: Path) -> None:
    module(installed, 'rclpy')
    found = ros_installation.find(SOURCED)
    assert found is not None
    assert found.distribution == 'jazzy'


def test_variables_without_rclpy_are_no_installation(installed: Path) -> None:
    assert ros_installation.find(SOURCED) is None


def test_rclpy_without_the_variables_is_no_installation(installed: Path) -> None:
    module(installed, 'rclpy')
    assert ros_installation.find({}) is None
    assert ros_installation.find({'ROS_DISTRO': 'jazzy'}) is None


def test_missing_ros_modules_are_named_as_debian_packages(installed: Path) -> None:
    module(installed, 'rclpy')
    (installed / 'launch').mkdir()  # a folder of that name, as in our checkout, is no module
    found = ros_installation.find(SOURCED)
    assert found is not None
    missing = found.missing_packages()
    assert {'ros-jazzy-vision-msgs', 'ros-jazzy-launch'} <= set(missing)
    assert 'ros-jazzy-rclpy' not in missing


def test_beside_an_installation_numpy_is_the_one_it_was_compiled_with(tmp_path: Path) -> None:
    constraints, replacements = tmp_path / 'constraints', tmp_path / 'replacements'
    constraints.write_text('numpy==2.4.6\nscipy==1.17.1\n')
    replacements.write_text('# why\nnumpy==1.26.4\n')
    result = beside_ros(constraints, replacements, tmp_path / 'result')
    assert 'numpy==1.26.4' in result.read_text().split()
    assert 'scipy==1.17.1' in result.read_text().split()
    assert 'numpy==2.4.6' not in result.read_text()


def test_an_environment_for_another_python_is_made_beside_that_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(steps, '_ROOT', tmp_path)
    monkeypatch.setattr(steps.Steps, 'run', lambda self: made.append(self.venv.path))
    assert steps.main(['--in', '.venv-compatibility/python3.13']) == 0
    assert steps.main([]) == 0
    assert made == [tmp_path / '.venv-compatibility' / 'python3.13', tmp_path / '.venv']


def test_wheels_of_another_distribution_come_without_the_versions_of_jazzys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[list[str], list[str]]] = []

    def install(_venv: Venv, lists: list[Path], constraints: Path) -> None:
        installed.append(([each.name for each in lists], constraints.read_text().splitlines()))

    monkeypatch.setattr(steps.Steps, '_register', lambda _: None)
    monkeypatch.setattr(steps.Steps, '_build_interfaces', lambda _: None)
    monkeypatch.setattr(steps.Steps, 'missing_on_debian', lambda _: [])
    renewed: list[Path] = []

    def create(venv: Venv, *, clear: bool) -> None:
        if clear:
            renewed.append(venv.path)
        venv.path.mkdir(exist_ok=True)

    monkeypatch.setattr(Venv, 'create', create)
    monkeypatch.setattr(Venv, 'install', install)
    monkeypatch.setattr(ros_installation, 'find', lambda _: None)
    monkeypatch.setattr(steps, '_ROOT', tmp_path)
    assert steps.main(['--in', 'kilted', '--ros', 'kilted']) == 0
    assert steps.main([]) == 0
    (kilted, without), (jazzy, constraints) = installed
    assert (kilted[0], jazzy[0]) == ('ros_kilted.txt', 'ros.txt')
    assert kilted[1:] == jazzy[1:]
    assert 'ros-rclpy==7.1.6' in constraints
    assert without == [line for line in constraints if not line.startswith('ros-')]
    assert 'rosbags==0.11.9' in without
    # Its packages have other names: in one environment they would lie beside Jazzy's.
    installed.clear()
    assert steps.main(['--in', 'kilted']) == 0
    assert len(installed) == 1
    assert renewed == [tmp_path / 'kilted']


def test_wheels_of_another_distribution_are_refused_beside_an_installation(
    installed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module(installed, 'rclpy')
    for name, value in SOURCED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(steps, '_ROOT', tmp_path)
    assert steps.main(['--ros', 'kilted']) == 1
    assert 'do not go with ROS 2 jazzy' in capsys.readouterr().err
    assert not (tmp_path / '.venv').exists()


@pytest.mark.parametrize('arguments', [['--ros', 'humble'], ['--ros']])
def test_a_distribution_whose_wheels_are_not_known_is_refused(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(steps, '_ROOT', tmp_path)
    assert steps.main(arguments) == 1
    assert 'choose one of jazzy, kilted' in capsys.readouterr().err
    assert not (tmp_path / '.venv').exists()

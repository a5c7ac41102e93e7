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

"""The package as colcon installs it on a robot."""

import ast
from collections.abc import Sequence
import os
from pathlib import Path
import shutil
import subprocess
import sys

from catkin_pkg.package import parse_package
import pytest

from test.waiting import COMMAND_S
import xmodal_ros

ROOT = Path(__file__).parents[2]
PARTS = (
    'LICENSE', 'README.md', 'bin', 'config', 'launch', 'package.xml', 'resource', 'setup.cfg',
    'setup.py', 'standalone', 'xmodal_ros',
)  # fmt: skip


@pytest.fixture(scope='module')
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a copy of the package in a workspace of its own; give what colcon installed."""
    return build_in(tmp_path_factory.mktemp('workspace'))


def build_in(workspace: Path, *options: str) -> Path:
    package = workspace / 'src' / 'xmodal_ros'
    package.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns('__pycache__')
            shutil.copytree(source, package / name, ignore=ignored)
        else:
            shutil.copy(source, package)
    build = subprocess.run(
        [sys.executable, '-m', 'colcon', 'build', '--event-handlers', 'console_direct+', *options],
        cwd=workspace,
        env={**os.environ, 'COLCON_HOME': str(workspace / 'home')},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_S,
    )
    assert build.returncode == 0, build.stdout
    return workspace / 'install' / 'xmodal_ros'


def in_workspace(prefix: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run ``command`` where the workspace was sourced, with this environment's Python first."""
    setup = prefix.parent / 'local_setup.bash'
    path = f'{Path(sys.executable).parent}:{os.defpath}'
    return subprocess.run(
        ['bash', '-c', 'source "$0" && exec "$@"', str(setup), *command],
        cwd=prefix,
        env={'PATH': path, 'HOME': str(prefix)},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S,
    )


def test_ros_tools_find_package_launch_and_configuration(prefix: Path) -> None:
    assert (prefix / 'share/ament_index/resource_index/packages/xmodal_ros').is_file()
    share = prefix / 'share' / 'xmodal_ros'
    assert (share / 'package.xml').is_file()
    for folder, pattern in (('launch', '*.launch.py'), ('config', '*'), ('config/sros2', '*')):
        ours = {path.name for path in (ROOT / folder).glob(pattern) if path.is_file()}
        assert ours
        found = {path.name for path in (share / folder).iterdir() if path.is_file()}
        assert found == ours


def test_ros2_run_finds_executables_for_any_python(prefix: Path) -> None:
    executables = {path.name: path for path in (prefix / 'lib' / 'xmodal_ros').iterdir()}
    assert {'xmodal', 'imu_classifier', 'bag_player'} <= set(executables)
    for path in executables.values():
        assert os.access(path, os.X_OK)
        assert path.read_text().splitlines()[0] == '#!/usr/bin/env python3'


def test_what_is_linked_into_a_workspace_is_found_and_follows_the_sources(tmp_path: Path) -> None:
    prefix = build_in(tmp_path, '--symlink-install')
    share = prefix / 'share' / 'xmodal_ros'
    for name in ('launch/perception.launch.py', 'config/trainer.yaml', 'config/sros2'):
        assert (share / name).exists()
    sources = tmp_path / 'src' / 'xmodal_ros'
    with (sources / 'xmodal_ros' / '__init__.py').open('a') as file:
        file.write("\nprint('edited')\n")
    done = in_workspace(prefix, ['python3', '-c', 'import xmodal_ros'])
    assert done.stdout == 'edited\n', done.stderr


def test_every_entry_point_names_what_exists(prefix: Path) -> None:
    entry_points = next(prefix.rglob('entry_points.txt')).read_text().splitlines()
    targets = [line.split(' = ')[1] for line in entry_points if ' = ' in line]
    assert targets
    for target in targets:
        module, function = target.split(':')
        source = ROOT / f'{module.replace(".", "/")}.py'
        names = [
            node.name
            for node in ast.parse(source.read_text()).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        assert function in names, f'{source} has no {function}'


def test_the_command_is_on_the_path_of_a_sourced_workspace(prefix: Path) -> None:
    found = in_workspace(prefix, ['bash', '-c', 'command -v xmodal'])
    assert found.stdout.strip() == str(prefix / 'bin' / 'xmodal')
    run = in_workspace(prefix, ['xmodal', '--version'])
    assert run.stdout.strip() == xmodal_ros.__version__, run.stderr


def test_every_module_and_data_file_is_installed(prefix: Path) -> None:
    installed = next(prefix.glob('lib/python*/site-packages/xmodal_ros'))

    def files(folder: Path) -> set[Path]:
        return {
            path.relative_to(folder)
            for path in folder.rglob('*')
            if path.is_file() and '__pycache__' not in path.parts
        }

    assert files(installed) == files(ROOT / 'xmodal_ros')


def test_the_version_is_the_same_everywhere(prefix: Path) -> None:
    manifest = parse_package(str(ROOT / 'package.xml'))
    metadata = next(prefix.rglob('PKG-INFO')).read_text().splitlines()
    assert manifest.version == xmodal_ros.__version__
    assert f'Version: {xmodal_ros.__version__}' in metadata


def test_the_manifest_names_every_ros_package_that_is_imported() -> None:
    manifest = parse_package(str(ROOT / 'package.xml'))
    declared = {
        dependency.name for dependency in (*manifest.exec_depends, *manifest.build_depends)
    }
    imported = set[str]()
    for file in (*(ROOT / 'xmodal_ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name.split('.')[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split('.')[0])
    of_ros = {
        name
        for name in imported
        if name.endswith(('_msgs', '_srvs', '_interfaces')) or name in _ROS_PACKAGES
    }
    assert 'rclpy' in of_ros
    assert of_ros <= declared


_ROS_PACKAGES = {'rclpy', 'launch', 'launch_ros', 'ament_index_python', 'diagnostic_updater'}

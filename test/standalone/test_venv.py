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

import os
from pathlib import Path
import subprocess
import sys

import pytest

from test.waiting import COMMAND_S, run_python
from xmodal_ros import __version__
from xmodal_standalone.errors import SetupError
from xmodal_standalone.venv import Venv

ROOT = Path(__file__).parents[2]
STANDALONE = (ROOT / '.venv' / 'share' / 'rclpy').is_dir() and Path(sys.prefix) == ROOT / '.venv'


def python(code: str, **variables: str) -> str:
    """Run ``code`` in this environment's Python, started with ``variables`` and a bare rest."""
    return run_python(code, env={'PATH': os.defpath, **variables}).stdout.strip()


@pytest.mark.skipif(not STANDALONE, reason='ROS does not come from the .venv of this checkout')
class TestEnvironmentOfThisCheckout:
    def test_message_types_are_found_with_nothing_sourced(self) -> None:
        code = (
            'from rclpy.type_support import check_for_type_support\n'
            'from vision_msgs.msg import Classification\n'
            'check_for_type_support(Classification)\n'
            'from ament_index_python.packages import get_package_share_directory as share\n'
            "print(share('vision_msgs'), share('xmodal_ros'))"
        )
        assert python(code) == f'{sys.prefix}/share/vision_msgs {sys.prefix}/share/xmodal_ros'

    def test_another_environment_that_started_us_does_not_hide_ours(self) -> None:
        code = (
            'from vision_msgs.msg import Classification\n'
            'Classification.__class__.__import_type_support__()\n'
            'import os; print(os.environ["AMENT_PREFIX_PATH"])'
        )
        prefixes = python(
            code,
            _ROS_WHEELS_BOOTSTRAP_COMPLETE='1',
            LD_LIBRARY_PATH='/elsewhere/lib',
            AMENT_PREFIX_PATH='/elsewhere',
        )
        assert prefixes == f'{sys.prefix}:/elsewhere'

    def test_ros_tools_find_the_package(self) -> None:
        prefix = Path(sys.prefix)
        assert (prefix / 'share/ament_index/resource_index/packages/xmodal_ros').is_file()
        assert (prefix / 'share/xmodal_ros/package.xml').read_text() == (
            ROOT / 'package.xml'
        ).read_text()
        for folder in ('launch', 'config'):
            ours = [path for path in (ROOT / folder).iterdir() if path.is_file()]
            assert ours
            for file in ours:
                assert (prefix / 'share/xmodal_ros' / folder / file.name).resolve() == file

    def test_ros2_run_would_find_every_executable(self) -> None:
        executables = Path(sys.prefix) / 'lib' / 'xmodal_ros'
        names = {path.name for path in executables.iterdir() if os.access(path, os.X_OK)}
        assert {'xmodal', 'imu_classifier', 'bag_player'} <= names

    def test_the_command_runs_with_nothing_sourced(self) -> None:
        command = Path(sys.prefix) / 'bin' / 'xmodal'
        result = subprocess.run(
            [command, '--version'],
            env={},
            capture_output=True,
            text=True,
            check=True,
            timeout=COMMAND_S,
        )
        assert result.stdout.strip() == __version__

    def test_sourcing_the_script_twice_adds_the_environment_once(self) -> None:
        script = (
            'source standalone/env.sh; source standalone/env.sh; echo $AMENT_PREFIX_PATH $PATH'
        )
        output = subprocess.run(
            ['bash', '-uc', script],
            cwd=ROOT,
            env={'PATH': '/usr/bin:/bin'},
            capture_output=True,
            text=True,
            check=True,
            timeout=COMMAND_S,
        ).stdout.strip()
        assert output == f'{sys.prefix} {sys.prefix}/bin:/usr/bin:/bin'


def test_what_a_killed_pip_left_is_removed_and_the_rest_kept(tmp_path: Path) -> None:
    venv = Venv(tmp_path / '.venv', beside_ros=False, lock=1)
    whole = venv.site_packages / 'whole-1.0.dist-info'
    part = venv.site_packages / 'part-1.0.dist-info'
    replaced = venv.site_packages / '~eplaced'
    for folder in (whole, part, replaced):
        folder.mkdir(parents=True)
        (folder / 'METADATA').touch()
    (whole / 'INSTALLER').write_text('pip\n')
    venv.remove_half_installed()
    assert list(venv.site_packages.iterdir()) == [whole]


def test_a_failing_tool_shows_the_end_of_its_log(tmp_path: Path) -> None:
    venv = Venv(tmp_path / '.venv', beside_ros=False, lock=1)
    log = tmp_path / 'log'
    with pytest.raises(SetupError, match=r'(?s)no such header.*failed; see .*log'):
        venv.run(['sh', '-c', 'echo "error: no such header"; false'], tmp_path, log)


def test_variables_of_other_environments_do_not_reach_the_tools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('PYTHONPATH', '/elsewhere')
    monkeypatch.setenv('CMAKE_PREFIX_PATH', '/elsewhere')
    variables = Venv(tmp_path, beside_ros=False, lock=1).environment()
    assert '/elsewhere' not in variables.values()
    assert variables['PATH'].startswith(f'{tmp_path}/bin:')

    beside_ros = Venv(tmp_path, beside_ros=True, lock=1).environment()
    assert beside_ros['PYTHONPATH'] == '/elsewhere'


def test_remaking_leaves_nothing_of_the_old_environment(tmp_path: Path) -> None:
    venv = Venv(tmp_path / '.venv', beside_ros=False, lock=1)
    (venv.path / 'old').mkdir(parents=True)
    half_removed = tmp_path / '.venv.removed'
    half_removed.mkdir()
    venv.create(clear=True)
    assert venv.python.exists()
    assert not (venv.path / 'old').exists()
    assert not half_removed.exists()

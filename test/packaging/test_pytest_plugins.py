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

"""The tests run where a ROS installation brings pytest plugins of its own."""

from pathlib import Path
import subprocess
import sys

import pytest

from test.waiting import COMMAND_S

ROOT = Path(__file__).parents[2]
PLUGINS = ('launch_testing', 'launch_ros', 'launch_pytest')


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages with plugins that no pytest of today bears, by the names they have."""
    for name in PLUGINS:
        (tmp_path / f'{name}_of_old.py').write_text(f"raise RuntimeError('{name} was loaded')\n")
        about = tmp_path / f'{name}-3.4.0.dist-info'
        about.mkdir()
        (about / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 3.4.0\n')
        (about / 'entry_points.txt').write_text(f'[pytest11]\n{name} = {name}_of_old\n')
    return tmp_path


def collect(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'pytest', '--collect-only', '-q', '-p', 'no:xdist']
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={'PYTHONPATH': str(packages), 'PATH': '/usr/bin:/bin'},
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def test_plugins_of_launch_are_not_loaded(installed: Path) -> None:
    done = collect(installed, 'test/test_words.py')
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'test/test_words.py' in done.stdout


def test_without_the_settings_of_the_checkout_they_are(installed: Path) -> None:
    empty = installed / 'pytest.ini'
    empty.write_text('[pytest]\n')
    done = collect(installed, '-c', str(empty), '--noconftest', str(ROOT / 'test/test_words.py'))
    assert done.returncode != 0
    assert 'was loaded' in done.stderr

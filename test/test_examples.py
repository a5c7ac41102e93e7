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

"""The example packages work beside this one as they would when installed."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in (ROOT / 'examples').glob('*/package.xml'))


@pytest.mark.timeout(600)
@pytest.mark.parametrize('package', PACKAGES, ids=lambda path: path.name)
def test_an_example_passes_its_own_tests(package: Path, tmp_path: Path) -> None:
    # What an installation adds to the path: the package, and the metadata with its entry points.
    subprocess.run(
        [sys.executable, 'setup.py', '-q', 'egg_info', '--egg-base', str(tmp_path)],
        cwd=package,
        check=True,
        timeout=60,
    )
    path = os.pathsep.join([str(tmp_path), str(package), os.environ.get('PYTHONPATH', str(ROOT))])
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', str(package / 'test')],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

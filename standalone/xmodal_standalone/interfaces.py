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

"""Message packages that no wheel holds, generated into the environment from their field lists."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import re
import shutil
import sysconfig

from xmodal_standalone.venv import Venv

# The wheels' CMake files name folders of the machine on which the wheels were built.
_FOREIGN_INCLUDE = re.compile(r'/opt/python/cp\d+-cp\d+/include/python3\.\d+')
_FOREIGN_PACKAGES = re.compile(r'/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages')


def correct_paths(venv: Venv) -> None:
    """Make the wheels' CMake files name this machine's Python instead of their builder's."""
    include = sysconfig.get_path('include')
    for file in venv.path.glob('share/*/cmake/*.cmake'):
        text = file.read_text()
        ours = _FOREIGN_PACKAGES.sub(str(venv.site_packages), _FOREIGN_INCLUDE.sub(include, text))
        if ours != text:
            file.write_text(ours)


def build(packages: Sequence[Path], venv: Venv) -> None:
    """Generate, compile and install interface packages, all at the same time.

    Raises
    ------
    SetupError
        When CMake or the compiler fails; it shows the end of the package's log.

    """
    correct_paths(venv)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda package: _build(package, venv, len(packages)), packages))


def _build(package: Path, venv: Venv, parallel_packages: int) -> None:
    folder = venv.path / 'interfaces' / package.name
    # CMake keeps what it once found: begin anew rather than continue from another Python.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder.parent / f'{package.name}.log'
    log.unlink(missing_ok=True)
    jobs = max(1, (os.cpu_count() or 1) // parallel_packages)
    venv.run(
        [
            'cmake', '-S', str(package), '-B', str(folder), f'-DCMAKE_INSTALL_PREFIX={venv.path}',
            f'-DCMAKE_PREFIX_PATH={venv.path}', f'-DPython3_EXECUTABLE={venv.python}',
            '-DBUILD_TESTING=OFF', '-DCMAKE_BUILD_TYPE=Release',
        ],
        folder, log,
    )  # fmt: skip
    venv.run(['cmake', '--build', str(folder), '--parallel', str(jobs)], folder, log)
    venv.run(['cmake', '--install', str(folder)], folder, log)
    shutil.rmtree(folder)

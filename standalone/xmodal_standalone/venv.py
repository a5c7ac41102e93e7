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

"""The virtual environment: making it, and installing Python packages into it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

from xmodal_standalone.errors import SetupError

# Left over from shells with another environment, each of these would lead our tools astray.
_STRAY = (
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE', 'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH', 'LD_LIBRARY_PATH', 'PIP_PREFIX', 'PIP_TARGET', 'PIP_USER', 'PYTHONHOME',
    'PYTHONPATH', 'VIRTUAL_ENV',
)  # fmt: skip


@dataclass(frozen=True)
class Venv:
    """The folder of a virtual environment, and whether it builds on a ROS installation."""

    path: Path
    beside_ros: bool
    lock: int

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.path / 'bin' / 'python'

    @property
    def site_packages(self) -> Path:
        """The folder of the environment's Python packages."""
        version = f'python{sys.version_info[0]}.{sys.version_info[1]}'
        return self.path / 'lib' / version / 'site-packages'

    def create(self, clear: bool) -> None:
        """Make the environment; with ``clear``, from nothing."""
        # Renamed first: what a killed removal leaves must not be taken for an environment.
        grave = self.path.with_name(f'{self.path.name}.removed')
        shutil.rmtree(grave, ignore_errors=True)
        if clear:
            self.path.rename(grave)
            shutil.rmtree(grave)
        self.path.parent.mkdir(exist_ok=True)
        options = ['--system-site-packages'] if self.beside_ros else []
        self.run([sys.executable, '-m', 'venv', *options, str(self.path)], self.path.parent)

    def environment(self) -> dict[str, str]:
        """Give the variables for tools that work in this environment."""
        kept = dict(os.environ)
        if not self.beside_ros:
            for name in _STRAY:
                kept.pop(name, None)
        kept['PATH'] = f'{self.path / "bin"}:{kept.get("PATH", os.defpath)}'
        return kept

    def run(self, command: Sequence[str], folder: Path, log: Path | None = None) -> None:
        """Run a tool in ``folder``, its output on the terminal or in ``log``.

        Raises
        ------
        SetupError
            When the tool fails; it shows the end of the log.

        """
        if log is None:
            code = subprocess.run(
                command, cwd=folder, env=self.environment(), pass_fds=[self.lock], check=False
            ).returncode
        else:
            with log.open('a') as output:
                code = subprocess.run(
                    command, cwd=folder, env=self.environment(), pass_fds=[self.lock],
                    stdout=output, stderr=subprocess.STDOUT, check=False,
                ).returncode  # fmt: skip
        if code:
            end = '' if log is None else ''.join(_last_lines(log))
            raise SetupError(f'{end}`{" ".join(command)}` failed{f"; see {log}" if log else ""}')

    def install(self, requirements: Iterable[Path], constraints: Path) -> None:
        """Install Python packages, each in the version that ``constraints`` names."""
        self.remove_half_installed()
        files = [argument for path in requirements for argument in ('-r', str(path))]
        pip = [str(self.python), '-m', 'pip', '--disable-pip-version-check', '--no-input']
        self._run_pip([*pip, 'install', '-c', str(constraints), *files])

    def _run_pip(self, command: Sequence[str]) -> None:
        # Of pip's thousand lines, show what takes long and what went wrong.
        process = subprocess.Popen(
            command, env=self.environment(), pass_fds=[self.lock], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace',
        )  # fmt: skip
        assert process.stdout is not None  # noqa: S101  (it is piped)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if re.match(r'\s*(Downloading|Using cached) \S+ \(\d\S* [MG]B\)', line):
                print(f'  {line.strip()[:97]}', flush=True)
            elif line.startswith('Installing collected packages: '):
                count = line.count(',') + 1
                print(
                    f'  Installing {count} packages: a minute or more in which pip says nothing',
                    flush=True,
                )
        if process.wait():
            raise SetupError(
                f'{"".join(lines[-15:])}pip could not install the Python packages (its last lines '
                'are above): run this again; what is there already is kept'
            )

    def remove_half_installed(self) -> None:
        """Remove what a killed pip left, which the next pip would take for whole packages.

        pip writes INSTALLER after a package's last file; '~' marks what it was replacing.
        """
        for metadata in self.site_packages.glob('*.dist-info'):
            if not (metadata / 'INSTALLER').is_file():
                shutil.rmtree(metadata)
        for remains in self.site_packages.glob('~*'):
            shutil.rmtree(remains, ignore_errors=True)


def _last_lines(log: Path) -> list[str]:
    return log.read_text(errors='replace').splitlines(keepends=True)[-15:]

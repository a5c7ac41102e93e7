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

"""The set-up's steps, each skipped where its result is there already."""

from collections.abc import Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import platform
import sys
import time

from xmodal_standalone import debian, interfaces, registration, ros_installation
from xmodal_standalone.errors import SetupError
from xmodal_standalone.progress import key_of, only_one, Stamps
from xmodal_standalone.venv import Venv

_STANDALONE = Path(__file__).resolve().parent.parent
_ROOT = _STANDALONE.parent
_REQUIREMENTS = _STANDALONE / 'requirements'
_ROS_WHEELS = {'jazzy': _REQUIREMENTS / 'ros.txt', 'kilted': _REQUIREMENTS / 'ros_kilted.txt'}
_PYTHON = str(sys.implementation.cache_tag)


@dataclass(frozen=True)
class Steps:
    """One run of the set-up: where it works, which ROS installation it found, or whose wheels."""

    venv: Venv
    stamps: Stamps
    installation: ros_installation.Installation | None
    distribution: str = 'jazzy'

    def run(self) -> None:
        """Do what is left to do.

        Raises
        ------
        SetupError
            When a step fails; the steps before it need not be done again.

        """
        # All at once and first, so that one command by hand settles it.
        debian.install(self.missing_on_debian(), self.venv.lock)
        self._make_venv()
        self._install_packages()
        self._build_interfaces()
        self._register()

    def missing_on_debian(self) -> list[str]:
        """Name the Debian packages that xmodal_ros and the steps that are left need."""
        missing = debian.for_running()
        if self.installation is not None:
            missing += self.installation.missing_packages()
        if not self._has_venv():
            missing += debian.for_environment()
        if self._pending_interfaces():
            missing += debian.for_building()
        return missing

    def _venv_key(self) -> str:
        executable = os.path.realpath(sys.executable)
        # Wheels of another distribution have other names, and would lie beside the first ones.
        other = [] if self.distribution == 'jazzy' else [self.distribution]
        return key_of(str(self.venv.path), executable, _PYTHON, str(self.installation), *other)

    def _has_venv(self) -> bool:
        return self.stamps.done('venv', self._venv_key())

    def _make_venv(self) -> None:
        if self._has_venv():
            return
        other = (self.stamps.folder / 'venv').is_file()
        if other:
            _say(f'{self.venv.path} was made for another Python, place or ROS: making it again')
        else:
            _say(f'a virtual environment with Python {platform.python_version()}')
        self.venv.create(clear=other)
        self.stamps.clear()
        self.stamps.set('venv', self._venv_key())

    def _install_packages(self) -> None:
        lists = [_REQUIREMENTS / 'python.txt', _REQUIREMENTS / 'development.txt']
        replacements = _REQUIREMENTS / 'ros_installation.txt'
        constraints = _REQUIREMENTS / 'constraints.txt'
        if self.installation is None:
            lists.insert(0, _ROS_WHEELS[self.distribution])
        key = key_of(_PYTHON, files=[*lists, constraints, replacements])
        if self.stamps.done('packages', key):
            return
        _say('Python packages (the first time, some 0.5 GB are downloaded)')
        if self.installation is not None:
            constraints = beside_ros(constraints, replacements, self.venv.path / 'constraints.txt')
        elif self.distribution != 'jazzy':
            constraints = without_ros(constraints, self.venv.path / 'constraints.txt')
        self.venv.install(lists, constraints)
        self.stamps.set('packages', key)

    def _pending_interfaces(self) -> dict[Path, str]:
        """Give the folders of the message packages that are not built yet, and their keys."""
        if self.installation is not None:
            return {}
        folders = sorted(path.parent for path in _STANDALONE.glob('interfaces/*/package.xml'))
        wheels = _ROS_WHEELS[self.distribution]
        keys = {folder: key_of(_PYTHON, files=[folder, wheels]) for folder in folders}
        has_venv = self._has_venv()
        return {
            folder: key
            for folder, key in keys.items()
            if not has_venv or not self.stamps.done(folder.name, key)
        }

    def _build_interfaces(self) -> None:
        pending = self._pending_interfaces()
        if not pending:
            return
        names = ', '.join(folder.name for folder in pending)
        _say(f'message types of {names}, generated and compiled')
        interfaces.build(list(pending), self.venv)
        for folder, key in pending.items():
            self.stamps.set(folder.name, key)

    def _register(self) -> None:
        code = Path(registration.__file__)
        sources = [_ROOT / 'setup.py', _ROOT / 'setup.cfg', code, code.with_name('site_hook.py')]
        shared = [
            path for name in registration.SHARED_FOLDERS for path in (_ROOT / name).iterdir()
        ]
        key = key_of(*sorted(path.name for path in shared), files=sources)
        if self.stamps.done('xmodal_ros', key):
            return
        _say('xmodal_ros itself, linked to this checkout')
        registration.register(_ROOT, self.venv)
        self.stamps.set('xmodal_ros', key)


def beside_ros(constraints: Path, replacements: Path, result: Path) -> Path:
    """Write ``constraints`` to ``result``, some of them exchanged for ``replacements``."""
    lines = replacements.read_text().splitlines()
    names = {line.split('==')[0] for line in lines}
    kept = [
        line for line in constraints.read_text().splitlines() if line.split('==')[0] not in names
    ]
    result.write_text('\n'.join([*kept, *lines, '']))
    return result


def without_ros(constraints: Path, result: Path) -> Path:
    """Write ``constraints`` to ``result``, less those of Jazzy's wheels."""
    lines = constraints.read_text().splitlines(keepends=True)
    result.write_text(''.join(line for line in lines if not line.startswith('ros-')))
    return result


def main(arguments: Sequence[str] = ()) -> int:
    """Bring ``.venv`` up to date, and give the exit code.

    ``--for-tests`` adds what tests of the microphone and of pages need, where that is possible;
    ``--in FOLDER`` makes an environment elsewhere in the checkout, as for another Python;
    ``--ros kilted`` takes the wheels of that distribution rather than Jazzy's.
    """
    start = time.monotonic()
    try:
        with only_one(_ROOT) as lock:
            folder = _ROOT / _value(arguments, '--in', '.venv')
            path = _set_up(folder, _value(arguments, '--ros', 'jazzy'), lock)
            if '--for-tests' in arguments:
                # One by one, so that a package that cannot be had keeps back no other.
                debian.install_for_tests(debian.for_sound(), lock)
                debian.install_for_tests(debian.for_browsing(), lock)
    except SetupError as error:
        print(f'setup: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('setup: stopped; the next run continues from here', file=sys.stderr)
        return 130
    _say(f'the environment in {path} is ready ({time.monotonic() - start:.0f} s)')
    return 0


def _value(arguments: Sequence[str], option: str, default: str) -> str:
    if option not in arguments:
        return default
    following = arguments[arguments.index(option) + 1 :]
    return following[0] if following else ''


def _set_up(path: Path, distribution: str, lock: int) -> Path:
    if distribution not in _ROS_WHEELS:
        raise SetupError(f'--ros {distribution!r}: choose one of {", ".join(_ROS_WHEELS)}')
    installation = ros_installation.find(os.environ)
    if installation is not None and distribution != 'jazzy':
        raise SetupError(
            f'wheels of {distribution} do not go with ROS 2 {installation.distribution}, which is '
            'sourced here: run this in a shell where no ROS is'
        )
    if installation is None and (sys.platform, platform.machine()) != ('linux', 'x86_64'):
        raise SetupError(
            f'ROS 2 comes as wheels for Linux on x86-64 only, and this is {sys.platform} on '
            f'{platform.machine()}: install ROS 2 Jazzy, source its setup file, run this again'
        )
    venv = Venv(path, installation is not None, lock)
    Steps(venv, Stamps(venv.path / '.setup'), installation, distribution).run()
    return venv.path


def _say(text: str) -> None:
    print(text, flush=True)

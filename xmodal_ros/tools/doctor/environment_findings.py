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

"""What of this machine keeps perception from working, and how to mend it."""

from collections.abc import Iterator
from typing import Final

from xmodal_ros.tools.doctor.environment import Environment, PROFILE_VARIABLES
from xmodal_ros.tools.doctor.finding import Finding

RANGES: Final = ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT')
_HIGHEST_DOMAIN: Final = 232
# Above, the ports of a domain lie among those that Linux hands out to any program.
_SAFE_DOMAIN: Final = 101
_FAST_DDS: Final = 'rmw_fastrtps'
# What our profile gives each process for images.
_SEGMENT_BYTES: Final = 64 << 20
# What a classifier and its CUDA context take at the least.
_LEAST_GPU_BYTES: Final = 600 << 20
_ROS: Final = 'ROS'
_PYTORCH: Final = 'PyTorch'


def check_environment(environment: Environment) -> Iterator[Finding]:
    """Yield what is wrong with this machine and this terminal."""
    yield from _check_ros(environment)
    yield from _check_discovery(environment)
    yield from _check_profile(environment)
    yield from _check_packages(environment)
    yield from _check_torch(environment)
    yield from _check_devices(environment)


def uses_fast_dds(environment: Environment) -> bool:
    """Whether the middleware is the one that this package has a profile for."""
    return environment.ros.middleware.startswith(_FAST_DDS)


def valid_domain(domain: str) -> bool:
    """Whether this is the number of a ROS domain."""
    return domain.isdecimal() and int(domain) <= _HIGHEST_DOMAIN


def _check_ros(environment: Environment) -> Iterator[Finding]:
    ros = environment.ros
    distribution = environment.distribution or 'jazzy'
    if not valid_domain(environment.domain):
        yield Finding(
            'error',
            'domain',
            _ROS,
            f'ROS_DOMAIN_ID is {environment.domain!r}, no number from 0 to {_HIGHEST_DOMAIN}',
            f'export ROS_DOMAIN_ID=0, or the number that the robot uses (0 to {_SAFE_DOMAIN})',
        )
    elif int(environment.domain) > _SAFE_DOMAIN:
        yield Finding(
            'warning',
            'domain',
            _ROS,
            f'the ports of domain {environment.domain} may be taken by any program',
            f'use a domain from 0 to {_SAFE_DOMAIN} on every machine',
        )
    if ros.problem:
        yield Finding(
            'error',
            'ros',
            _ROS,
            f'ROS cannot be started here: {ros.problem}',
            f'source /opt/ros/{distribution}/setup.bash or standalone/env.sh; see that the '
            'middleware that RMW_IMPLEMENTATION names is installed, or unset it',
        )
    for name in ros.missing:
        yield Finding(
            'error',
            'message-package',
            _ROS,
            f'the message package {name} is missing, which the nodes need',
            f'apt-get install ros-{distribution}-{name.replace("_", "-")}, or source the '
            'workspace that has it',
        )


def _check_discovery(environment: Environment) -> Iterator[Finding]:
    found = environment.discovery_range
    if found.upper() not in RANGES:
        yield Finding(
            'warning',
            'discovery-range',
            _ROS,
            f'ROS_AUTOMATIC_DISCOVERY_RANGE is {found!r}, none of {", ".join(RANGES)}',
            'unset it, or set it to one of these',
        )
    elif found.upper() == 'OFF' and not environment.static_peers:
        yield Finding(
            'warning',
            'discovery-range',
            _ROS,
            'discovery is off (ROS_AUTOMATIC_DISCOVERY_RANGE=OFF): no other process is found',
            'export ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET, or LOCALHOST',
        )


def _check_profile(environment: Environment) -> Iterator[Finding]:
    profile = environment.profile
    if profile is None or not uses_fast_dds(environment):
        return
    if not profile.readable:
        yield Finding(
            'warning',
            'profile',
            'Fast DDS',
            f'the profile {profile.path} cannot be read, and is ignored',
            f'correct or unset {PROFILE_VARIABLES[0]}',
        )
    free = environment.shared_memory_free
    if profile.ours and free is not None and free < _SEGMENT_BYTES:
        yield Finding(
            'warning',
            'shared-memory',
            'Fast DDS',
            f'{free >> 20} MB of /dev/shm are free, and the profile takes {_SEGMENT_BYTES >> 20} '
            'MB a process',
            'make it larger (docker run --shm-size=1g), or remove what dead processes left there '
            '(fastdds shm clean)',
        )


def _check_packages(environment: Environment) -> Iterator[Finding]:
    for name in environment.missing:
        yield Finding(
            'error',
            'python-package',
            'Python',
            f'the Python package {name} is missing',
            f'pip install {name}',
        )
    for name, found, wanted in environment.outdated:
        yield Finding(
            'error',
            'python-package',
            'Python',
            f'the Python package {name} is of version {found}, at least {wanted} is needed',
            f"pip install '{name}>={wanted}', in a virtual environment with "
            '--system-site-packages',
        )


def _check_torch(environment: Environment) -> Iterator[Finding]:
    torch = environment.torch
    if torch.missing:
        yield Finding(
            'error',
            'torch',
            _PYTORCH,
            'PyTorch is missing: no classifier can run with this Python',
            'pip install torch, in the build that fits this machine (https://pytorch.org)',
        )
    elif torch.problem:
        yield Finding(
            'error',
            'torch',
            _PYTORCH,
            f'PyTorch is installed but cannot be used: {torch.problem}',
            'install the build of torch that fits this machine (https://pytorch.org)',
        )
    elif environment.gpu_file and not torch.gpus:
        built = f'built for CUDA {torch.cuda}' if torch.cuda else 'built without CUDA'
        yield Finding(
            'warning',
            'gpu',
            _PYTORCH,
            f'there is a GPU ({environment.gpu_file}) that PyTorch {torch.version}, {built}, '
            'cannot use: classifiers run on the CPU',
            "install the build of torch that fits the GPU's driver (nvidia-smi shows it)",
        )
    for gpu in torch.gpus:
        if gpu.free is not None and gpu.free < _LEAST_GPU_BYTES:
            yield Finding(
                'warning',
                'gpu-memory',
                _PYTORCH,
                f'{gpu.free >> 20} MB are free on {gpu.name}',
                'end what else uses the GPU, or set the parameter device of classifiers to cpu',
            )


def _check_devices(environment: Environment) -> Iterator[Finding]:
    if environment.sound.problem:
        problem, _, remedy = environment.sound.problem.partition(': ')
        yield Finding(
            'note',
            'sound',
            'PortAudio',
            f'{problem}: the microphone driver cannot run here',
            remedy or 'install PortAudio and the Python package sounddevice',
        )
    for camera in environment.cameras:
        if not camera.permitted:
            yield Finding(
                'warning',
                'camera-permission',
                camera.path,
                f'this user may not open {camera.path} ({camera.name})',
                'sudo usermod -aG video $USER, then log in again; in a container, give it the '
                f'device (--device={camera.path})',
            )

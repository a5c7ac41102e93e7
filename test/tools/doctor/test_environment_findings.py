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

"""Each thing that can be wrong with a machine: only that one is found, with what to do."""

from dataclasses import replace

import pytest

from test.tools.doctor.robots import FAST, GOOD, levels, MEGABYTE, OURS
from xmodal_ros.tools.doctor.environment import (
    CameraDevice,
    Environment,
    Gpu,
    Profile,
    RosFacts,
    SoundFacts,
    TorchFacts,
)
from xmodal_ros.tools.doctor.environment_findings import check_environment


@pytest.mark.parametrize(
    'environment',
    [
        GOOD,
        replace(GOOD, torch=TorchFacts('2.13.0+cpu'), gpu_file=''),
        replace(GOOD, domain='101', discovery_range='LOCALHOST'),
        replace(GOOD, discovery_range='OFF', static_peers='10.0.0.2'),
        replace(GOOD, profile=OURS),
        replace(GOOD, ros=RosFacts('rmw_cyclonedds_cpp'), profile=Profile('/x', False, False)),
        replace(GOOD, torch=replace(GOOD.torch, gpus=(Gpu('Orin'),))),
        replace(GOOD, cameras=()),
    ],
    ids=['gpu', 'cpu', 'domain', 'peers', 'profile', 'other DDS', 'no tool', 'no camera'],
)
def test_nothing_is_wrong_with_a_good_machine(environment: Environment) -> None:
    assert list(check_environment(environment)) == []


@pytest.mark.parametrize(
    ('environment', 'level', 'code', 'problem', 'remedy'),
    [
        (replace(GOOD, domain='kitchen'), 'error', 'domain', "'kitchen'", '0 to 101'),
        (replace(GOOD, domain='233'), 'error', 'domain', "'233'", 'ROS_DOMAIN_ID'),
        (replace(GOOD, domain='150'), 'warning', 'domain', 'domain 150', '0 to 101'),
        (
            replace(GOOD, ros=RosFacts(problem="'rclpy' is missing")),
            'error',
            'ros',
            "'rclpy' is missing",
            'source /opt/ros/jazzy/setup.bash',
        ),
        (
            replace(GOOD, ros=replace(FAST, missing=('vision_msgs',))),
            'error',
            'message-package',
            'vision_msgs',
            'ros-jazzy-vision-msgs',
        ),
        (replace(GOOD, discovery_range='NEAR'), 'warning', 'discovery-range', "'NEAR'", 'unset'),
        (replace(GOOD, discovery_range='OFF'), 'warning', 'discovery-range', 'is off', 'SUBNET'),
        (
            replace(GOOD, profile=Profile('/gone.xml', readable=False, ours=False)),
            'warning',
            'profile',
            '/gone.xml',
            'FASTRTPS_DEFAULT_PROFILES_FILE',
        ),
        (
            replace(GOOD, profile=OURS, shared_memory_free=20 * MEGABYTE),
            'warning',
            'shared-memory',
            '20 MB',
            '--shm-size',
        ),
        (
            replace(GOOD, missing=('safetensors',)),
            'error',
            'python-package',
            'safetensors',
            'pip install safetensors',
        ),
        (
            replace(GOOD, outdated=(('pydantic', '1.10.14', '2'),)),
            'error',
            'python-package',
            '1.10.14',
            'pydantic>=2',
        ),
        (
            replace(GOOD, torch=TorchFacts(problem='torch is not installed', missing=True)),
            'error',
            'torch',
            'no classifier can run',
            'pip install torch',
        ),
        (
            replace(GOOD, torch=TorchFacts(problem='libcudart.so.12 is missing')),
            'error',
            'torch',
            'libcudart.so.12',
            'the build of torch that fits',
        ),
        (
            replace(GOOD, torch=TorchFacts('2.13.0+cpu')),
            'warning',
            'gpu',
            'built without CUDA',
            'the build of torch',
        ),
        (
            replace(GOOD, torch=TorchFacts('2.13.0', cuda='13.0')),
            'warning',
            'gpu',
            'built for CUDA 13.0',
            'driver',
        ),
        (
            replace(GOOD, torch=replace(GOOD.torch, gpus=(Gpu('H200', MEGABYTE, 0),))),
            'warning',
            'gpu-memory',
            '0 MB are free on H200',
            'device',
        ),
        (
            replace(GOOD, sound=SoundFacts(problem='PortAudio is not there: apt-get install it')),
            'note',
            'sound',
            'PortAudio is not there',
            'apt-get install it',
        ),
        (
            replace(GOOD, cameras=(CameraDevice('/dev/video3', 'Front', permitted=False),)),
            'warning',
            'camera-permission',
            '/dev/video3 (Front)',
            'usermod -aG video',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_what_is_wrong_is_the_only_finding(
    environment: Environment, level: str, code: str, problem: str, remedy: str
) -> None:
    found = list(check_environment(environment))
    assert levels(found) == [(level, code)]
    assert problem in found[0].problem
    assert remedy in found[0].remedy

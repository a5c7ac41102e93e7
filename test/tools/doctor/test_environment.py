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

"""What is found of a machine, on files made up and in processes that misbehave."""

from collections.abc import Callable
import os
from pathlib import Path
import socket

import pytest

from xmodal_ros.ros.isolation import isolated, reserved_domain
from xmodal_ros.tools.doctor import environment
from xmodal_ros.tools.doctor.environment import (
    Gpu,
    look_around,
    own_profile,
    probe,
    Profile,
    read_domains,
    read_profile,
    read_ros,
    read_sound,
    read_torch,
    TorchFacts,
    video_devices,
)

CONFIG = Path(__file__).parents[3] / 'config' / 'fastdds.xml'
SOCKETS = (
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n'
    '  117: 00000000:1CE8 00000000:0000 07 00000000:00000000 00:00000000 00000000  0\n'
    '  118: 00000000:49DE 00000000:0000 07 00000000:00000000 00:00000000 00000000  0\n'
    '  119: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0\n'
    '  120: 00000000:EC18 00000000:0000 07 00000000:00000000 00:00000000 00000000  0\n'
    '  121: 00000000:445C 00000000:0000 07 00000000:00000000 00:00000000 00000000  0\n'
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Give the name of a module with this text, to be run as a probe."""
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))

    def write(text: str) -> str:
        (tmp_path / 'made_up.py').write_text(text)
        return 'made_up'

    return write


def test_this_machine_can_be_looked_at() -> None:
    found = look_around()
    assert found.ros.middleware.startswith('rmw_')
    assert (found.ros.problem, found.ros.missing, found.missing) == ('', (), ())
    assert found.domain == os.environ['ROS_DOMAIN_ID']
    assert found.discovery_range == 'LOCALHOST'
    assert found.torch.version


def test_a_probe_gives_the_object_that_it_prints_last(module: Callable[[str], str]) -> None:
    text = "import sys; print('ALSA says a lot'); print('{\"version\": \"' + sys.argv[1] + '\"}')"
    assert probe(module(text), '2.0') == {'version': '2.0'}


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ("raise SystemExit('no such library')", 'exit code 1: no such library'),
        ('import os; os.abort()', 'exit code -6'),
        ("print('[1, 2]')", 'exit code 0'),
        ('', 'exit code 0'),
    ],
    ids=['error', 'crash', 'no object', 'nothing'],
)
def test_a_probe_that_fails_is_a_problem_in_words(
    module: Callable[[str], str], text: str, words: str
) -> None:
    assert words in probe(module(text))['problem']


def test_a_probe_that_hangs_is_ended(
    module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, '_PROBE_S', 0.2)
    found = probe(module('import threading; threading.Event().wait()'))
    assert 'did not answer within 0.2 s' in found['problem']


def test_torch_that_is_missing_or_broken_is_told_apart(module: Callable[[str], str]) -> None:
    device_probe = 'xmodal_ros.tools.doctor.device_probe'
    folder = Path(os.environ['PYTHONPATH'])
    torch = folder / 'torch.py'
    torch.write_text("raise ModuleNotFoundError('gone', name='torch')")
    found = read_torch(probe(device_probe, 'torch'))
    assert found.missing
    torch.write_text("raise OSError('libcudart.so.12: cannot open shared object file')")
    found = read_torch(probe(device_probe, 'torch'))
    assert not found.missing
    assert 'libcudart.so.12' in found.problem
    torch.unlink()
    (folder / 'sounddevice.py').write_text("raise OSError('PortAudio library not found')")
    assert 'libportaudio2' in read_sound(probe(device_probe, 'sound')).problem


def test_gpus_are_those_that_torch_can_use_with_the_memory_that_the_driver_tells(
    module: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device_probe = 'xmodal_ros.tools.doctor.device_probe'
    cuda = 'is_available=lambda: True, device_count=lambda: 1, get_device_name=lambda n: "Orin"'
    (tmp_path / 'torch.py').write_text(
        'from types import SimpleNamespace as of\n'
        f'__version__, version, cuda = "2.9", of(cuda="12.8"), of({cuda})\n'
    )
    monkeypatch.setenv('PATH', str(tmp_path))
    found = read_torch(probe(device_probe, 'torch'))
    assert found == TorchFacts('2.9', cuda='12.8', gpus=(Gpu('Orin'),))
    tool = tmp_path / 'nvidia-smi'
    tool.write_text('#!/bin/sh\necho "NVIDIA H200, NVL, 1024, 512"\n')
    tool.chmod(0o755)
    found = read_torch(probe(device_probe, 'torch'))
    assert found.gpus == (Gpu('NVIDIA H200, NVL', 1 << 30, 1 << 29),)


def test_microphones_are_the_devices_that_can_record(
    module: Callable[[str], str], tmp_path: Path
) -> None:
    devices = [{'name': name, 'max_input_channels': n} for name, n in (('Mic', 2), ('Out', 0))]
    (tmp_path / 'sounddevice.py').write_text(f'def query_devices(): return {devices!r}')
    found = read_sound(probe('xmodal_ros.tools.doctor.device_probe', 'sound'))
    assert found.microphones == ('Mic',)


@pytest.mark.parametrize(
    ('variable', 'value', 'words'),
    [
        ('RMW_IMPLEMENTATION', 'rmw_of_nobody', 'rmw_of_nobody'),
        ('ROS_DOMAIN_ID', 'kitchen', 'ROS_DOMAIN_ID'),
    ],
)
def test_ros_that_cannot_start_is_a_problem_in_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert words in read_ros(probe('xmodal_ros.tools.doctor.ros_probe')).problem


def test_gpus_come_with_their_memory() -> None:
    found = read_torch({'version': '2', 'cuda': '12', 'gpus': [['H200', 1000, 500]]})
    assert found.gpus == (Gpu('H200', 1000, 500),)


def test_the_profile_is_found_in_the_sources_and_where_it_is_installed(tmp_path: Path) -> None:
    assert own_profile({}) == CONFIG
    installed = tmp_path / 'share' / 'xmodal_ros' / 'config' / 'fastdds.xml'
    installed.parent.mkdir(parents=True)
    installed.write_bytes(CONFIG.read_bytes())
    assert own_profile({'AMENT_PREFIX_PATH': f'/nowhere:{tmp_path}'}) == installed


@pytest.mark.parametrize('variable', environment.PROFILE_VARIABLES)
def test_the_profile_that_is_set_is_ours_by_its_content(tmp_path: Path, variable: str) -> None:
    file = tmp_path / 'profile.xml'
    assert read_profile({}, CONFIG) is None
    assert read_profile({variable: ''}, CONFIG) is None
    assert read_profile({variable: str(file)}, CONFIG) == Profile(str(file), False, False)
    file.write_bytes(CONFIG.read_bytes())
    assert read_profile({variable: str(file)}, CONFIG) == Profile(str(file), True, True)
    file.write_text('<profiles/>')
    assert read_profile({variable: str(file)}, CONFIG) == Profile(str(file), True, False)


def test_cameras_are_counted_without_their_metadata_devices(tmp_path: Path) -> None:
    devices, classes = tmp_path / 'dev', tmp_path / 'class'
    devices.mkdir()
    for number, index in ((10, 0), (2, 0), (3, 1)):
        (devices / f'video{number}').touch()
        folder = classes / f'video{number}'
        folder.mkdir(parents=True)
        (folder / 'index').write_text(f'{index}\n')
        (folder / 'name').write_text(f'Camera {number}\n')
    (devices / 'video7').touch()
    found = list(video_devices(devices, classes))
    assert [(Path(each.path).name, each.name) for each in found] == [
        ('video2', 'Camera 2'),
        ('video7', ''),
        ('video10', 'Camera 10'),
    ]
    assert all(each.permitted for each in found)


def test_domains_are_told_by_their_ports() -> None:
    # 7400 is the first port of domain 0, 18910 the eleventh of domain 46; 17500 is nobody's.
    assert read_domains(SOCKETS, '') == (0, 46)


def test_a_domain_in_use_on_this_machine_is_found() -> None:
    with reserved_domain() as domain, socket.socket(type=socket.SOCK_DGRAM) as participant:
        participant.bind(('', 7400 + 250 * domain + 10))
        assert domain in look_around(isolated(os.environ, domain)).domains_in_use

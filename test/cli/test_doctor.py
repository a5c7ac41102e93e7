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

"""The command as a person types it: what it prints, writes, and gives as its exit code."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

import pytest
from sensor_msgs.msg import Imu
import typer
from typer.testing import CliRunner

from test.bundles import make_imu_bundle
from test.live.graph import watching
from test.live.talker import Stream, talking
from test.messages import imu_bytes
from xmodal_ros.cli.doctor import doctor
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.isolation import isolated_process, reserved_domain

app = typer.Typer()
app.command()(doctor)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def silence() -> Iterator[int]:
    with reserved_domain() as domain, isolated_process(domain):
        yield domain


def hide(folder: Path, *packages: str) -> None:
    """Make modules in ``folder`` that fail like packages that are not there."""
    for package in packages:
        (folder / f'{package}.py').write_text(
            f"raise ModuleNotFoundError('no {package}', name='{package}')"
        )


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder whose modules hide those that are installed; torch is hidden."""
    folder = tmp_path / 'hidden'
    folder.mkdir()
    hide(folder, 'torch')
    monkeypatch.setenv('PYTHONPATH', str(folder))
    return folder


@pytest.mark.usefixtures('hidden')
def test_a_silent_robot_without_torch_gives_1_and_says_what_to_check(
    silence: int, tmp_path: Path
) -> None:
    file = tmp_path / 'out' / 'result.json'
    result = run('--seconds', '0.5', '--json', str(file))
    assert result.exit_code == 1, result.output
    assert f'domain {silence}, range LOCALHOST' in result.output
    assert 'PyTorch is missing' in result.output
    assert 'pip install torch' in result.output
    assert 'no other node was found' in result.output
    assert 'ros2 daemon stop' in result.output
    found = json.loads(file.read_text())
    assert found['environment']['domain'] == str(silence)
    errors = [each['code'] for each in found['findings'] if each['level'] == 'error']
    assert errors == ['torch', 'silent-robot']
    assert found['graph']['topics'] == []


@pytest.mark.usefixtures('silence')
def test_a_good_robot_gives_0(tmp_path: Path) -> None:
    file, bundle = tmp_path / 'result.json', make_imu_bundle(tmp_path / 'imu')
    with (
        watching() as watcher,
        watcher.publisher(Imu, '/imu') as publisher,
        talking([Stream(publisher, 100, imu_bytes)]),
    ):
        result = run('--seconds', '1.5', '--model', str(bundle), '--json', str(file))
    assert result.exit_code == 0, result.output
    assert 'sensor_msgs/Imu' in result.output
    assert '100.0 Hz' in result.output
    assert '/imu can feed the model' in result.output
    found = json.loads(file.read_text())
    (topic,) = found['graph']['topics']
    assert topic['measurement']['timing']['rate_hz'] == pytest.approx(100, rel=0.01)
    assert 'newest' not in topic['measurement']
    (model,) = found['models']
    assert model['expectation']['window']['rate_hz'] == 50
    assert model['fits'] == [['/imu', []]]


@pytest.mark.usefixtures('silence')
def test_without_ros_it_says_how_to_get_it_and_does_not_listen(
    hidden: Path, tmp_path: Path
) -> None:
    hide(hidden, 'rclpy', 'sounddevice')
    file = tmp_path / 'result.json'
    result = run('--seconds', '600', '--json', str(file))
    assert result.exit_code == 1
    assert "'rclpy' is missing" in result.output
    assert 'setup.bash' in result.output
    assert 'the robot was not listened to' in result.output
    assert 'microphone driver cannot run' in result.output
    assert 'graph' not in json.loads(file.read_text())


@pytest.mark.usefixtures('hidden')
def test_a_domain_that_there_is_not_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', '300')
    result = run('--seconds', '600')
    assert result.exit_code == 1
    assert "ROS_DOMAIN_ID is '300'" in result.output


@pytest.mark.parametrize('arguments', [('--seconds', '0'), ('--seconds', 'few'), ('--bag', 'x')])
def test_wrong_options_give_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_result_that_cannot_be_written_is_said_before_listening(tmp_path: Path) -> None:
    result = run('--seconds', '600', '--json', str(tmp_path))
    assert isinstance(result.exception, ConfigurationError)
    assert 'it is a folder' in str(result.exception)

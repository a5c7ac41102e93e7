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

import os
from pathlib import Path

import pytest

from xmodal_standalone import debian
from xmodal_standalone.errors import SetupError
from xmodal_standalone.progress import Stamps
from xmodal_standalone.steps import Steps
from xmodal_standalone.venv import Venv


def program(path: Path, text: str) -> None:
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)


def test_nothing_missing_needs_no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path / 'apt-get', f'touch {tmp_path}/called; exit 100')
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    for user in (0, 1000):
        monkeypatch.setattr(os, 'geteuid', lambda user=user: user)
        debian.install([], lock=1)
        debian.install_for_tests([], lock=1)
    assert not (tmp_path / 'called').exists()
    (tmp_path / 'apt-get').unlink()
    monkeypatch.setenv('PATH', str(tmp_path))
    debian.install([], lock=1)


def test_missing_tools_are_named_as_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / 'make', 'true')
    monkeypatch.setenv('PATH', str(tmp_path))
    missing = debian.for_building()
    assert {'g++', 'cmake'} <= set(missing)
    assert 'make' not in missing


def test_without_root_one_error_names_the_whole_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / 'apt-get', f'touch {tmp_path}/called')
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(SetupError) as refusal:
        debian.install(['g++', 'cmake'], lock=0)
    assert 'apt-get update && apt-get install -y --no-install-recommends g++ cmake' in str(
        refusal.value
    )
    assert not (tmp_path / 'called').exists()


def test_a_machine_without_apt_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(SetupError, match=r'libportaudio2.*no apt-get'):
        debian.install(['libportaudio2'], lock=0)


def test_root_updates_the_lists_and_installs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / 'apt-get', f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    debian.install(['g++', 'cmake'], lock=1)
    update, install = (tmp_path / 'calls').read_text().splitlines()
    assert update.startswith('update')
    assert install.startswith('install -y --no-install-recommends g++ cmake')


def test_a_failing_apt_shows_its_output_and_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / 'apt-get', 'echo "no network" >&2; exit 100')
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    with pytest.raises(SetupError, match=r'(?s)no network.*apt-get install -y .*g\+\+'):
        debian.install(['g++'], lock=1)


def test_what_only_tests_need_is_no_failure_and_takes_nothing_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path / 'apt-get', f'echo "$@" >> {tmp_path}/calls; [ "$1" = update ]')
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    debian.install_for_tests(['espeak-ng'], lock=1)
    assert '--no-remove espeak-ng' in (tmp_path / 'calls').read_text()
    assert 'the tests that need them are skipped' in capsys.readouterr().out


def test_sound_for_tests_is_named_as_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / 'paplay', 'true')
    monkeypatch.setenv('PATH', str(tmp_path))
    missing = debian.for_sound()
    assert {'pulseaudio', 'espeak-ng'} <= set(missing)
    assert 'pulseaudio-utils' not in missing


def test_a_browser_for_tests_is_named_as_a_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    assert debian.for_browsing() == ['chromium']
    program(tmp_path / 'chromium', 'true')
    assert debian.for_browsing() == []


def test_everything_missing_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(debian, 'for_running', lambda: ['libportaudio2'])
    monkeypatch.setattr(debian, 'for_environment', lambda: ['python3.11-venv'])
    venv = Venv(tmp_path / '.venv', beside_ros=False, lock=1)
    missing = Steps(venv, Stamps(venv.path / '.setup'), None).missing_on_debian()
    assert {'libportaudio2', 'python3.11-venv', 'g++', 'cmake'} <= set(missing)

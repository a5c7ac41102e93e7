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

"""What is measured on a GPU goes through without one, and so does the script that runs it all."""

from collections.abc import Mapping
import json
import os
from pathlib import Path
import re
import shlex
import subprocess

import pytest

from benchmarks import harness
from benchmarks.harness import measure_row, registered, Row

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'benchmarks' / 'gpu.sh'
STEPS = ['metadata', 'device', 'tests', 'gpu_engine', 'gpu_three_models', 'simulate', 'train']


@pytest.mark.parametrize('name', ['gpu_engine', 'gpu_three_models'])
def test_a_row_goes_through_on_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(harness, 'LEAST_S', 0.001)
    found = registered()[name]
    assert isinstance(found, Row)
    result = measure_row(found, tmp_path, 1, lambda _: None)
    assert result['wall']['ratio'] > 0
    assert re.match(r'cpu|cuda', result['note'])


def run(
    folder: Path, python: str, out: str | None = None, **variables: str
) -> tuple[int, dict[str, int], list[str]]:
    """Run the script with a Python made of shell; give exit codes, and what Python was asked."""
    asked, stand_in = folder / 'asked', folder / 'python'
    asked.touch()
    stand_in.write_text(
        f'#!/bin/sh\necho "$*" | tr "\\n" " " >>"{asked}"; echo >>"{asked}"\n{python}\n'
    )
    stand_in.chmod(0o755)
    environment: Mapping[str, str] = {**os.environ, 'PYTHON': str(stand_in), **variables}
    done = subprocess.run(
        ['sh', SCRIPT, out or folder / 'out'],
        env=environment,
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=60,
    )
    lines = (folder / 'out' / 'steps.json').read_text().splitlines()
    codes = {each['step']: each['exit_code'] for each in map(json.loads, lines)}
    return done.returncode, codes, asked.read_text().splitlines()


def test_the_script_asks_for_what_there_is_and_installs_nothing(tmp_path: Path) -> None:
    code, codes, asked = run(tmp_path, 'exit 0')
    assert (code, codes) == (0, dict.fromkeys(STEPS, 0))
    assert not any('pip' in line or '-m venv' in line for line in asked)
    words = [word for line in asked for word in shlex.split(line.replace("'", ' '))]
    tests = [word.partition('::') for word in words if word.startswith('test/')]
    assert len(tests) >= 5
    for file, _, name in tests:
        assert f'def {name}' in (ROOT / file).read_text()
    rows = [words[number + 1] for number, word in enumerate(words) if word == 'measure']
    assert set(rows) <= set(registered())


def test_a_step_that_fails_ends_no_other(tmp_path: Path) -> None:
    code, codes, _ = run(tmp_path, 'case "$*" in *gpu_engine*) exit 3;; esac')
    assert (code, codes) == (1, {**dict.fromkeys(STEPS, 0), 'gpu_engine': 3})


def test_when_the_time_is_over_nothing_goes_on(tmp_path: Path) -> None:
    # `exec`, for what is ended is the process itself.
    code, codes, asked = run(
        tmp_path, 'case "$*" in *"-m pytest"*) exec sleep 50;; esac', LIMIT_S='2'
    )
    assert code == 1
    assert [codes[step] for step in STEPS[2:]] == [124] * 5
    assert not any('measure' in line for line in asked)


def test_packages_that_are_missing_and_cannot_be_had_end_it(tmp_path: Path) -> None:
    code, codes, asked = run(tmp_path, 'case "$*" in *check_dependencies*|*venv*) exit 1;; esac')
    assert (code, codes) == (1, {})
    assert 'venv' in asked[-1]


def test_nothing_of_the_users_is_removed_from_the_folder(tmp_path: Path) -> None:
    kept = [tmp_path / 'out' / name / 'kept' for name in ('recordings', 'model', 'material')]
    for file in (*kept, tmp_path / 'out' / 'simulated_run' / 'of_before'):
        file.parent.mkdir(parents=True)
        file.touch()
    _, _, asked = run(tmp_path, 'exit 0')
    assert all(file.exists() for file in kept)
    assert not (tmp_path / 'out' / 'simulated_run').exists()
    assert sum('out/simulated_run/recordings' in line for line in asked) == 2


def test_a_relative_folder_is_where_the_user_is(tmp_path: Path) -> None:
    code, codes, _ = run(tmp_path, 'exit 0', out='out')
    assert (code, codes) == (0, dict.fromkeys(STEPS, 0))


def test_a_relative_python_is_where_the_user_is(tmp_path: Path) -> None:
    code, codes, _ = run(tmp_path, 'exit 0', PYTHON='./python')
    assert (code, codes) == (0, dict.fromkeys(STEPS, 0))


@pytest.mark.parametrize('has_pip', [True, False])
def test_packages_are_installed_where_paths_have_a_blank(tmp_path: Path, has_pip: bool) -> None:
    folder = tmp_path / 'a folder'
    folder.mkdir()
    # Makes itself an environment, and writes each word that it is asked to install by on a line.
    code, codes, _ = run(
        folder,
        f"""
        last() {{ shift $(($# - 1)); echo "$1"; }}
        case "$*" in
          *check_dependencies*) exit 1;;
          "-m pip --version") exit {0 if has_pip else 1};;
          *"-m venv"*) made=$(last "$@"); mkdir -p "$made/bin"; cp "$0" "$made/bin/python";;
          *sysconfig*) dirname "$0";;
          *" install "*) printf "%s\\n" "$0" "$@";;
        esac""",
    )
    assert (code, codes) == (0, dict.fromkeys(['install', *STEPS], 0))
    words = (folder / 'out' / 'install.json').read_text().splitlines()
    own = str(folder / 'out' / 'venv' / 'bin' / 'python')
    if has_pip:
        assert words[:5] == [str(folder / 'python'), '-m', 'pip', '--python', own]
    else:
        assert words[:3] == [own, '-m', 'pip']

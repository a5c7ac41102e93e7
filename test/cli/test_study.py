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

"""``xmodal study`` as it is typed, killed, and typed again."""

from contextlib import AbstractContextManager
import json
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from test.paired_bags import write_subjects
from test.studies.small_study import COSINE, document, InThisProcess, UNIMODAL, write_study
from test.waiting import PATIENCE_S, started
from xmodal_ros.cli.main import app
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.studies.study import StudyRuns

FIRST = 'runs done 1/4'


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('recordings'))


@pytest.fixture
def small(recordings: Path, tmp_path: Path) -> Path:
    content = document(recordings, methods=[UNIMODAL, COSINE], seeds=[0, 1], quick={'seeds': [0]})
    return write_study(tmp_path / 'study.yaml', content)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are done in this process where it is not about others, which take seconds to start."""
    monkeypatch.setattr('xmodal_ros.executors.LocalExecutor', lambda _: InThisProcess())


def typed(small: Path, out: Path) -> list[str]:
    return ['study', str(small), '--out', str(out), '--jobs', '1', '--device', 'cpu']


def start(small: Path, out: Path) -> AbstractContextManager['subprocess.Popen[str]']:
    # As in a script's background, where SIGINT is ignored.
    shell = ['sh', '-c', 'trap "" INT; exec "$@"', 'sh']
    command = [*shell, sys.executable, '-m', 'xmodal_ros.cli.main', *typed(small, out)]
    environment = {**os.environ, 'TERM': 'dumb', 'PYTHONUNBUFFERED': '1', 'COLUMNS': '120'}
    return started(command, stderr=subprocess.PIPE, env=environment)


def read_until_the_first_run(process: 'subprocess.Popen[str]') -> str:
    assert process.stderr is not None
    heard = ''
    while FIRST not in heard:
        line = process.stderr.readline()
        assert line, heard
        heard += line
    return heard


def stop_after_the_first_run(process: 'subprocess.Popen[str]', how: signal.Signals) -> str:
    assert process.stderr is not None
    heard = read_until_the_first_run(process)
    process.send_signal(how)
    heard += process.stderr.read()
    process.wait(PATIENCE_S)
    return heard


@pytest.mark.parametrize('how', [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.usefixtures('here')
def test_however_it_ends_it_goes_on_where_it_was(small, tmp_path, how):
    out = tmp_path / 'out'
    with start(small, out) as process:
        heard = stop_after_the_first_run(process, how)
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 143}
    assert process.returncode == expected[how], heard
    if how != signal.SIGKILL:
        assert 'of 4 runs are done; the same command goes on' in ' '.join(heard.split())
        assert '**Incomplete:**' in (out / 'table.md').read_text()
    kept = {path: path.stat().st_mtime_ns for path in (out / 'runs').glob('*.json')}
    windows = {path.name for path in (out / 'windows').iterdir()}
    assert kept
    assert len(windows) == 6
    again = CliRunner().invoke(app, typed(small, out))
    assert again.exit_code == 0, again.output
    assert 'runs are done already' in ' '.join(again.stderr.split())
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {path.name for path in (out / 'windows').iterdir()} == windows
    written = json.loads((out / 'study.json').read_text())
    assert written['runs'] == {'planned': 4, 'done': 4, 'failed': 0}


def test_interrupted_before_anything_it_says_so(small, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(StudyRuns, 'prepare', interrupt)
    stopped = CliRunner().invoke(app, typed(small, tmp_path / 'out'))
    assert stopped.exit_code == 130
    assert 'stopped: no run was begun; the same command' in ' '.join(stopped.stderr.split())


@pytest.mark.usefixtures('here')
def test_two_that_run_at_once_share_the_work(small, tmp_path):
    out = tmp_path / 'out'
    with start(small, out) as first:
        heard = read_until_the_first_run(first)
        second = CliRunner().invoke(app, typed(small, out))
        assert first.stderr is not None
        heard += first.stderr.read()
        first.wait(PATIENCE_S)
    assert first.returncode == second.exit_code == 0, heard + second.output
    written = json.loads((out / 'study.json').read_text())
    assert written['runs'] == {'planned': 4, 'done': 4, 'failed': 0}
    assert 'runs done 4/4' in heard
    assert 'runs are done already' in ' '.join(second.stderr.split())
    assert not list((out / 'runs').glob('*.claim'))


@pytest.mark.usefixtures('here')
def test_quick_and_other_recordings_and_json(recordings, tmp_path):
    content = document('nowhere', methods=[UNIMODAL], seeds=[0, 1], quick={'seeds': [5]})
    small = write_study(tmp_path / 'study.yaml', content)
    words = [
        *('study', str(small), '--out', str(tmp_path / 'out'), '--quick', '--jobs', '1'),
        *('--recordings', str(recordings), '--json', str(tmp_path / 'a.json'), '--device', 'cpu'),
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / 'a.json').read_text())
    assert written['study']['seeds'] == [5]
    assert written == json.loads((tmp_path / 'out' / 'study.json').read_text())
    assert 'macro-F1' in result.stderr


@pytest.mark.usefixtures('here')
def test_failed_runs_are_an_error_after_the_tables_are_written(recordings, tmp_path):
    split = {'across': {'directions': [{'train': ['1'], 'test': ['9']}]}}
    small = write_study(tmp_path / 's.yaml', document(recordings, splits=split))
    words = ['study', str(small), '--out', str(tmp_path / 'out'), '--jobs', '1', '--device', 'cpu']
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, TrainingError)
    assert '3 of 3 runs failed' in str(result.exception)
    assert "subject '9' is in none" in (tmp_path / 'out' / 'table.md').read_text()


def test_a_study_that_makes_no_sense_is_refused_before_anything_is_written(tmp_path):
    small = write_study(tmp_path / 's.yaml', document(seeds=[]))
    result = CliRunner().invoke(app, ['study', str(small), '--out', str(tmp_path / 'out')])
    assert isinstance(result.exception, ConfigurationError)
    assert 'seeds' in str(result.exception)
    assert not (tmp_path / 'out').exists()


def test_a_place_where_no_folder_can_be_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / 'file').touch()
    result = CliRunner().invoke(app, ['study', 'nothing', '--out', str(tmp_path / 'file' / 'out')])
    assert "file' is a file, not a folder: give another --out" in str(result.exception)


def test_the_help_suffices():
    result = CliRunner().invoke(app, ['study', '--help'], env={'COLUMNS': '200'})
    assert result.exit_code == 0
    for word in ('--out', '--quick', '--jobs', '--recordings', 'simulated', 'Example'):
        assert word in result.output

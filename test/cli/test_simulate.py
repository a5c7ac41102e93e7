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

import contextlib
import json
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from test.waiting import PATIENCE_S, poll_for, started
from xmodal_ros.cli.simulate import simulate
from xmodal_ros.errors import ConfigurationError

COMMAND = (
    'import typer; from xmodal_ros.cli.simulate import simulate; '
    'app = typer.Typer(); app.command()(simulate); app()'
)


def run(*arguments: str):
    app = typer.Typer()
    app.command()(simulate)
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_writes_bags_and_the_list_of_them(tmp_path):
    out, result = tmp_path / 'out', tmp_path / 'result.json'
    arguments = (str(out), '--subjects', '1', '--minutes', '1', '--json', str(result))
    ended = run(*arguments)
    assert ended.exit_code == 0
    (bag,) = json.loads(result.read_text())['bags']
    assert bag['path'] == str(out / 'subject_01')
    assert bag['subject'] == 'subject_01'
    assert bag['duration_s'] == pytest.approx(60.0, abs=0.2)
    assert bag['counts']['/camera/image_raw/compressed'] == 900
    assert bag['segments']['walking'] == 2
    assert not bag['kept']
    assert 'kept (already there)' not in ended.output

    left = out / '.subject_01-killed.partial'
    (left / 'subject_01').mkdir(parents=True)
    again = run(*arguments)
    assert again.exit_code == 0
    assert f'removed what a run that was killed had left: {left}' in again.output
    assert not left.exists()
    assert 'kept (already there)' in again.output
    assert json.loads(result.read_text())['bags'][0]['kept']


def test_a_place_where_no_folder_can_be_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match="file' is a file, not a folder: give another"):
        run(str(tmp_path / 'file' / 'recordings'))


def test_help_names_defaults_sensors_and_an_example():
    text = ' '.join(run('--help').output.split())
    for words in (
        '[default: 6]',
        '[default: 4.0]',
        '[default: 0]',
        'imu_wrist',
        'microphone',
        '/activity_label',
        'Example: xmodal simulate',
        '--force',
        '--jobs',
        '--images',
        '--json',
    ):
        assert words in text, words


@pytest.mark.parametrize('arguments', [('--minutes', '0'), ('--subjects', '0'), ('--seed', '-1')])
def test_impossible_options_are_refused(tmp_path, arguments):
    assert run(str(tmp_path), *arguments).exit_code == 2
    assert not list(tmp_path.iterdir())


def partial_bags(folder: Path) -> list[Path]:
    return [path for path in folder.glob('.*') if list(path.rglob('*.mcap'))]


@pytest.mark.parametrize('jobs', ['1', '2'])
def test_interrupt_ends_the_command_and_leaves_nothing(tmp_path, jobs):
    command = [sys.executable, '-c', COMMAND, str(tmp_path), '--minutes', '30', '--jobs', jobs]

    def under_way() -> bool:
        assert process.poll() is None
        return len(partial_bags(tmp_path)) >= int(jobs)

    with started(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    ) as process:
        poll_for(under_way, 'no bag was begun')
        # As a terminal does: to the whole group at once.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE_S) != 0
    assert list(tmp_path.iterdir()) == []


def test_interrupted_again_and_again_while_processes_start_it_ends_them_in_silence(tmp_path):
    command = ['-m', 'xmodal_ros.cli.entry', 'simulate', 'out', '--subjects', '2', '--jobs', '2']
    with started([sys.executable, *command], cwd=tmp_path, stderr=subprocess.PIPE) as process:
        poll_for(lambda: _imports(process.pid), 'no process was started')
        with contextlib.suppress(ProcessLookupError):
            while process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
        assert process.stderr is not None
        # Whoever is left of its group has the other end.
        words = process.stderr.read()
    # To a shell the same: in its very last moments Python leaves the signal to the system.
    assert process.returncode in (130, -signal.SIGINT)
    assert words.startswith('starting 2 workers\n')
    assert 'Traceback' not in words, words
    assert list(tmp_path.glob('out/*')) == list(tmp_path.glob('out/.*')) == []


def _imports(pid: int) -> bool:
    """Say whether a process that a process has started is up and imports, which takes a second."""
    for task in Path(f'/proc/{pid}/task').glob('*/children'):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                own = Path(f'/proc/{child}')
                spawned = b'spawn_main' in (own / 'cmdline').read_bytes()
                if spawned and 'numpy' in (own / 'maps').read_text():
                    return True
    return False

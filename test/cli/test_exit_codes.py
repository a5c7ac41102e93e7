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

"""Exit codes tell wrong use from what goes wrong, as docs/command.md says."""

from pathlib import Path
import sys

import pytest

from xmodal_ros.cli.main import main
from xmodal_ros.training.events import Failed, from_line

_TRAIN = ('train', 'nothing', '--target', 'imu', '--out', 'imu')
_IMPORT = ('import', 'files', 'bag', '--subject', 'ada')


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (_TRAIN, '--test-subjects is missing'),
        (('train', '--target', 'imu', '--out', 'imu', '--test-subjects', '3'), 'BAG is missing'),
        ((*_TRAIN, '--test-subjects', '3', '--method', 'infonc'), "did you mean 'infonce'?"),
        ((*_TRAIN, '--test-subjects', '3', '--window', '0.01'), 'at least 0.25'),
        (('evaluate', 'recordings'), 'no bundle is named'),
        (_IMPORT, 'nothing to import'),
        (('import', 'utd-mhad', 'data', 'bags', '--subjects', 'ada'), 'is no number'),
        (('new', 'method', 'foo-bar'), 'can be no name here'),
        (('label', 'recordings', '--labels', 'unknown'), 'stands for no activity'),
        (('train', '--surce', 'imu'), 'No such option'),
        (('train', '--print-config', '--config', 'nosuch.yaml'), 'nosuch.yaml'),
        ((*_TRAIN, '--test-subjects', '3', '--option', 'foo=1'), 'its options: '),
        (('dataset', 'recordings', '--channels', 'foo'), 'channels'),
        (('dataset', 'recordings', '--cluster-option', 'foo'), 'form NAME=VALUE'),
        (('simulate', 'bags', '--cluster-option', 'foo'), 'form NAME=VALUE'),
        ((*_IMPORT, '--file', 'nosuch=x'), "there is no modality 'nosuch'"),
        ((*_IMPORT, '--file', 'imu=x'), 'give it by --imu'),
    ],
)
def test_wrong_use_ends_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    (tmp_path / 'recordings').mkdir()
    (tmp_path / 'recordings' / 'walk.mcap').touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['xmodal', *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert told in capsys.readouterr().err
    assert ended.value.code == 2


@pytest.mark.parametrize('words', [(), ('--method', 'infonc')])
def test_a_training_for_a_program_says_on_stdout_what_is_wrong_at_first(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('imu').touch()
    arguments = ('xmodal', *_TRAIN, '--test-subjects', '3', *words)
    monkeypatch.setattr(sys, 'argv', [*arguments, '--events'])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    assert from_line(line) == Failed(told.err.removeprefix('error: ').strip())
    assert ended.value.code == (2 if words else 1)
    monkeypatch.setattr(sys, 'argv', [*arguments, '--method', 'infonc', '--events'])
    # Of the processes that torchrun starts one reports; what else starts one numbers it in vain.
    monkeypatch.setenv('RANK', '1')
    for name, value, told_of in (('WORLD_SIZE', '2', 1), ('TORCHELASTIC_RUN_ID', 'run', 0)):
        monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            main()
        assert len(capsys.readouterr().out.splitlines()) == told_of


def test_a_program_is_told_why_processes_cannot_train_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # As torchrun sets them, but for where the others are to be found.
    for name, value in (('WORLD_SIZE', '2'), ('RANK', '0'), ('TORCHELASTIC_RUN_ID', 'run')):
        monkeypatch.setenv(name, value)
    for name in ('MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    arguments = ('xmodal', *_TRAIN, '--test-subjects', '3', '--device', 'cpu', '--events')
    monkeypatch.setattr(sys, 'argv', [*arguments, '--pretrain', '5'])
    with pytest.raises(SystemExit) as ended:
        main()
    # What is wrong anyway is told before they look for each other.
    (line,) = capsys.readouterr().out.splitlines()
    failed = from_line(line)
    assert isinstance(failed, Failed)
    assert 'leave --pretrain out' in failed.message
    assert ended.value.code == 2
    monkeypatch.setattr(sys, 'argv', [*arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    failed = from_line(line)
    assert isinstance(failed, Failed)
    assert failed.message.startswith('the processes of torchrun do not find each other')
    assert failed == Failed(told.err.removeprefix('error: ').strip())
    assert ended.value.code == 1
    monkeypatch.setenv('RANK', '1')
    with pytest.raises(SystemExit):
        main()
    assert not capsys.readouterr().out


def test_a_program_is_told_what_is_wrong_by_a_process_that_is_numbered_but_trains_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('RANK', '1')
    # Of a method's options is told once torch is loaded.
    words = ('--test-subjects', '3', '--method', 'infonce', '--option', 'nonsense=1', '--events')
    monkeypatch.setattr(sys, 'argv', ['xmodal', *_TRAIN, *words])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    assert from_line(line) == Failed(told.err.removeprefix('error: ').strip())


def test_of_processes_that_train_together_the_first_alone_looks_at_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('imu').touch()
    monkeypatch.setattr(sys, 'argv', ['xmodal', *_TRAIN, '--test-subjects', '3'])
    asked: list[Path] = []
    monkeypatch.setattr(
        'xmodal_ros.cli.train_run.run', lambda config, **_: asked.append(config.out)
    )
    for name, value in (('WORLD_SIZE', '2'), ('RANK', '1'), ('TORCHELASTIC_RUN_ID', 'run')):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0, asked) == (0, [Path('imu')])
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, len(asked)) == (1, 1)


@pytest.mark.parametrize('name', ['x' * 300, f'{"x" * 300}/bag'])
def test_a_bag_of_a_name_that_is_too_long_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ['xmodal', 'import', 'files', name, '--subject', 'ada', '--imu', 'imu.csv']
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert 'File name too long' in capsys.readouterr().err
    assert ended.value.code == 1


def test_what_goes_wrong_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['xmodal', 'inspect', 'nothing'])
    with pytest.raises(SystemExit) as ended:
        main()
    assert 'does not exist' in capsys.readouterr().err
    assert ended.value.code == 1

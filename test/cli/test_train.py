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

"""``xmodal train`` as it is typed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
import json
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest
from safetensors.torch import load_file
import torch
from typer.testing import CliRunner, Result

from test.paired_bags import write_subjects
from test.waiting import COMMAND_S, PATIENCE_S, started
from xmodal_ros.cli.main import app
from xmodal_ros.cli.train_run import _stopped as stopped_words
from xmodal_ros.configuration.training import make_configuration
from xmodal_ros.errors import ConfigurationError, TrainingError, XmodalError
from xmodal_ros.methods.method import method_names, TransferMethod
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.runtime.devices import choose_device
from xmodal_ros.training.checkpoint_store import checkpoint_folder, describe_run
from xmodal_ros.training.events import Event, Finished, from_line, Note, Progress, Stopped


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('recordings'))


# Nothing is to be tried that a test is not about, nor a process started.
_NETS = ('--encoder', 'imu=imu_cnn', 'camera=camera_cnn')
_NET = ('--encoder', 'imu=imu_cnn')
_HERE = ('--device', 'cpu', '--jobs', '1')
_SMALL_STEPS = ('--batch-size', '16')


def train(*arguments: object) -> Result:
    words = ['train', *map(str, arguments), *_HERE]
    if '--batch-size' not in words:
        words += _SMALL_STEPS
    if 'imu' in words and '--encoder' not in words:
        words += _NET
    return CliRunner().invoke(app, words, catch_exceptions=True)


def test_several_values_after_one_flag_reach_the_training(recordings, tmp_path):
    result = train(
        *('--target', 'imu', '--test-subjects', '2', '3', '--epochs', 1, recordings),
        *('--out', tmp_path / 'imu', '--json', tmp_path / 'imu.json', '--seed', 3),
    )
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / 'imu.json').read_text())
    assert written['subjects'] == {'training': ['1'], 'validation': [], 'test': ['2', '3']}
    assert written['seed'] == 3
    assert 0 <= written['macro_f1'] <= 1
    assert load_bundle(tmp_path / 'imu').info.scores['test_macro_f1'] == written['macro_f1']
    assert 'test macro-F1 per clip' in result.stderr


def test_a_method_is_made_once(recordings, tmp_path, monkeypatch):
    made: list[type[TransferMethod]] = []
    init = TransferMethod.__init__

    def counted(self: TransferMethod, options: object) -> None:
        made.append(type(self))
        init(self, options)

    monkeypatch.setattr(TransferMethod, '__init__', counted)
    # Its recordings have no such sensor.
    result = train('--target', 'imu_ankle', '--test-subjects', 3, '--out', tmp_path, recordings)
    assert isinstance(result.exception, XmodalError)
    assert made == [Unimodal]


def test_dcat_with_options_from_the_command_line(recordings, tmp_path):
    result = train(
        *(recordings, '--target', 'imu', '--source', 'camera', '--method', 'dcat'),
        *('--option', 'weight=0.3', 'squared=true', '--test-subjects', '3', '--epochs', 1),
        *('--window', 1.5, '--hop', 1, '--val-subjects', '2', '--out', tmp_path / 'imu'),
    )
    assert result.exit_code == 0, result.output
    info = load_bundle(tmp_path / 'imu').info
    assert (info.window.length_ns, info.window.hop_ns) == (1_500_000_000, 1_000_000_000)
    assert info.provenance['method_options'] == {
        'pairing': 'time',
        'distillation': 0.0,
        'weight': 0.3,
        'temperature': 0.1,
        'centre': 'source',
        'distance': 'frobenius',
        'normalisation': 'frobenius',
        'squared': True,
        'per_head': True,
        'centred': False,
    }
    assert info.provenance['subjects']['validation'] == ['2']


def test_that_one_person_says_nothing_of_others_is_the_last_thing_said(recordings, tmp_path):
    arguments = (recordings, '--target', 'imu', '--test-subjects', '2', '3', '--quick')
    result = train(*arguments, '--out', tmp_path / 'imu')
    assert result.exit_code == 0, result.output
    quick, person = result.output.splitlines()[-2:]
    assert quick.startswith('warning: it was trained with --quick')
    assert person.startswith("warning: all recordings of 'imu' that were learnt from are of '1'")
    told = train(*arguments, '--out', tmp_path / 'imu', '--events')
    notes = [
        note for line in told.stdout.splitlines() if isinstance(note := from_line(line), Note)
    ]
    assert notes[0].text.startswith(f'replaces the bundle at {tmp_path / "imu"} (unimodal, 20')
    assert [note.text for note in notes[-2:]] == [quick, person]


def test_what_is_left_out_is_counted_a_sensor_as_on_the_card(recordings, tmp_path):
    out = tmp_path / 'imu'
    result = train(
        *(recordings, '--target', 'imu', '--source', 'camera', '--method', 'distillation'),
        *('--test-subjects', '3', '--quick', '--encoder', 'imu=imu_cnn', 'camera=camera_cnn'),
        *('--out', out),
    )
    assert result.exit_code == 0, result.output
    said = {
        line.removeprefix('data: left out of ').split(': ')[0]: line.split(': ', 2)[2]
        for line in result.output.splitlines()
        if line.startswith('data: left out of ')
    }
    assert set(said) == {'imu', 'camera'}
    assert 'reach into a segment that validates' in said['imu']
    (card,) = [
        line for line in (out / 'README.md').read_text().splitlines() if 'Left out of' in line
    ]
    counts = card.removeprefix('Left out of training, of `imu`: ').rstrip('.').split(', ')
    assert sorted(counts) == sorted(said['imu'].split(', '))


def test_the_help_suffices():
    result = CliRunner().invoke(app, ['train', '--help'], env={'COLUMNS': '200'})
    assert result.exit_code == 0
    for word in ('--target', '--source', '--test-subjects', '--val-subjects', 'Example'):
        assert word in result.output
    assert all(name in result.output for name in method_names())


def test_what_is_missing_is_named_and_the_exit_code_says_so(recordings, tmp_path):
    missing = train(recordings, '--target', 'imu', '--out', tmp_path / 'imu')
    assert isinstance(missing.exception, ConfigurationError)
    assert '--test-subjects is missing' in str(missing.exception)
    refused = train(recordings, '--target', 'imu', '--out', tmp_path / 'm', '--test-subjects', '9')
    assert isinstance(refused.exception, TrainingError)
    assert refused.exit_code != 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--channels', 'gyro'), 'none of auto, acc_gyro, acc'),
        (('--option', 'weight'), 'NAME=VALUE'),
        (('--hop', '0.03'), '--hop: a hop of 0.03 s does not hold a whole number of samples'),
        (('--window', '0.01'), 'at least 0.25'),
    ],
)
def test_options_that_mean_nothing_are_refused_in_words(recordings, tmp_path, arguments, message):
    refused = train(
        *(recordings, '--target', 'imu', '--test-subjects', '3', '--out', tmp_path / 'imu'),
        *arguments,
    )
    assert isinstance(refused.exception, ConfigurationError)
    assert message in str(refused.exception)
    assert not list(tmp_path.iterdir())


def test_a_place_where_no_bundle_can_be_is_refused_before_anything_is_loaded(tmp_path):
    (tmp_path / 'text.txt').touch()
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'chapter').touch()
    words = ['train', 'nothing', '--target', 'imu', '--test-subjects', '3', '--out']
    code = (
        'import sys\nfrom xmodal_ros.cli.main import app\n'
        'try:\n    app(sys.argv[1:])\n'
        "except Exception as error:\n    print(error, 'torch' in sys.modules)\n"
    )
    for place, told in {
        'text.txt/imu': 'is a file, not a folder: give another --out False',
        'thesis': 'thesis is not a bundle: refusing to replace it, give another --out False',
    }.items():
        done = subprocess.run(
            [sys.executable, '-c', code, *words, str(tmp_path / place)],
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
        )
        assert told in done.stdout, done.stderr


def start(*arguments: object) -> AbstractContextManager['subprocess.Popen[str]']:
    """Start the command as another program would, with events."""
    command = [sys.executable, '-m', 'xmodal_ros.cli.main', 'train', *map(str, arguments)]
    return started(
        [*command, '--events', *_HERE, *_SMALL_STEPS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def read_until(process: 'subprocess.Popen[str]', wanted: Callable[[Event], bool]) -> None:
    """Read events up to one that is wanted."""
    assert process.stdout is not None
    for line in process.stdout:
        if wanted(from_line(line)):
            return
    assert process.stderr is not None
    pytest.fail(process.stderr.read())


def is_epoch(number: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Progress) and event.epoch == number


def test_killed_or_ended_at_any_time_it_goes_on_to_the_same_bundle(recordings, tmp_path):
    arguments = [recordings, '--target', 'imu', '--test-subjects', '3', '--epochs', 3]
    arguments += ['--hop', '1', *_NET]
    whole = train(*arguments, '--out', tmp_path / 'whole')
    assert whole.exit_code == 0, whole.output
    expected = read_bundle_info(tmp_path / 'whole')
    out = tmp_path / 'models' / 'imu'
    for epoch, number in ((1, signal.SIGKILL), (2, signal.SIGTERM)):
        with start(*arguments, '--out', out, '--resume') as process:
            read_until(process, is_epoch(epoch))
            process.send_signal(number)
            assert process.stdout is not None
            rest = process.stdout.read().splitlines()
            process.wait(PATIENCE_S)
        if number == signal.SIGTERM:
            assert process.returncode == 128 + number
            stopped = from_line(rest[-1])
            assert isinstance(stopped, Stopped)
            assert '--resume goes on' in stopped.message
        assert not out.exists()
    resumed = train(
        *(*arguments, '--out', out, '--resume', '--events', '--log', tmp_path / 'log.csv')
    )
    assert resumed.exit_code == 0, resumed.output
    last = from_line(resumed.stdout.splitlines()[-1])
    assert last == Finished(str(out), expected.scores)
    written = load_bundle(out).info
    assert written.weights_sha256 == expected.weights_sha256
    assert written.scores == expected.scores
    assert [file.name for file in out.parent.iterdir()] == ['imu']
    log = (tmp_path / 'log.csv').read_text()
    assert (
        log
        == (out / 'training.csv').read_text()
        == (tmp_path / 'whole' / 'training.csv').read_text()
    )


def test_parts_that_other_processes_learn_end_and_go_on_with_the_run(recordings, tmp_path):
    words = [recordings, '--target', 'imu', '--source', 'camera', '--test-subjects', '3']
    words += ['--epochs', '1', '--hop', '1', '--device', 'cpu', *_SMALL_STEPS, *_NETS, '--out']
    whole = CliRunner().invoke(
        app, ['train', *map(str, words), str(tmp_path / 'whole'), '--jobs', '1']
    )
    assert whole.exit_code == 0, whole.output
    out = tmp_path / 'models' / 'imu'
    again = ['train', *map(str, words), str(out), '--jobs', '2', '--resume', '--events']
    command = [sys.executable, '-m', 'xmodal_ros.cli.main', *again]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        read_until(process, lambda event: isinstance(event, Progress) and event.epoch == 1)
        # As the trainer's node ends a run, with all processes of it.
        os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        rest = process.stdout.read().splitlines()
        assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        assert isinstance(from_line(rest[-1]), Stopped)
    assert list(checkpoint_folder(out).glob('*.state'))
    resumed = CliRunner().invoke(app, again)
    assert resumed.exit_code == 0, resumed.output
    for name in ('model.safetensors', 'training.csv', 'bundle.json'):
        assert (out / name).read_bytes() == (tmp_path / 'whole' / name).read_bytes()
    assert [file.name for file in out.parent.iterdir()] == ['imu']


def test_two_processes_give_what_one_gives(recordings, tmp_path):
    common = ['--target', 'imu', '--test-subjects', '3', '--epochs', '2', '--hop', '1']
    common += [str(recordings), '--batch-size', '30', *_NET]
    alone = train(*common, '--out', tmp_path / 'alone')
    assert alone.exit_code == 0, alone.output
    launched = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2']
    launched += ['--master-port', '0', '--standalone', '-m', 'xmodal_ros.cli.main', 'train']
    done = subprocess.run(
        [*launched, *common, *_HERE, '--out', str(tmp_path / 'two'), '--events'],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S,
    )
    assert done.returncode == 0, done.stderr
    # One of them tells and writes.
    assert done.stdout.count('"finished"') == 1
    one, two = (load_file(tmp_path / name / 'model.safetensors') for name in ('alone', 'two'))
    torch.testing.assert_close(one, two, atol=2e-3, rtol=0)
    first, second = (
        (tmp_path / name / 'training.csv').read_text().splitlines()[1:]
        for name in ('alone', 'two')
    )
    for row, other in zip(first, second, strict=True):
        numbers, others = (list(map(float, each.split(',')[1:5])) for each in (row, other))
        assert numbers == pytest.approx(others, rel=1e-4)


def test_interrupting_it_says_so_and_leaves_no_bundle(recordings, tmp_path):
    command = [
        *(sys.executable, '-m', 'xmodal_ros.cli.main', 'train', str(recordings)),
        *('--target', 'imu', '--test-subjects', '3', '--epochs', '100000'),
        # It would end by itself where nothing is left to learn, before a busy machine gets here.
        *('--patience', '100000'),
        *('--out', str(tmp_path / 'imu'), *_NET, *_HERE),
    ]
    environment = {**os.environ, 'TERM': 'dumb', 'PYTHONUNBUFFERED': '1', 'COLUMNS': '120'}
    with started(command, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stderr is not None
        heard = ''
        while 'training imu' not in heard:
            line = process.stderr.readline()
            assert line, heard
            heard += line
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(PATIENCE_S) == 130, heard + rest
    assert 'stopped: no new bundle was written' in ' '.join((heard + rest).split())
    assert not (tmp_path / 'imu').exists()


def test_only_a_command_that_can_resume_speaks_of_it(tmp_path):
    given = {'bags': [tmp_path], 'target': 'imu', 'test_subjects': ['3'], 'out': tmp_path / 'imu'}
    config = make_configuration(given)
    kept = checkpoint_folder(config.out)
    kept.mkdir()
    ours = json.dumps(describe_run(config, choose_device(config.device)))
    (kept / 'run.json').write_text(ours)
    expected = f'; {kept} keeps what was learnt, and the same command with --resume goes on from'
    assert expected in stopped_words(config)
    assert '--resume' not in stopped_words(config, resumable=False)
    # What another run left there is none to go on from for this one.
    (kept / 'run.json').write_text(ours.replace('"seed": 0', '"seed": 1'))
    assert '--resume' not in stopped_words(config)

"""``xmodal train`` as it is typed."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner, Result

from test.training.paired_bags import write_subjects
from xmodal_ros.cli.main import app
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.transfer.method import method_names


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('recordings'))


def train(*arguments: object) -> Result:
    words = ['train', *map(str, arguments), '--device', 'cpu']
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
        'weight': 0.3,
        'normalisation': 'frobenius',
        'squared': True,
        'per_head': True,
    }
    assert info.provenance['subjects']['validation'] == ['2']


def test_the_help_suffices():
    result = CliRunner().invoke(app, ['train', '--help'], env={'COLUMNS': '200'})
    assert result.exit_code == 0
    for word in ('--target', '--source', '--test-subjects', '--val-subjects', 'Example'):
        assert word in result.output
    assert all(f"'{name}'" in result.output for name in method_names())


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
        (('--channels', 'gyro'), 'none of acc_gyro, acc'),
        (('--option', 'weight'), 'NAME=VALUE'),
        (('--hop', '0.03'), 'whole number of samples'),
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


def test_interrupting_it_says_so_and_leaves_nothing_behind(recordings, tmp_path):
    command = [
        *(sys.executable, '-m', 'xmodal_ros.cli.main', 'train', str(recordings)),
        *('--target', 'imu', '--test-subjects', '3', '--epochs', '100000'),
        *('--device', 'cpu', '--out', str(tmp_path / 'imu')),
    ]
    environment = {**os.environ, 'TERM': 'dumb', 'PYTHONUNBUFFERED': '1', 'COLUMNS': '120'}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None
        heard = ''
        while 'training imu' not in heard:
            line = process.stderr.readline()
            assert line, heard
            heard += line
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert 'stopped: no bundle was written' in ' '.join((heard + rest).split())
    assert not list(tmp_path.iterdir())

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

"""``xmodal export`` from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from test.bundles import make_imu_bundle
from test.needs import need
from test.recordings import clips, write_imu_bag
from xmodal_ros.cli.export import with_file_left_out
from xmodal_ros.cli.main import app
from xmodal_ros.errors import XmodalError

need('onnxscript', 'onnxruntime')


def xmodal(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_file_is_written_with_its_parity(tmp_path: Path) -> None:
    bundle, file = make_imu_bundle(tmp_path / 'imu'), tmp_path / 'there' / 'imu.onnx'
    done = xmodal('export', bundle, '--onnx', file, '--opset', 21)
    assert done.exit_code == 0, done.output
    words = ' '.join(done.stderr.split())
    assert 'of those of torch over 10 windows' in words
    assert '(opset 21, ' in words
    assert file.is_file()
    assert [f.name for f in file.parent.iterdir()] == ['imu.onnx']
    assert not (bundle / 'model.onnx').exists()


def test_without_a_file_it_goes_into_the_bundle_and_runs(tmp_path: Path) -> None:
    bundle, out = make_imu_bundle(tmp_path / 'imu'), tmp_path / 'out.json'
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk', 'wave']))
    done = xmodal('export', bundle)
    assert done.exit_code == 0, done.output
    assert f'written: {bundle / "model.onnx"}' in done.stderr
    labels = {}
    for runtime in ('torch', 'onnx'):
        done = xmodal('evaluate', bundle, bag, '--runtime', runtime, '--json', out)
        assert done.exit_code == 0, done.output
        labels[runtime] = [found['label'] for found in json.loads(out.read_text())['labels']]
    assert len(labels['torch']) > 20
    assert labels['onnx'] == labels['torch']


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['nothing', '--onnx'], 'there is no bundle at'),
        (['nothing', '--onnx', 'new/imu.onnx'], 'there is no bundle at'),
        (['imu', '--onnx', '--opset', '9'], 'opset 9 cannot be written'),
        (['nothing', '--onnx', 'file/imu.onnx'], "/file' is a file, not a folder"),
        (['imu', '--onnx', 'imu'], 'it is a folder, name a file'),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    make_imu_bundle(tmp_path / 'imu')
    (tmp_path / 'file').touch()
    monkeypatch.chdir(tmp_path)
    done = xmodal('export', *arguments)
    assert isinstance(done.exception, XmodalError)
    assert words in str(done.exception)
    assert sorted(item.name for item in tmp_path.iterdir()) == ['file', 'imu']


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['b', '--onnx'], ['b', '--onnx', '']),
        (['b', '--onnx', 'f'], ['b', '--onnx', 'f']),
        (['b', '--onnx', '--opset', '18'], ['b', '--onnx', '', '--opset', '18']),
        (['--opset', '18', 'b'], ['--opset', '18', 'b']),
    ],
)
def test_the_file_may_be_left_out(arguments: list[str], expected: list[str]) -> None:
    assert with_file_left_out(arguments, '--onnx') == expected

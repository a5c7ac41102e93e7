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

from dataclasses import replace
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from test.bags.recordings import WRIST, write_imu_bag
from test.bundles import make_imu_bundle
from test.messages import EPOCH, SECOND
from test.sound_bags import write_sound_bag
from xmodal_ros.bags import inspection
from xmodal_ros.bags.segment import Segment
from xmodal_ros.cli.inspect import inspect
from xmodal_ros.errors import BagError, BundleError
from xmodal_ros.streams.placement import make_placement

app = typer.Typer()
app.command()(inspect)


def write_bag(path: Path) -> Path:
    return write_imu_bag(
        path,
        seconds=4,
        sensors=[WRIST],
        subject='Ada [3]',
        metadata={'place': 'kitchen'},
        segments=[Segment(EPOCH, EPOCH + SECOND, 'wave')],
        plausible=True,
    )


def test_it_prints_what_a_bag_holds(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(write_bag(tmp_path / 'bag'))])
    assert result.exit_code == 0, result.output
    for text in (
        'Ada [3]',
        'kitchen',
        'imu_wrist (imu on /imu_wrist)',
        'sensor_msgs/Imu',
        '50.00 Hz',
        '0.020 s',
        '4.0 s',
        'latched',
        'wave',
        '1.0 s',
    ):
        assert text in result.output
    assert 'warning' not in result.output


def test_it_prints_warnings(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(write_imu_bag(tmp_path / 'bag'))])
    assert 'warning: unlabelled' in result.output


def test_a_folder_of_bags_stands_for_its_bags(tmp_path: Path) -> None:
    for name in ('monday', 'tuesday'):
        write_bag(tmp_path / name)
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert 'monday' in result.output
    assert 'tuesday' in result.output
    assert result.stderr == ''


def test_recordings_that_lie_deeper_are_named(tmp_path: Path) -> None:
    for name in ('bag', 'anna/monday'):
        write_bag(tmp_path / name)
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert f'warning: {tmp_path / "anna"} holds recordings too' in result.stderr


def test_it_writes_its_findings_as_json(tmp_path: Path) -> None:
    bag, file = write_bag(tmp_path / 'bag'), tmp_path / 'out' / 'result.json'
    result = CliRunner().invoke(app, [str(bag), '--json', str(file)])
    assert result.exit_code == 0, result.output
    (found,) = json.loads(file.read_text())['bags']
    assert found['subject'] == 'Ada [3]'
    assert found['activities'] == [{'label': 'wave', 'segments': 1, 'seconds': 1.0}]
    topics = {topic['name']: topic for topic in found['topics']}
    assert topics['/imu_wrist']['count'] == 200
    assert topics['/imu_wrist']['rate_hz'] == pytest.approx(50)
    assert found['sensors'][0]['name'] == 'imu_wrist'


def test_it_says_how_sensors_sit_in_the_words_of_their_declaration(tmp_path: Path) -> None:
    wrist = replace(WRIST, placement=make_placement((180, 0, -90)))
    bag, file = write_imu_bag(tmp_path / 'bag', sensors=[wrist]), tmp_path / 'result.json'
    result = CliRunner().invoke(app, [str(bag), '--json', str(file)])
    assert 'imu on /imu_wrist, turned by roll 180°, pitch 0°, yaw -90°' in result.output
    (found,) = json.loads(file.read_text())['bags']
    assert found['sensors'] == json.loads(found['metadata']['sensors'])
    assert found['sensors'][0]['mounting_rotation'] == [180, 0, -90]


def test_it_says_what_a_microphone_recorded(tmp_path: Path) -> None:
    bag, file = write_sound_bag(tmp_path / 'bag', labels=['sit']), tmp_path / 'result.json'
    result = CliRunner().invoke(app, [str(bag), '--json', str(file)])
    assert 'microphone (audio on /audio, 16000 Hz S16LE mono)' in result.output
    (found,) = json.loads(file.read_text())['bags']
    assert found['audio_formats'] == {'/audio': '16000 Hz S16LE mono'}


def test_a_missing_bag_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / 'nowhere')])
    assert isinstance(result.exception, BagError)
    assert f"bag '{tmp_path}/nowhere' does not exist" in str(result.exception)
    assert result.exit_code != 0


def test_of_a_bundle_it_prints_what_its_parts_cost(tmp_path: Path) -> None:
    bundle, bag, out = make_imu_bundle(tmp_path / 'm'), write_bag(tmp_path / 'b'), tmp_path / 'o'
    result = CliRunner().invoke(app, [str(bundle), str(bag), '--json', str(out)])
    assert result.exit_code == 0, result.output
    assert '100 × 6: 2 s at 50 Hz, a label every 0.5 s' in result.stdout
    assert '13 of 16 dimensions' in result.stdout
    assert 'encoder              6,240         124,992' in result.stdout
    assert 'kitchen' in result.stdout
    found = json.loads(out.read_text())
    assert len(found['bags']) == 1
    (model,) = found['bundles']
    assert model['window_shape'] == [100, 6]
    assert model['labels'] == ['sit', 'walk', 'wave']
    assert (model['parameters']['encoder'], model['macs']['encoder']) == (6240, 124_992)
    assert not model['onnx']


def test_an_altered_bundle_is_an_error(tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'model')
    (bundle / 'model.safetensors').write_bytes(b'')
    result = CliRunner().invoke(app, [str(bundle)])
    assert isinstance(result.exception, BundleError)
    assert 'is not the file this bundle was made with' in str(result.exception)


def test_it_says_that_not_all_stamps_were_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(inspection, '_UNPACKED', 2)
    bag = write_imu_bag(tmp_path / 'bag', seconds=100, rate_hz=200, sensors=[WRIST])
    found = CliRunner().invoke(app, [str(bag), '--json', str(tmp_path / 'found.json')])
    (of_bag,) = json.loads((tmp_path / 'found.json').read_text())['bags']
    read = of_bag['stamps_sampled'][WRIST.topic]
    assert 0 < read < 20_000
    words = f'of {read} of 20000 messages, in parts from all over it; of all with --full'
    assert words in found.stdout
    assert 'parts from' not in CliRunner().invoke(app, [str(bag), '--full']).stdout

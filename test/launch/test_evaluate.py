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

"""The launch file of evaluation, run for real."""

import json
from pathlib import Path

from test.bundles import make_imu_bundle
from test.launch.starting import Start
from test.recordings import clips, write_imu_bag


def test_a_recording_is_scored_and_everything_ends_with_it(start: Start, tmp_path: Path) -> None:
    # A name that YAML would take for a number.
    bundle = make_imu_bundle(tmp_path / '2024')
    bag = write_imu_bag(tmp_path / '12.5', clips(['sit', 'walk'], seconds=5))
    file = tmp_path / 'report.json'
    arguments = {'bag': bag, 'imu_model': bundle, 'rate': 4, 'report': file, 'namespace': 'robot'}
    assert start('evaluate', arguments).run() == 0
    report = json.loads(file.read_text())
    assert report['equals_offline'] is True
    assert set(report['topics']) == {'/robot/imu_classifier/activity', '/robot/activity'}
    scalars = report['topics']['/robot/activity']['scalars']
    assert scalars['macro_f1_window'] is not None


def test_a_recording_that_cannot_be_played_ends_everything(start: Start, tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    assert start('evaluate', {'bag': tmp_path / 'none', 'imu_model': bundle}).run() != 0
    assert start('evaluate', {'imu_model': bundle}).run() != 0


def test_a_classifier_that_cannot_start_ends_everything_with_the_reason(
    start: Start, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=3))
    weights = bundle / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1] + b'\x77')
    said: list[str] = []
    assert start('evaluate', {'bag': bag, 'imu_model': bundle}, said).run() == 1
    assert 'error: nothing was evaluated: /imu_classifier is unconfigured' in ''.join(said)

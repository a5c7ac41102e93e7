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

"""The launch file of perception, run for real."""

from pathlib import Path

import pytest
from std_msgs.msg import String
import yaml

from test.bundles import make_imu_bundle
from test.launch.starting import Start
from test.live.graph import LATCHED, Watcher
from test.recordings import clips, write_imu_bag


@pytest.mark.parametrize('namespace', ['', 'robot'])
def test_a_recording_is_classified_and_everything_ends_with_it(
    start: Start, watcher: Watcher, tmp_path: Path, namespace: str
) -> None:
    # A name that YAML would take for a number.
    bundle = make_imu_bundle(tmp_path / '2024')
    # Twice as long as needed: those of the beginning may come before the watcher is known.
    bag = write_imu_bag(tmp_path / '12.5', clips(['sit', 'walk'], seconds=10))
    watcher.hear_labels(f'/{namespace}/imu_classifier'.replace('//', '/'))
    arguments = {
        'bag': bag,
        'imu_model': bundle,
        'device': 'cpu',
        'rate': 4,
        'namespace': namespace,
    }
    assert start('perception', arguments).run() == 0
    watcher.wait_for(lambda: len(watcher.labels) >= 18, 'labels are missing')


def test_the_parameters_file_declares_sensors(
    start: Start, watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=15))
    wrist = {'modality': 'imu', 'topic': '/imu', 'model': str(bundle), 'device': 'cpu'}
    settings = {'sensors': {'wrist': {**wrist, 'unknown_threshold': 0.999}}}
    parameters = tmp_path / 'mine.yaml'
    parameters.write_text(yaml.dump({'/**/perception': {'ros__parameters': settings}}))
    watcher.hear_labels('/wrist_classifier')
    watcher.hear(String, '/activity/source', LATCHED)
    arguments = {'bag': bag, 'rate': 4, 'params_file': parameters}
    assert start('perception', arguments).run() == 0
    watcher.wait_for(lambda: len(watcher.labels) > 0, 'labels are missing')
    assert {label.results[0].class_id for label in watcher.labels} == {'unknown'}
    assert {message.data for _, message in watcher.heard} <= {'wrist', ''}


def test_without_a_model_everything_ends_with_a_sentence(start: Start) -> None:
    said: list[str] = []
    assert start('perception', {}, said).run() == 1
    assert 'error: no sensor has a model' in ''.join(said)

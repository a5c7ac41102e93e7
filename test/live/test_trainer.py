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

"""The trainer over a real graph: start, progress, cancel, start again, and the result at work."""

from collections.abc import Iterator
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped, Vector3
import pytest
from std_msgs.msg import String
from std_srvs.srv import Trigger

from test.live.graph import is_error, LATCHED, NodeProcess, RELIABLE, running, Watcher
from test.live.talker import Stream, talking
from test.paired_bags import SUBJECTS, write_subjects
from xmodal_ros.models.configuration_bundle import read_bundle_info

NAME = '/trainer'


@dataclass(frozen=True)
class Trainer:
    watcher: Watcher
    node: NodeProcess
    folder: Path

    def call(self, service: str) -> tuple[bool, str]:
        answer = self.watcher.call(Trigger, f'{NAME}/{service}', Trigger.Request())
        return bool(answer.success), str(answer.message)

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            assert self.watcher.set_parameter(NAME, name, value) == (True, '')

    def wait_for(self, *states: str, **wanted: Any) -> dict[str, Any]:
        """Wait until the newest status is in one of these states, with these values."""

        def newest() -> dict[str, Any]:
            heard = [json.loads(each.data) for topic, each in self.watcher.heard]
            return dict(heard[-1]) if heard else {'state': ''}

        def fits() -> bool:
            status = newest()
            return status['state'] in states and wanted.items() <= status.items()

        self.watcher.wait_for(fits, f'never {states}, {wanted}')
        return newest()


@pytest.fixture(scope='module')
def trainer(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    folder = tmp_path_factory.mktemp('trainer')
    write_subjects(folder / 'bags', without_camera=SUBJECTS)
    settings = {
        'bags': [str(folder / 'bags')],
        'target': 'imu',
        'out': str(folder / 'imu'),
        'window': 2.0,
        'epochs': 10_000,
        'patience': 10_000,
        # Nothing is to be tried that no test is about, nor a process started.
        'encoder': ['imu=imu_cnn'],
        'jobs': 1,
        'batch_size': 16,
        'device': 'cpu',
        'niceness': 0,
        'diagnostics_period': 0.1,
    }
    watcher.hear(String, f'{NAME}/status', LATCHED)
    with running(folder, 'trainer', settings) as node:
        trainer = Trainer(watcher, node, folder)
        trainer.wait_for('idle')
        yield trainer
        assert node.end() == 0
        assert 'unexpected' not in node.log


def test_what_is_missing_or_misspelt_is_refused_at_once(trainer: Trainer) -> None:
    begun, words = trainer.call('start')
    assert not begun
    assert 'parameter test_subjects is missing' in words
    trainer.set(test_subjects=['3'], method='distilation')
    begun, words = trainer.call('start')
    assert not begun
    assert "did you mean 'distillation'?" in words
    trainer.set(test_subjects=[''], method='unimodal')
    assert trainer.call('cancel') == (False, 'nothing is being trained')


def test_it_starts_tells_progress_stops_and_starts_again(trainer: Trainer) -> None:
    trainer.set(test_subjects=['3'])
    assert trainer.call('start')[0]
    status = trainer.wait_for('training', epoch=2)
    assert status['epochs'] == 10_000
    assert status['validation_loss'] > 0
    # Everything is answered while it trains.
    _, words, values = trainer.watcher.wait_for_status(NAME, lambda s: s[2].get('epoch', '') != '')
    assert values['training'] == 'training'
    assert '%' in values['progress']
    assert 'epoch' in words
    begun, words = trainer.call('start')
    assert not begun
    assert 'is being trained' in words
    assert trainer.call('cancel')[0]
    trainer.wait_for('cancelled')
    assert not (trainer.folder / 'imu').exists()

    trainer.set(epochs=1)
    assert trainer.call('start')[0]
    finished = trainer.wait_for('finished', 'failed')
    assert finished['state'] == 'finished', finished
    written = read_bundle_info(Path(finished['bundle']))
    assert written.sensor == 'imu'
    assert 'test_macro_f1' in finished['scores']
    assert finished['scores'] == written.scores


def test_the_result_is_taken_up_by_a_live_classifier(trainer: Trainer, tmp_path: Path) -> None:
    bundle = str(trainer.folder / 'imu')
    settings = {'model': '', 'diagnostics_period': 0.1, 'device': 'cpu'}
    with running(tmp_path, 'imu_classifier', settings) as node:
        trainer.watcher.wait_for_status('/imu_classifier', is_error)
        assert trainer.watcher.set_parameter('/imu_classifier', 'model', bundle)[0]
        trainer.watcher.wait_for_status(
            '/imu_classifier', lambda s: s[2].get('state') == 'active' and s[2]['model'] == bundle
        )
        assert node.end() == 0


def test_a_run_that_fails_is_an_error_in_words(trainer: Trainer) -> None:
    trainer.set(target='imu_ankle')
    assert trainer.call('start')[0]
    assert 'imu_ankle' in trainer.wait_for('failed')['message']
    _, words, _ = trainer.watcher.wait_for_status(NAME, is_error)
    assert 'imu_ankle' in words
    trainer.set(target='imu')


def test_while_the_robot_moves_nothing_begins_where_it_is_told_so(trainer: Trainer) -> None:
    trainer.set(motion_topic='/velocity')
    begun, words = trainer.call('start')
    assert not begun
    assert 'whether the robot moves is not known' in words
    with trainer.watcher.publisher(TwistStamped, '/velocity', RELIABLE) as publisher:
        moving = TwistStamped(twist=Twist(linear=Vector3(x=0.5)))
        with talking([Stream(publisher, 20, lambda _: moving)]):
            trainer.watcher.poll_for(
                lambda: 'the robot moves (0.50 m/s' in trainer.call('start')[1], 'not told'
            )
        with talking([Stream(publisher, 20, lambda _: TwistStamped())]):
            trainer.watcher.poll_for(lambda: trainer.call('start')[0], 'does not begin')
            assert trainer.call('cancel')[0]
            trainer.wait_for('cancelled')
    # A guard that cannot be set up is not one that does not object.
    trainer.set(motion_topic='')
    trainer.set(motion_topic='no topic!')
    assert 'no topic!' in trainer.call('start')[1]
    trainer.set(motion_topic='')

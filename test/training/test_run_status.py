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

"""Where a run stands after what its process has told."""

import json

from xmodal_ros.training.events import Failed, Finished, Note, Progress, StageStarted, Stopped
from xmodal_ros.training.run_status import RunStatus

BEGUN = RunStatus('training', '/models/imu')
LEARNING = BEGUN.after(StageStarted('learning imu', 40)).after(
    Progress('learning imu', 10, 40, '', 10, 40, 0.5, 0.75, 0.9, 60.0)
)


def test_progress_is_given_as_a_share_of_the_stage_with_epoch_losses_and_time() -> None:
    assert (LEARNING.percent, LEARNING.epoch, LEARNING.epochs) == (25.0, 10, 40)
    assert (LEARNING.loss, LEARNING.validation_loss, LEARNING.eta_s) == (0.5, 0.75, 60.0)
    assert LEARNING.words == 'training /models/imu, learning imu, 25 %, epoch 10 of 40, 60 s left'


def test_a_new_stage_forgets_the_progress_of_the_one_before() -> None:
    after = LEARNING.after(StageStarted('testing', 3))
    assert (after.stage, after.percent, after.epoch, after.eta_s) == ('testing', 0.0, None, None)


def test_the_end_is_told_in_words() -> None:
    finished = LEARNING.after(Finished('/models/imu', {'test_macro_f1': 0.8}))
    assert (finished.state, finished.running, finished.percent) == ('finished', False, 100.0)
    assert finished.scores == {'test_macro_f1': 0.8}
    assert LEARNING.after(Failed('no such folder')).words == 'failed: no such folder'
    assert LEARNING.after(Stopped('stopped')).state == 'cancelled'


def test_a_stage_without_steps_is_no_division_by_zero() -> None:
    assert BEGUN.after(Progress('reading', 0, 0)).percent == 0.0


def test_the_status_is_json_that_does_not_grow_with_the_notes() -> None:
    run_status = LEARNING
    for number in range(100):
        run_status = run_status.after(Note(f'bag {number} is broken'))
    told = json.loads(run_status.as_json())
    assert told['notes'][-1] == 'bag 99 is broken'
    assert len(told['notes']) == 20
    assert told['state'] == 'training'
    assert len(run_status.notes) == 100

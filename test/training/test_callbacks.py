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

"""What follows the training loop: when it is called, and what it does then."""

from dataclasses import dataclass, field
import math

import pytest
import torch

from test.training.small_trainer import learning_sets, RECIPES, TARGET
from test.training.small_trainer import trainer as transfer_trainer
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.training_module import TrainingModule, TransferTask
from xmodal_ros.progress import EpochMetrics, NullReporter
from xmodal_ros.training.callbacks import (
    best_epoch,
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    ProgressCallback,
    TrainerInterface,
    WeightAveraging,
)
from xmodal_ros.training.checkpoint import NullCheckpointStore, TrainerState
from xmodal_ros.training.trainer import repeatable, Trainer


def epochs(*losses: float) -> list[EpochMetrics]:
    return [EpochMetrics(n, 1.0, loss, 0.5, {}) for n, loss in enumerate(losses, start=1)]


@dataclass
class Loop:
    """A loop that does nothing, around a module of one sensor's classifier."""

    module: TrainingModule
    name: str = 'training wrist'
    step: int = 0
    history: list[EpochMetrics] = field(default_factory=list)
    should_stop: bool = False
    least_epoch: int = 1
    epochs_done: float = 0.0

    def state(self) -> TrainerState:
        return TrainerState({}, self.step, tuple(self.history))

    def load_state(self, state: TrainerState) -> None:
        self.history = list(state.history)


@pytest.fixture
def loop() -> Loop:
    with repeatable(0):
        classifier = transfer_trainer(()).document(TARGET).make_classifier()
    windows = torch.zeros(0)
    return Loop(make_method('unimodal').make_module(TransferTask(classifier, windows)))  # type: ignore[arg-type]


def head(loop: Loop) -> float:
    return loop.module.target.head.bias[0].item()


def move(loop: Loop, callback: Callback, to: float) -> None:
    with torch.no_grad():
        loop.module.target.head.bias.fill_(to)
    loop.step += 1
    callback.on_step_end(loop)


def test_the_best_epoch_is_the_first_of_least_loss_and_none_where_none_is_a_number():
    assert best_epoch(epochs(3, 1, 2, 1)) == 2
    assert best_epoch(epochs(math.nan, 5)) == 2
    assert best_epoch(epochs(math.nan, math.inf)) == 0
    assert best_epoch([]) == 0


def test_early_epochs_are_the_best_only_until_there_are_later_ones():
    assert best_epoch(epochs(1, 5, 4, 3), 3) == 4
    assert best_epoch(epochs(1, 5), 3) == 1
    assert best_epoch(epochs(1, 5, math.nan), 3) == 1


def test_progress_is_that_of_each_step_with_the_words_of_the_last_epoch(loop):
    told: list[object] = []

    class Heard(NullReporter):
        def advance(self, done: float, detail: str = '') -> None:
            told.append((done, detail))

        def epoch(self, metrics: EpochMetrics) -> None:
            told.append(metrics.epoch)

    callback = ProgressCallback(Heard())
    callback.on_fit_start(loop)
    for loop.epochs_done in (0.5, 1.0):
        callback.on_step_end(loop)
    (first,) = epochs(0.25)
    callback.on_epoch_end(loop, first)
    loop.epochs_done = 1.5
    callback.on_step_end(loop)
    assert told == [(0.5, ''), (1.0, ''), 1, (1.5, first.words)]


def test_it_is_patient_until_an_epoch_could_be_kept(loop):
    loop.least_epoch = 4
    loop.history = epochs(1, 2, 3)
    EarlyStopping(2).on_fit_start(loop)
    assert not loop.should_stop
    loop.history = epochs(1, 2, 3, 4, 5, 6)
    EarlyStopping(2).on_fit_start(loop)
    assert loop.should_stop


@pytest.mark.parametrize(
    ('losses', 'stops'),
    [((), False), ((3, 1, 2), False), ((3, 1, 2, 2), True), ((math.nan, math.nan), True)],
)
def test_it_stops_after_so_many_epochs_without_a_better_one(loop, losses, stops):
    for moment in ('start', 'epoch'):
        loop.should_stop = False
        loop.history = epochs(*losses)
        if moment == 'start':
            # A run that goes on does not train on where it had come to its end.
            EarlyStopping(2).on_fit_start(loop)
        elif losses:
            EarlyStopping(2).on_epoch_end(loop, loop.history[-1])
        assert loop.should_stop == stops


def test_the_mean_of_the_weights_is_validated_and_the_weights_stay(loop):
    averaging = WeightAveraging(0.5)
    averaging.on_fit_start(loop)
    first = head(loop)
    move(loop, averaging, 4.0)
    # After one step the mean has a tenth of what it had.
    expected = 0.1 * first + 0.9 * 4
    averaging.on_validation_start(loop)
    assert head(loop) == pytest.approx(expected)
    averaging.on_validation_end(loop, epochs(1)[0])
    assert head(loop) == 4.0
    resumed = WeightAveraging(0.5)
    resumed.load_state(loop, averaging.state())
    resumed.on_fit_start(loop)
    resumed.on_validation_start(loop)
    assert head(loop) == pytest.approx(expected)


def test_the_target_of_the_best_epoch_is_kept_and_given_at_the_end(loop):
    checkpoint = ModelCheckpoint(NullCheckpointStore())
    checkpoint.on_fit_start(loop)
    for metrics in epochs(3, 1, 2):
        move(loop, checkpoint, float(metrics.epoch))
        checkpoint.on_validation_end(loop, metrics)
        loop.history.append(metrics)
        checkpoint.on_epoch_end(loop, metrics)
    checkpoint.on_fit_end(loop)
    assert head(loop) == 2.0


def test_where_no_loss_is_a_number_the_first_weights_are_kept(loop):
    checkpoint, first = ModelCheckpoint(NullCheckpointStore()), head(loop)
    checkpoint.on_fit_start(loop)
    move(loop, checkpoint, 1.0)
    checkpoint.on_validation_end(loop, epochs(math.nan)[0])
    checkpoint.on_fit_end(loop)
    assert head(loop) == first


def test_of_a_run_that_goes_on_the_last_epoch_is_reported(loop):
    reported: list[EpochMetrics] = []

    class Reporter(NullReporter):
        def epoch(self, metrics: EpochMetrics) -> None:
            reported.append(metrics)

    progress = ProgressCallback(Reporter())
    progress.on_fit_start(loop)
    assert not reported
    loop.history = epochs(3, 2)
    progress.on_fit_start(loop)
    progress.on_epoch_end(loop, epochs(3, 2, 1)[-1])
    assert reported == epochs(3, 2, 1)[1:]


def test_callbacks_are_called_in_their_order_at_each_moment():
    called: list[str] = []

    class Recorder(Callback):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_fit_start(self, trainer: TrainerInterface) -> None:
            called.append(f'{self.name} start of {trainer.name}')

        def on_step_end(self, trainer: TrainerInterface) -> None:
            called.append(f'{self.name} step {trainer.step}')

        def on_validation_start(self, trainer: TrainerInterface) -> None:
            called.append(f'{self.name} validation')

        def on_validation_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
            assert not trainer.module.training
            called.append(f'{self.name} validated {metrics.epoch} after {len(trainer.history)}')

        def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
            called.append(f'{self.name} epoch {metrics.epoch} of {len(trainer.history)}')
            trainer.should_stop = metrics.epoch == 1

        def on_fit_end(self, trainer: TrainerInterface) -> None:
            called.append(f'{self.name} end')

    recipe, sets = RECIPES[TARGET], learning_sets()[TARGET]
    with repeatable(0):
        Trainer(
            transfer_trainer(()).document(TARGET).make_classifier(),
            sets.training,
            make_method('unimodal'),
            {},
            recipe.augmentation,
            recipe.fit,
            0,
            [Recorder('a'), Recorder('b')],
            name='wrist',
        ).fit(sets.validation)
    moments = ['start of wrist', *(f'step {n}' for n in (1, 2, 3))]
    moments += ['validation', 'validated 1 after 0', 'epoch 1 of 1', 'end']
    assert called == [f'{name} {moment}' for moment in moments for name in 'ab']

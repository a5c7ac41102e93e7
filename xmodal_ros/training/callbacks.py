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

"""What follows the training loop without being part of it.

A :class:`~xmodal_ros.training.trainer.Trainer` calls its callbacks in their order at the moments
that they name. None of them draws random numbers.
"""

from collections.abc import Mapping, Sequence
import math
from typing import Protocol

import torch
from torch import Tensor

from xmodal_ros.methods.training_module import TrainingModule
from xmodal_ros.progress import EpochMetrics, ProgressReporter
from xmodal_ros.training.checkpoint import CheckpointStore, TrainerState


class TrainerInterface(Protocol):
    """What a callback may see of the loop, and do to it.

    ``name`` says what is trained, ``history`` holds the epochs that are over, of the run that
    this one goes on from too, ``step`` counts the steps and ``epochs_done`` the epochs that these
    are. Where ``should_stop`` is set no
    further epoch begins. Epochs before ``least_epoch`` are not kept where a later one can be.
    """

    name: str
    module: TrainingModule
    step: int
    history: list[EpochMetrics]
    should_stop: bool
    least_epoch: int

    @property
    def epochs_done(self) -> float:
        """How many epochs are over, with the part of this one that is."""

    def state(self) -> TrainerState:
        """Give all that the next epoch depends on and that starting again would not give."""

    def load_state(self, state: TrainerState) -> None:
        """Go on from a state."""


class Callback:
    """Follows one fit; subclasses override the moments that they need."""

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Before the first epoch; the module is built."""

    def on_step_end(self, trainer: TrainerInterface) -> None:
        """After the optimiser's step."""

    def on_validation_start(self, trainer: TrainerInterface) -> None:
        """Before the module is asked, with whatever weights it then has."""

    def on_validation_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
        """After it was asked; it still answers as it did."""

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
        """After validation; ``metrics`` are in the history."""

    def on_fit_end(self, trainer: TrainerInterface) -> None:
        """After the last epoch."""

    def state(self) -> Mapping[str, Tensor]:
        """Give what the callback has to know beside the history to go on later."""
        return {}

    def load_state(self, trainer: TrainerInterface, state: Mapping[str, Tensor]) -> None:
        """Take what :meth:`state` gave."""


def best_epoch(history: Sequence[EpochMetrics], least_epoch: int = 1) -> int:
    """Give the first epoch of least validation loss; 0 where none is a finite number.

    Of those from ``least_epoch`` on, if any is: the loss of few people is least where a net is
    sure of nothing, and it still learns to tell activities apart long after.
    """
    best, least = 0, math.inf
    for metrics in history:
        early = best < least_epoch <= metrics.epoch and math.isfinite(metrics.validation_loss)
        if early or metrics.validation_loss < least:
            best, least = metrics.epoch, metrics.validation_loss
    return best


class EarlyStopping(Callback):
    """End the fit after so many epochs without a better validation loss."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Stop a run at once that had come to its end."""
        self._check(trainer)

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:  # noqa: ARG002
        """Stop where it is time."""
        self._check(trainer)

    def _check(self, trainer: TrainerInterface) -> None:
        epochs = len(trainer.history)
        best = max(best_epoch(trainer.history, trainer.least_epoch), trainer.least_epoch - 1)
        if epochs and epochs - best >= self.patience:
            trainer.should_stop = True


class WeightAveraging(Callback):
    """Validate, and so keep, a running mean of the weights instead of the last ones.

    ``decay`` is what is left of the mean in each step; the first steps forget faster.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._means: list[Tensor] = []
        self._weights: list[Tensor] = []
        self._live: list[Tensor] = []

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Begin with the weights as they are, unless a run goes on."""
        self._live = list(trainer.module.parameters())
        if not self._means:
            self._means = _weights(trainer)

    def on_step_end(self, trainer: TrainerInterface) -> None:
        """Move the means towards the weights."""
        # A short memory at first, lest the random initial weights linger.
        decay = min(self.decay, trainer.step / (trainer.step + 9))
        with torch.no_grad():
            for mean, value in zip(self._means, self._live, strict=True):
                mean.lerp_(value, 1 - decay)

    def on_validation_start(self, trainer: TrainerInterface) -> None:
        """Put the means in the weights' place."""
        self._weights = _weights(trainer)
        _put(trainer, self._means)

    def on_validation_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:  # noqa: ARG002
        """Put the weights back."""
        _put(trainer, self._weights)
        self._weights = []

    def state(self) -> Mapping[str, Tensor]:
        """Give the means."""
        return {str(number): mean for number, mean in enumerate(self._means)}

    def load_state(self, trainer: TrainerInterface, state: Mapping[str, Tensor]) -> None:
        """Take the means."""
        self._means = [
            state[str(number)].to(weight.device)
            for number, weight in enumerate(trainer.module.parameters())
        ]


def _weights(trainer: TrainerInterface) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in trainer.module.parameters()]


@torch.no_grad()
def _put(trainer: TrainerInterface, values: Sequence[Tensor]) -> None:
    for parameter, value in zip(trainer.module.parameters(), values, strict=True):
        parameter.copy_(value)


class ModelCheckpoint(Callback):
    """Keep the target as of the epoch of least validation loss, and in a store what to go on from.

    It comes first of all callbacks: the others then see the history of the run that this one goes
    on from, and what is kept is what was validated. The fit ends with the target kept.
    """

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store
        self._best: dict[str, Tensor] = {}

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Go on from what is in the store, if anything is."""
        state = self._store.load()
        if state is not None:
            trainer.load_state(state)
            return
        trainer.module.eval()
        trainer.module.prepare_inference()
        self._keep(trainer)

    def on_validation_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
        """Keep the target where it is better than ever before."""
        if best_epoch([*trainer.history, metrics], trainer.least_epoch) == metrics.epoch:
            self._keep(trainer)

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:  # noqa: ARG002
        """Store where training stands."""
        self._store.save(trainer.state())

    def on_fit_end(self, trainer: TrainerInterface) -> None:
        """Give the target the weights that were kept."""
        trainer.module.target.load_state_dict(self._best)

    def state(self) -> Mapping[str, Tensor]:
        """Give the target as kept."""
        return self._best

    def load_state(self, trainer: TrainerInterface, state: Mapping[str, Tensor]) -> None:  # noqa: ARG002
        """Take the target as kept."""
        self._best = dict(state)

    def _keep(self, trainer: TrainerInterface) -> None:
        # Several times as fast as to copy the dict deeply.
        state = trainer.module.target.state_dict()
        self._best = {name: value.clone() for name, value in state.items()}


class ProgressCallback(Callback):
    """Report every epoch, and how far it is; of those before a run that goes on, the last."""

    def __init__(self, reporter: ProgressReporter) -> None:
        self._reporter = reporter
        self._words = ''

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Report where the run goes on."""
        if trainer.history:
            self._report(trainer.history[-1])

    def on_step_end(self, trainer: TrainerInterface) -> None:
        """Report how far the epoch is, and how good the last was."""
        self._reporter.advance(trainer.epochs_done, self._words)

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:  # noqa: ARG002
        """Report the epoch."""
        self._report(metrics)

    def _report(self, metrics: EpochMetrics) -> None:
        self._words = metrics.words
        self._reporter.epoch(metrics)

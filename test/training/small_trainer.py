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

"""A school with windows made up on the spot: one target, sources of another shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from xmodal_ros.configuration.fit_settings import FitSettings
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.modalities.imu.augmentation import ImuAugmentation
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.progress import NullReporter, ProgressReporter
from xmodal_ros.training.callbacks import Callback
from xmodal_ros.training.checkpoint import CheckpointStore, kept_nowhere
from xmodal_ros.training.distributed import DistributedContext, SINGLE_PROCESS
from xmodal_ros.training.ensemble import (
    choose_ensemble,
    EncoderChoice,
    PseudoLabels,
    try_nets,
)
from xmodal_ros.training.parts import IN_TURN, PartExecutor
from xmodal_ros.training.trainer import repeatable
from xmodal_ros.training.transfer_trainer import TransferTrainer
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

LABELS = ('sit', 'walk', 'wave')
TARGET, SOURCES = 'wrist', ('thigh', 'chest')
STEPS = 50
SETTINGS = FitSettings(epochs=2, batch_size=16, least_steps=1, learning_rate=5e-3)
_SPEC = WindowingSpec(length_ns=SECOND_NS, rate_hz=50)
_RECIPE = Recipe(
    ImuStream(), _SPEC, ImuCnnConfig(width=16, dim=16), (), ImuAugmentation(), fit=SETTINGS
)
_ACC_ONLY = replace(_RECIPE, stream=ImuStream(channels='acc'))
RECIPES: Mapping[str, Recipe] = {TARGET: _RECIPE, 'thigh': _ACC_ONLY, 'chest': _RECIPE}


def examples(
    count: int = 48, seed: int = 0, *, channels: int = 6, first: int = 0, noise: float = 0.1
) -> WindowsDataset:
    """Three activities in turn that shake at different speeds, a window a second."""
    rng = np.random.default_rng(seed)
    labels = np.arange(first, first + count) % 3
    time = np.arange(STEPS) / STEPS
    phase = rng.uniform(0, 6, (count, 1, channels))
    values = np.sin(4 * np.pi * (labels + 1)[:, None, None] * time[None, :, None] + phase)
    values += rng.normal(0, noise, values.shape)
    ends_ns = np.arange(first, first + count) * SECOND_NS
    return WindowsDataset(values.astype(np.float32), labels, np.zeros(count, np.int64), ends_ns)


def learning_sets(**changes: DatasetSplit) -> dict[str, DatasetSplit]:
    """Sets for all sensors; the thigh lacks the first windows and the chest the last."""
    sets = {
        TARGET: DatasetSplit(examples(), examples(24, 1), {}),
        'thigh': DatasetSplit(
            examples(36, 2, channels=3, first=12), examples(24, 3, channels=3), {}
        ),
        'chest': DatasetSplit(examples(40, 4), examples(24, 5), {}),
    }
    return {**sets, **changes}


def trainer(
    sources: Sequence[str] = SOURCES,
    *,
    seed: int = 0,
    recipes: Mapping[str, Recipe] = RECIPES,
    sets: Mapping[str, DatasetSplit] | None = None,
    reporter: ProgressReporter | None = None,
    stores: Callable[[int, str], CheckpointStore] = kept_nowhere,
    context: DistributedContext = SINGLE_PROCESS,
    people: Sequence[str] = (),
    callbacks: Sequence[Callback] = (),
    executor: PartExecutor = IN_TURN,
) -> TransferTrainer:
    """A school for the wrist; call it within ``repeatable``."""
    return TransferTrainer(
        TARGET,
        sources,
        LABELS,
        recipes,
        learning_sets() if sets is None else sets,
        seed,
        torch.device('cpu'),
        reporter or NullReporter(),
        stores=stores,
        context=context,
        people=people,
        callbacks=callbacks,
        executor=executor,
    )


class Notes(NullReporter):
    """Keeps what users are told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.stages: dict[str, int] = {}

    def begin(self, stage: str, total: int) -> None:
        self.stages[stage] = total

    def note(self, text: str) -> None:
        self.notes.append(text)


def chosen(
    training: WindowsDataset,
    reporter: ProgressReporter,
    people: Sequence[str] = 'abcd',
    pseudo: PseudoLabels | None = None,
    recipe: Recipe = RECIPES[TARGET],
    executor: PartExecutor = IN_TURN,
) -> EncoderChoice:
    """Choose the wrist's encoder on windows of people whose recordings have these letters.

    Nets are begun before, where there are processes for them.
    """
    split = DatasetSplit(training, examples(6, 9), {})
    given = (trainer(()).document(TARGET), recipe, split, 0, torch.device('cpu'), reporter)
    whose: Any = {'people': people, 'learn_validation': False}
    with repeatable(0):
        begun = executor.processes > 1
        return choose_ensemble(
            *given,
            **whose,
            pseudo=pseudo,
            executor=executor,
            nets=try_nets(*given, executor, **whose) if begun else None,
        )

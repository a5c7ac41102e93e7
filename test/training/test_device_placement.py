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

"""Training neither waits for its GPU in each step, nor copies to it in a way that waits.

Two kinds of methods are excepted: those that pair windows by activity, and, where windows have no
label, those that ask for the loss on labels themselves.
The device is torch's ``meta``, which has shapes but no numbers: those that are asked for are
counted, and made up.
"""

from contextlib import nullcontext
from dataclasses import replace
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from xmodal_ros import non_blocking
from xmodal_ros.configuration.fit_settings import FitSettings
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method, method_names
from xmodal_ros.methods.source import NO_LABEL, Source
from xmodal_ros.modalities.audio.augmentation import AudioAugmentation
from xmodal_ros.modalities.augmentation import Augmentation
from xmodal_ros.modalities.camera.augmentation import CameraAugmentation
from xmodal_ros.modalities.imu.augmentation import ImuAugmentation
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.training import pretraining, trainer
from xmodal_ros.training.pretraining import pretrain
from xmodal_ros.training.trainer import make_source, repeatable, Trainer

META = torch.device('meta')
EVERY, STEPS = 2, 3
SETTINGS = FitSettings(epochs=1, batch_size=4, least_steps=STEPS, most_steps=STEPS)
# Which rows have which label, or any, they have to ask the device.
PAIRS_BY_ACTIVITY = ('dynamic_gating',)
ASKS_FOR_THE_LOSS = ('cotraining', 'frequency_distillation', 'infonce')
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')


class Watched(TorchDispatchMode):
    """Counts numbers that are asked for, and copies to the device that are waited for."""

    def __init__(self, number: float = 0.0) -> None:
        super().__init__()
        self.number = number
        self.looks = 0
        self.waits: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        there = [each for each in tensors if each.device == META]
        if func is torch.ops.aten._local_scalar_dense.default and there:
            self.looks += 1
            return self.number
        if func is torch.ops.aten._to_copy.default:
            if kwargs.get('device') == META and not there and not kwargs.get('non_blocking'):
                self.waits.append(str(func))
        elif there and len(there) < len(tensors):
            self.waits.append(str(func))
        return func(*args, **kwargs)


class Plain(torch.optim.SGD):
    """Stands in for an optimizer that does not know that device."""

    def __init__(self, parameters: Any, lr: float, **_others: object) -> None:
        super().__init__(parameters, lr)


@pytest.fixture(autouse=True)
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (trainer, pretraining):
        monkeypatch.setattr(module, 'AdamW', Plain)
    monkeypatch.setattr(torch, 'autocast', lambda *_kind, **_others: nullcontext())
    monkeypatch.setattr(non_blocking, '_STEPS_BETWEEN_LOOKS', EVERY)
    monkeypatch.setattr(Tensor, 'pin_memory', Tensor.clone)


def examples(count: int = 60, *, unlabelled: bool = False) -> WindowsDataset:
    values = np.random.default_rng(0).normal(0, 1, (count, 50, 6)).astype(np.float32)
    numbers, zeros = np.arange(count), np.zeros(count, dtype=np.int64)
    labels = np.where(unlabelled & (numbers < count // 3), NO_LABEL, numbers % 3)
    return WindowsDataset(values, labels, zeros, numbers)


def classifier(device: torch.device = META) -> Classifier:
    return Classifier(Preprocessing([]), ImuCnnConfig(width=16, dim=16), 6, 3).to(device)


def trainer_of(method: str, device: torch.device = META, *, unlabelled: bool = False) -> Trainer:
    ours = examples(unlabelled=unlabelled)
    sources: dict[str, Source] = {}
    if method != 'unimodal':
        sources['s'] = make_source('s', classifier(device), ours, ours, 3, ImuAugmentation())
    return Trainer(
        classifier(device), ours, make_method(method), sources, ImuAugmentation(), SETTINGS, 0
    )


def learns_unlabelled(method: str) -> bool:
    return method != 'unimodal' and make_method(method).learns_unlabelled


@pytest.mark.parametrize(
    ('method', 'unlabelled'),
    [
        *((name, False) for name in method_names() if name not in PAIRS_BY_ACTIVITY),
        *(
            (name, True)
            for name in method_names()
            if name not in PAIRS_BY_ACTIVITY + ASKS_FOR_THE_LOSS and learns_unlabelled(name)
        ),
    ],
)
def test_a_step_of_training_is_not_waited_for(method: str, unlabelled: bool) -> None:
    with repeatable(0):
        # What is made ready once may wait.
        with Watched():
            trained = trainer_of(method, unlabelled=unlabelled)
            assert trained.order.has_unlabelled == unlabelled
            for source in trained.sources.values():
                assert source.outputs.logits.device == META
        with Watched() as watched:
            _, parts = trained._train_epoch(1)
    assert trained.step == STEPS
    assert watched.waits == []
    # One between the steps, and at the end the loss and its parts.
    assert watched.looks == STEPS // EVERY + 1 + len(parts)


def test_a_loss_that_is_no_number_ends_a_run_on_a_gpu_too() -> None:
    trained = trainer_of('unimodal')
    with (
        repeatable(0),
        Watched(math.nan),
        pytest.raises(TrainingError, match='loss became nan in'),
    ):
        trained._train_epoch(1)
    # At the first look, not at the end.
    assert trained.step == EVERY


def test_pretraining_looks_at_its_losses_once_in_a_while() -> None:
    told: list[int] = []
    settings = replace(SETTINGS, pretrain=5)
    ours = classifier()
    with repeatable(0), Watched() as watched:
        losses = pretrain(
            ours, examples(), ImuAugmentation(), settings, 0, lambda n, _: told.append(n)
        )
    assert losses == [0.0] * 5
    assert told == [2, 4, 5]
    assert watched.looks == 5
    # Weights of the projection, once.
    assert len(watched.waits) == 4


@pytest.mark.parametrize(
    ('augmentation', 'shape'),
    [
        (ImuAugmentation(drop=0.1), (4, 50, 6)),
        (CameraAugmentation(), (4, 3, 8, 8, 1)),
        (AudioAugmentation(), (4, 400)),
    ],
)
def test_windows_are_changed_without_waiting(
    augmentation: Augmentation, shape: tuple[int, ...]
) -> None:
    windows = torch.zeros(shape, device=META)
    with Watched() as watched:
        changed = augmentation(windows, torch.Generator().manual_seed(0))
    assert changed.device == META
    assert (watched.looks, watched.waits) == (0, [])


def test_a_copy_that_is_waited_for_is_seen() -> None:
    with Watched() as watched:
        torch.zeros(3).to(META)
        torch.zeros(3, device=META) + torch.zeros(())
    assert len(watched.waits) == 2


@NEEDS_CUDA
def test_a_step_of_training_is_not_waited_for_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with repeatable(0):
        trained = trainer_of('unimodal', torch.device('cuda'))
        steps = trained.order.batches(trained.generator)
        # What is set up in the first may wait.
        trained._train_batch(next(steps)[0], 1)
        torch.cuda.set_sync_debug_mode('error')
        try:
            trained._train_batch(next(steps)[0], 1)
        finally:
            torch.cuda.set_sync_debug_mode('default')

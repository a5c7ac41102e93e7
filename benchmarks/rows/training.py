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

"""What training costs beside a loop that does nothing but learn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.harness import row, Sides
from benchmarks.models import model

# As many as an epoch has at least.
_STEPS: Final = 25
_BATCH: Final = 64
_PLAIN: Final = 'a bare loop over the same net: shuffled batches, cross-entropy, backward, AdamW'
_OURS: Final = (
    'an epoch of the default training: windows varied, activities weighed, weights averaged, and '
    'a quarter as many windows of other people validated'
)


@row(
    'training imu',
    'What does training the net of an IMU cost?',
    aim=1.1,
    ours=_OURS,
    plain=_PLAIN,
    limit='Windows validated take 6 to 7 % of an epoch, windows varied 5 to 7 %, of which drawing '
    'and spreads are nearly half; AdamW in one call gives a part of it back.',
)
def training_imu(folder: Path) -> Iterator[Sides]:
    """Compare a step of 64 windows of 3 s."""
    yield _sides(folder, 'imu')


@row(
    'training camera',
    'And that of a camera?',
    aim=1.1,
    ours=_OURS,
    plain=_PLAIN,
    limit='What is besides learning is as with an IMU.',
)
def training_camera(folder: Path) -> Iterator[Sides]:
    """Compare a step of 64 windows of 3 s."""
    yield _sides(folder, 'camera')


def _sides(folder: Path, kind: str) -> Sides:
    import torch
    from torch.nn import functional

    from xmodal_ros.configuration.fit_settings import FitSettings
    from xmodal_ros.data.dataset import WindowsDataset
    from xmodal_ros.methods.method import MethodOptions
    from xmodal_ros.methods.unimodal import Unimodal
    from xmodal_ros.modalities.registry import find_modality
    from xmodal_ros.models.bundle import load_bundle
    from xmodal_ros.training.freed_memory import freed_memory_kept
    from xmodal_ros.training.trainer import fit, repeatable

    bundle = load_bundle(model(folder, kind))
    net = bundle.classifier
    augmentation = find_modality(kind).augmentation()
    random = np.random.default_rng(0)

    def windows(count: int) -> WindowsDataset:
        values = random.normal(size=(count, *bundle.info.window_shape)).astype(np.float32)
        labels = np.arange(count) % len(bundle.info.labels)
        return WindowsDataset(values, labels, np.zeros(count, np.int64), np.arange(count))

    training, validation = windows(_STEPS * _BATCH), windows(_STEPS * _BATCH // 4)
    settings = FitSettings(epochs=1, batch_size=_BATCH)
    method = Unimodal(MethodOptions())
    values, labels = torch.from_numpy(training.values), torch.from_numpy(training.labels)

    def ours() -> None:
        with repeatable(0), freed_memory_kept():
            fit(net, training, validation, method, {}, augmentation, settings, 0)

    def plain() -> None:
        net.train()
        with repeatable(0):
            optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
            for rows in torch.randperm(len(values)).split(_BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(net(values[rows]), labels[rows]).backward()
                optimizer.step()

    note = 'ours keeps the memory that a step frees for the next, which plain code maps anew'
    return Sides(ours, plain, unit='step', units=_STEPS, note=note)

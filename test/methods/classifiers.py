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

"""Tiny targets and sources for tests of transfer methods."""

from collections.abc import Mapping

import torch
from torch import Tensor

from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.source import PairedSource, Source, WindowTensors
from xmodal_ros.methods.training_module import TrainingBatch, TrainingModule, TransferTask
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing

CLASSES = 3
STEPS = 40


def classifier(seed: int = 0, *, dim: int = 16, channels: int = 6, classes: int = 3) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(Preprocessing([]), ImuCnnConfig(width=16, dim=dim), channels, classes)


def windows(count: int = 24, seed: int = 0, *, channels: int = 6) -> WindowTensors:
    """Windows of three activities in turn, one a second of one recording."""
    generator = torch.Generator().manual_seed(seed)
    return WindowTensors(
        torch.randn((count, STEPS, channels), generator=generator),
        torch.arange(count) % CLASSES,
        torch.zeros(count, dtype=torch.int64),
        torch.arange(count) * 1_000_000_000,
    )


def source(
    name: str = 'camera',
    *,
    count: int = 24,
    seed: int = 1,
    channels: int = 6,
    dim: int = 16,
    in_time: Tensor | None = None,
    labels: Tensor | None = None,
) -> Source:
    """A source with a window for each of the target's, in the same order, unless told."""
    theirs = windows(count, seed, channels=channels)
    if labels is not None:
        theirs = WindowTensors(theirs.values, labels, theirs.recordings, theirs.ends_ns)
    return Source(
        name,
        classifier(seed, dim=dim, channels=channels),
        theirs,
        torch.arange(count) if in_time is None else in_time,
        CLASSES,
        lambda raw, _: raw,
    )


def task(*sources: Source, count: int = 24, dim: int = 16) -> TransferTask:
    named: Mapping[str, Source] = {each.name: each for each in sources}
    return TransferTask(classifier(dim=dim), windows(count), named)


def batch(of: TransferTask, rows: list[int] | None = None, share: float = 0.5) -> TrainingBatch:
    chosen = torch.tensor(rows or [*range(8)])
    windows = of.windows.values[chosen]
    return TrainingBatch(chosen, lambda: windows, of.windows.labels[chosen], share)


def module(name: str, of: TransferTask, **options: object) -> TrainingModule:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return make_method(name, options).make_module(of)


def paired(source: Classifier, raw: Tensor) -> PairedSource:
    """A source that is paired with every window of a batch."""
    known = torch.ones(CLASSES, dtype=torch.bool)
    with torch.no_grad():
        return PairedSource(torch.arange(len(raw)), source.outputs(raw), known)

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

"""Self-supervised pretraining: what a net learns from windows before it learns from labels.

A reconstruction of SimCLR (Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive
Learning of Visual Representations", ICML 2020), which Tang, Perez-Pozuelo, Spathis and Mascolo
("Exploring Contrastive Learning in Human Activity Recognition for Healthcare", 2020) brought to
activity recognition. Each window is changed twice, by the augmentation that training uses; among
all others of a step, the two have to find each other.
"""

from collections.abc import Callable
import math
from typing import Final

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.configuration.fit_settings import FitSettings
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.isolated_rng import IsolatedRng
from xmodal_ros.methods.training_module import detached, DisplayedLoss
from xmodal_ros.modalities.augmentation import Augmentation
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.lazy_tensor import as_tensor
from xmodal_ros.non_blocking import steps_between_looks, to_device
from xmodal_ros.training.optimizer import AdamW

_TEMPERATURE: Final = 0.2
# Of the space in which cosines are taken; its projection is dropped, as in the paper.
_DIM: Final = 32


def pretrain(
    classifier: Classifier,
    training: WindowsDataset,
    augmentation: Augmentation,
    settings: FitSettings,
    seed: int,
    advance: Callable[[int, str], None] = lambda _done, _detail: None,
) -> list[float]:
    """Train all of a classifier but its head in place, for ``settings.pretrain`` steps.

    Of ``training`` the windows are shown, and no label. ``advance`` hears how many steps are done,
    and their loss. Gives the loss of each step. It draws from no generator that others draw from
    after it, and computes in 32 bits, whatever the precision of the training. Raises
    :class:`TrainingError` when the loss stops being a number.
    """
    device = next(classifier.parameters()).device
    windows = as_tensor(training.values)
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    classifier.train()
    with IsolatedRng(seed, device)():
        width = classifier.norm.normalized_shape[0]
        project = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, _DIM))
        project.to(device)
        optimizer = AdamW(
            [*classifier.parameters(), *project.parameters()],
            settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        pending: list[DisplayedLoss] = []
        for step in range(settings.pretrain):
            rows = torch.randperm(len(windows), generator=generator)[: settings.batch_size]
            shown = to_device(windows[rows], device)
            views = [augmentation(shown, generator) for _ in range(2)]
            feature = classifier.outputs(torch.cat(views)).feature
            loss = nt_xent(project(feature), _TEMPERATURE)
            falling = 0.5 * (1 + math.cos(math.pi * step / settings.pretrain))
            for group in optimizer.param_groups:
                group['lr'] = settings.learning_rate * falling
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            pending.append(detached(loss))
            if len(pending) < steps_between_looks(device) and step + 1 < settings.pretrain:
                continue
            for found in map(float, pending):
                losses.append(found)
                if not math.isfinite(found):
                    raise TrainingError(
                        f'the loss of pretraining became {found} in step {len(losses)}: check '
                        'the recordings for values far out of range, or leave --pretrain out'
                    )
            pending.clear()
            advance(len(losses), f'loss {losses[-1]:.3f}')
    classifier.zero_grad(set_to_none=True)
    return losses


def nt_xent(projected: Tensor, temperature: float) -> Tensor:
    """Give the normalised temperature-scaled cross-entropy () of two views (2 B, d) of B windows.

    Row i and row i + B are views of one window. 0 is perfect; log(2 B - 1) is what vectors
    without a difference give.
    """
    vectors = functional.normalize(projected, dim=1)
    similarity = vectors @ vectors.T / temperature
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(vectors) // 2)
    return functional.cross_entropy(similarity.masked_fill(itself, -math.inf), partner)

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

"""Modality focusing: of a teacher's feature channels those are distilled that the target can tell.

Reconstruction of Xue, Gao, Ren, Zhao, "The Modality Focusing Hypothesis: Towards Understanding
Crossmodal Knowledge Distillation" (ICLR 2023): a teacher is worth what it has in common with the
student's modality, so that its channels are ranked by that, and the rest is removed before it
teaches. The paper ranks by how far the answers of two nets part when a channel is permuted. Here
it is how well windows of the target's sensor determine a channel in recordings that were left out
of a ridge regression. Channels that are removed hold their mean, and the teacher's head stays.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import TransferTask
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_ensemble import GRID
from xmodal_ros.models.configuration_features import StatisticsFeatures
from xmodal_ros.models.lazy_tensor import WindowTensor
from xmodal_ros.models.modeling_ensemble import as_series
from xmodal_ros.models.modeling_features import StandardisedFeatures

_FOLDS: Final = 5
# As many as tell channels apart; the regression is solved among windows.
_MOST_PAIRS: Final = 2000
# Features of frames that a net remembers are thousands.
_MOST_CHANNELS: Final = 128
_STRENGTHS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_PART: Final = 256


@dataclass(frozen=True, eq=False)
class Focus:
    """A source that answers by the channels ``kept`` (k,), the best determined first.

    ``determined`` (d,) is R² of each of its channels, and ``unchanged`` that of its former logits
    by those that it now has: 1 where nothing was lost, 0 for answers that are always the same.
    """

    source: Source
    kept: Tensor
    determined: Tensor
    unchanged: float

    def facts(self) -> dict[str, object]:
        """Say it as a bundle does."""
        removed = torch.ones(len(self.determined), dtype=torch.bool)
        removed[self.kept] = False
        return {
            'channels': f'{len(self.kept)} of {len(self.determined)}',
            'kept_r2': _median(self.determined[self.kept]),
            'removed_r2': _median(self.determined[removed]),
            'unchanged_r2': round(self.unchanged, 4),
        }


def focused(source: Source, task: TransferTask, share: float) -> Focus:
    """Let a frozen source answer by that ``share`` of its channels which the target can tell.

    All pairs in time count, with a label or without. Raises :class:`ConfigurationError` where
    there are too few.
    """
    outputs = source.outputs
    feature, logits = outputs.feature.cpu(), outputs.logits.cpu()
    rows = torch.nonzero(source.in_time >= 0)[:, 0]
    rows = rows[:: max(1, -(-len(rows) // _MOST_PAIRS))]
    if len(rows) < 2 * _FOLDS:
        raise ConfigurationError(
            f"focus: {len(rows)} windows of source '{source.name}' end when one of the target "
            f'does, and {2 * _FOLDS} are needed to see what both sensors tell: leave focus out'
        )
    told = describe(task.target, task.windows.values, rows)
    paired = feature[source.in_time[rows]]
    r2 = determined(told, paired, task.windows.recordings[rows])
    kept = r2.argsort(descending=True, stable=True)[: max(1, round(share * len(r2)))]
    head = source.classifier.head.weight.detach().cpu()
    left = logits_of(feature, logits, head, kept)
    return Focus(source.answering(left.to(outputs.logits)), kept, r2, _r2(logits, left))


@torch.no_grad()
def describe(target: Classifier, windows: WindowTensor, rows: Tensor) -> Tensor:
    """Give statistics (R, F) of rows of raw windows (N, steps, ...), as ensemble members see them.

    Nothing of it is learnt, so that it is there before the target learns, and needs no labels.
    """
    device = next(target.parameters()).device
    parts = []
    for chosen in rows.split(_PART):
        seen = target.preprocess(windows[chosen].to(device)).cpu()
        parts.append(_narrowed(as_series(seen, GRID if seen.ndim == 5 else None)))
    series = torch.cat(parts)
    features = StandardisedFeatures(StatisticsFeatures(), series.shape[-1])
    told: Tensor = features.prepare(series, torch.Generator().manual_seed(0))
    return told


def _narrowed(series: Tensor) -> Tensor:
    """Give a series (B, steps, channels), of more channels than many as random sums of them."""
    channels = series.shape[-1]
    if channels <= _MOST_CHANNELS:
        return series
    generator = torch.Generator().manual_seed(0)
    sums = torch.randn((channels, _MOST_CHANNELS), generator=generator)
    narrow: Tensor = series @ sums.to(series) / channels**0.5
    return narrow


def determined(told: Tensor, features: Tensor, recordings: Tensor) -> Tensor:
    """Give R² (d,) of channels (P, d) by what the other sensor tells (P, F) of the same moments.

    By ridge regression of the strength that is best on the whole, of recordings (P,) left out;
    of parts of one where it is the only one. 0 is as good as the mean, and a channel that is
    always the same has nothing to be determined: minus infinity.
    """
    told, features = told.double(), features.double()
    folds = _folds(recordings)
    errors = torch.zeros((len(_STRENGTHS), features.shape[1]), dtype=torch.float64)
    spread = torch.zeros(features.shape[1], dtype=torch.float64)
    for fold in folds.unique():
        out = folds == fold
        centre, mean = told[~out].mean(dim=0), features[~out].mean(dim=0)
        learnt, asked = told[~out] - centre, told[out] - centre
        system = learnt @ learnt.T
        size = system.diagonal().sum().clamp_min(1e-12)
        wanted = features[~out] - mean
        spread += (features[out] - mean).square().sum(dim=0)
        for number, strength in enumerate(_STRENGTHS):
            regular = system + strength * size * torch.eye(len(system), dtype=torch.float64)
            weights = torch.cholesky_solve(wanted, torch.linalg.cholesky(regular))
            found = mean + asked @ (learnt.T @ weights)
            errors[number] += (features[out] - found).square().sum(dim=0)
    moves = features.var(dim=0) > 1e-12
    r2 = 1 - errors / spread.clamp_min(1e-12)
    best = r2[:, moves].mean(dim=1).argmax() if moves.any() else 0
    return torch.where(moves, r2[best], -torch.inf)


def _folds(recordings: Tensor) -> Tensor:
    """Give a fold (P,) each; recordings that follow each other, as a person's do, are in one."""
    names, numbers = torch.unique(recordings, return_inverse=True)
    if len(names) == 1:
        return torch.arange(len(recordings)) * _FOLDS // len(recordings)
    count = min(_FOLDS, len(names))
    folds: Tensor = numbers * count // len(names)
    return folds


def logits_of(feature: Tensor, logits: Tensor, head: Tensor, kept: Tensor) -> Tensor:
    """Give what is left of logits (M, classes) where features (M, d) are kept in some channels.

    The others hold their mean over all windows; ``head`` (classes, d) are the weights.
    """
    removed = feature - feature.mean(dim=0)
    removed[:, kept] = 0
    return logits - removed @ head.T


def _r2(values: Tensor, found: Tensor) -> float:
    spread = (values - values.mean(dim=0)).square().sum().clamp_min(1e-12)
    return float(1 - (values - found).square().sum() / spread)


def _median(values: Tensor) -> float | None:
    finite = values[values.isfinite()]
    return round(float(finite.median()), 4) if len(finite) else None

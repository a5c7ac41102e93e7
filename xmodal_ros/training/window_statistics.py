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

"""Baselines without a net: simple features of a window, and scikit-learn's classifiers on them.

A Random Forest is best on 9 of 30 IMU data sets in WHAR Arena (2026), a net below a logistic
regression is no baseline, and MiniRocket with ridge regression costs a minute and is hard to beat.
All are for comparison only: they cannot be written as a bundle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.data.window_array import choose
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep
from xmodal_ros.models.lazy_tensor import as_tensor, Rows, WindowTensor
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.training.rocket import MiniRocket

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

StatisticsModel = Literal['random_forest', 'logistic_regression', 'minirocket_ridge']

_QUANTILES: Final = (0.1, 0.5, 0.9)
# What is left of a picture: where something moves tells what it is, single pixels do not.
_GRID: Final = (6, 8)
_TREES: Final = 300
_PENALTIES: Final = tuple(10.0**power for power in range(-3, 4))
_PART: Final = 256


def window_statistics(
    steps: Sequence[PreprocessingStep], windows: WindowTensor
) -> NDArray[np.float32]:
    """Describe raw windows (N, steps, ...) by numbers (N, F), each channel on its own.

    After the preprocessing ``steps`` these are mean, deviation, quantiles, the mean absolute
    change from step to step, and its deviation. Pictures are averaged over a grid of 6 x 8
    first.
    """
    preprocessing = Preprocessing(steps)
    with torch.no_grad():
        parts = [_describe(preprocessing(part)) for part in windows.split(_PART)]
    described: NDArray[np.float32] = torch.cat(parts).numpy()
    return described


def _reduced(windows: Tensor) -> Tensor:
    """Give windows as series (N, steps, channels); of pictures a grid is left."""
    if windows.ndim == 5:
        batch = len(windows)
        pictures = windows.flatten(0, 1).movedim(-1, 1)
        windows = functional.adaptive_avg_pool2d(pictures, _GRID).unflatten(0, (batch, -1))
    return windows.flatten(2)


def _describe(windows: Tensor) -> Tensor:
    values = _reduced(windows)
    # One step has no change to the next, which counts as none.
    change = torch.diff(values, dim=1, append=values[:, -1:])
    quantiles = torch.quantile(values, torch.tensor(_QUANTILES), dim=1)
    return torch.cat(
        [
            values.mean(dim=1),
            values.std(dim=1, correction=0),
            *quantiles,
            change.abs().mean(dim=1),
            change.std(dim=1, correction=0),
        ],
        dim=1,
    )


@dataclass(frozen=True, eq=False)
class OtherSensor:
    """What another sensor gave while the target's windows were cut.

    ``windows`` (M, ...) are raw, and ``row_of`` (N,) says which belongs to each of the target's
    windows, -1 where there is none.
    """

    windows: Rows
    row_of: NDArray[np.int64]


class StatisticsBaseline:
    """A Random Forest, a logistic regression or a ridge regression on features of windows.

    ``others`` are preprocessing steps of sensors that are looked at beside the target, by name:
    the ceiling of what one sensor could be taught. Features of one that is missing are filled in
    by their means, and say so.
    """

    def __init__(
        self,
        model: StatisticsModel,
        steps: Sequence[PreprocessingStep],
        training: WindowsDataset,
        classes: int,
        seed: int,
        others: Mapping[str, tuple[Sequence[PreprocessingStep], OtherSensor]] | None = None,
    ) -> None:
        """Learn from raw training windows; ``steps`` are preprocessing without statistics."""
        labelled = training.labelled
        self._classes = classes
        target = choose(training.values, labelled)
        self._target = _Features(model, tuple(steps), target, seed)
        self._others = {
            name: _Features(model, tuple(steps), other.windows, seed)
            for name, (steps, other) in (others or {}).items()
        }
        found = {
            name: OtherSensor(other.windows, other.row_of[labelled])
            for name, (_, other) in (others or {}).items()
        }
        self._model = _classifier(model, seed, filled=bool(others))
        self._model.fit(self._features(target, found), training.labels[labelled])

    def probabilities(
        self, windows: Rows, others: Mapping[str, OtherSensor] | None = None
    ) -> NDArray[np.float64]:
        """Give class probabilities (N, classes) of raw windows; zero for classes never seen."""
        chances = np.zeros((len(windows), self._classes))
        if len(windows):
            features = self._features(windows, others or {})
            chances[:, self._model.classes_] = _probabilities(self._model, features)
        return chances

    def _features(self, windows: Rows, others: Mapping[str, OtherSensor]) -> NDArray[np.float32]:
        parts = [self._target(windows)]
        for name, features in self._others.items():
            other = others[name]
            there = other.row_of >= 0
            rows = other.row_of[there]
            # Where it is nowhere, any window of it says how many numbers are missing.
            found = features(choose(other.windows, rows if len(rows) else np.array([0])))
            part = np.full((len(windows), found.shape[1]), np.nan, np.float32)
            part[there] = found[: len(rows)]
            parts.append(part)
        return np.concatenate(parts, axis=1)


class _Features:
    """How raw windows of one sensor become numbers (N, F)."""

    def __init__(
        self,
        model: StatisticsModel,
        steps: tuple[PreprocessingStep, ...],
        training: Rows,
        seed: int,
    ) -> None:
        self._steps = steps
        self._rocket: MiniRocket | None = None
        if model == 'minirocket_ridge':
            self._rocket = MiniRocket(self._series(training), seed)

    def __call__(self, windows: Rows) -> NDArray[np.float32]:
        if self._rocket is not None:
            return self._rocket(self._series(windows))
        return window_statistics(self._steps, as_tensor(windows))

    def _series(self, windows: Rows) -> Tensor:
        preprocessing = Preprocessing(self._steps)
        with torch.no_grad():
            parts = [_reduced(preprocessing(part)) for part in as_tensor(windows).split(_PART)]
        return torch.cat(parts)


def _classifier(model: StatisticsModel, seed: int, *, filled: bool) -> 'Pipeline':
    # Imported where it is wanted: that takes a second, and most trainings and evaluations do not.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    first = (SimpleImputer(add_indicator=True),) if filled else ()
    if model == 'random_forest':
        forest = RandomForestClassifier(_TREES, class_weight='balanced', random_state=seed % 2**32)
        return make_pipeline(*first, forest)
    if model == 'logistic_regression':
        regression = LogisticRegression(
            class_weight='balanced', max_iter=1000, random_state=seed % 2**32
        )
        return make_pipeline(*first, StandardScaler(), regression)
    ridge = RidgeClassifierCV(_PENALTIES, class_weight='balanced')
    return make_pipeline(*first, StandardScaler(), ridge)


def _probabilities(model: 'Pipeline', features: NDArray[np.float32]) -> NDArray[np.float64]:
    if hasattr(model, 'predict_proba'):
        chances: NDArray[np.float64] = model.predict_proba(features)
        return chances
    # Ridge regression knows of no chances: its answers, which lie around -1 and 1, order them.
    answers = np.asarray(model.decision_function(features))
    answers = np.stack([-answers, answers], axis=1) if answers.ndim == 1 else answers
    weights = np.exp(answers - answers.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))

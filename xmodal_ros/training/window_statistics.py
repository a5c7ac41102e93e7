"""Baselines without a net: simple statistics of a window, and scikit-learn's classifiers on them.

A Random Forest is best on 9 of 30 IMU data sets in WHAR Arena (2026), and a net below a logistic
regression is no baseline. Both are for comparison only: they cannot be written as a bundle.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.data.window_array import choose
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep
from xmodal_ros.models.lazy_tensor import as_tensor, Rows, WindowTensor
from xmodal_ros.models.modeling_preprocessing import Preprocessing

StatisticsModel = Literal['random_forest', 'logistic_regression']

_QUANTILES: Final = (0.1, 0.5, 0.9)
# What is left of a picture: where something moves tells what it is, single pixels do not.
_GRID: Final = (6, 8)
_TREES: Final = 300
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


def _describe(windows: Tensor) -> Tensor:
    if windows.ndim == 5:
        batch = len(windows)
        pictures = windows.flatten(0, 1).movedim(-1, 1)
        windows = functional.adaptive_avg_pool2d(pictures, _GRID).unflatten(0, (batch, -1))
    values = windows.flatten(2)
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


class StatisticsBaseline:
    """A Random Forest or a logistic regression on the statistics of windows."""

    def __init__(
        self,
        model: StatisticsModel,
        steps: Sequence[PreprocessingStep],
        training: WindowsDataset,
        classes: int,
        seed: int,
    ) -> None:
        """Learn from raw training windows; ``steps`` are preprocessing without statistics."""
        self._steps = tuple(steps)
        self._classes = classes
        if model == 'random_forest':
            self._model = make_pipeline(
                RandomForestClassifier(_TREES, class_weight='balanced', random_state=seed)
            )
        else:
            self._model = make_pipeline(
                StandardScaler(),
                LogisticRegression(class_weight='balanced', max_iter=1000, random_state=seed),
            )
        labelled = training.labelled
        values = choose(training.values, labelled)
        self._model.fit(self._statistics(values), training.labels[labelled])

    def probabilities(self, windows: Rows) -> NDArray[np.float64]:
        """Give class probabilities (N, classes) of raw windows; zero for classes never seen."""
        chances = np.zeros((len(windows), self._classes))
        if len(windows):
            chances[:, self._model.classes_] = self._model.predict_proba(self._statistics(windows))
        return chances

    def _statistics(self, windows: Rows) -> NDArray[np.float32]:
        return window_statistics(self._steps, as_tensor(windows))

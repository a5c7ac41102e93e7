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

"""The engine: one window in, one decision out, as a batch of one unless asked; without torch.

Batches of other sizes give other last bits, so evaluation runs this very code (DESIGN: offline
evaluation equals live replay).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any, Final, Protocol, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.precision import Precision
from xmodal_ros.windows.assembler import Window

if TYPE_CHECKING:
    import torch

_WARM_UP_RUNS: Final = 3
_MIB: Final = 1 << 20
# More take more memory and hardly less time.
_LARGEST_BATCH: Final = 64


@dataclass(frozen=True)
class Prediction:
    """What the classifier says of the window that ends at ``stamp_ns``.

    ``scores`` pairs every class with its score as it is published: the decision first.
    ``probabilities`` follow the bundle's labels, and are empty where the window had too little
    evidence to be classified.
    """

    stamp_ns: int
    frame_id: str
    scores: tuple[tuple[str, float], ...]
    probabilities: tuple[float, ...]
    coverage: float

    @property
    def label(self) -> str:
        """The decision: an activity's name, or ``unknown``."""
        return self.scores[0][0]


class LoadedModel(Protocol):
    """A bundle that can answer: with its weights in torch, or with its ONNX file."""

    @property
    def path(self) -> Path:
        """The bundle's folder."""

    @property
    def info(self) -> BundleInfo:
        """What the bundle says of itself."""

    @property
    def device(self) -> torch.device | str:
        """Where it computes."""

    @property
    def precision(self) -> Precision:
        """In which precision it computes."""

    @property
    def weights(self) -> object:
        """What computes, which several that answer alike may share."""

    @property
    def runtime(self) -> str:
        """What computes: 'torch' or 'onnx'."""

    def probabilities(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        """Give calibrated probabilities (B, classes) of raw windows (B, steps, ...)."""


class Engine:
    """Classify windows with one bundle."""

    def __init__(self, bundle: LoadedModel, unknown_threshold: float | None = None) -> None:
        self.bundle = bundle
        self.unknown_threshold = (
            bundle.info.unknown_threshold if unknown_threshold is None else unknown_threshold
        )

    def memory(self) -> dict[str, str]:
        """Say how much memory the device has, and how much of it this process uses, in words."""
        device = self.bundle.device
        if isinstance(device, str) or device.type != 'cuda':
            return {}
        import torch

        free, total = torch.cuda.mem_get_info(device)
        used = torch.cuda.memory_reserved(device)
        return {
            'device memory': f'{used / _MIB:.0f} MiB used here, {free / _MIB:.0f} MiB of '
            f'{total / _MIB:.0f} MiB free'
        }

    def warm_up(self) -> None:
        """Run a few windows of zeros, so that the first real one is not the slow one."""
        zeros = np.zeros((1, *self.bundle.info.window_shape), np.float32)
        for _ in range(_WARM_UP_RUNS):
            self.bundle.probabilities(zeros)

    def classify(self, window: Window) -> Prediction:
        """Decide on one window; one with too little coverage is ``unknown`` without a guess."""
        if not self.sees_enough(window):
            return _undecided(window)
        # A copy, which lies in memory as batches do: where values lie may change the last bits.
        (chances,) = self.bundle.probabilities(window.values[np.newaxis].copy()).tolist()
        return self.decide(window, tuple(chances))

    def sees_enough(self, window: Window) -> bool:
        """Tell whether enough of a window is covered to classify it."""
        return window.coverage >= self.bundle.info.window.min_coverage

    def decide(self, window: Window, chances: tuple[float, ...]) -> Prediction:
        """Make a decision of a window's probabilities."""
        if not all(map(math.isfinite, chances)):
            # Weights that overflow say nothing; a made-up score must not look like one.
            return _undecided(window)
        pairs = zip(self.bundle.info.labels, chances, strict=True)
        ranked = sorted(pairs, key=lambda pair: -pair[1])
        best = ranked[0][1]
        if not best >= self.unknown_threshold:
            ranked.insert(0, (UNKNOWN, 1.0 - best))
        return Prediction(window.end_ns, window.frame_id, tuple(ranked), chances, window.coverage)


def classify_together(asked: Sequence[tuple[Engine, Window]]) -> list[Prediction]:
    """Decide on windows, those of the same weights in batches.

    That takes less time for each, and the last bits are not those of each alone.
    """
    groups: dict[int, list[int]] = {}
    for number, (engine, window) in enumerate(asked):
        if engine.sees_enough(window):
            groups.setdefault(id(engine.bundle.weights), []).append(number)
    chances: dict[int, tuple[float, ...]] = {}
    for numbers in groups.values():
        model = asked[numbers[0]][0].bundle
        for first in range(0, len(numbers), _LARGEST_BATCH):
            part = numbers[first : first + _LARGEST_BATCH]
            values = np.stack([asked[number][1].values for number in part])
            for number, found in zip(part, model.probabilities(values).tolist(), strict=True):
                chances[number] = tuple(found)
    return [
        engine.decide(window, chances[number]) if number in chances else _undecided(window)
        for number, (engine, window) in enumerate(asked)
    ]


def _undecided(window: Window) -> Prediction:
    return Prediction(window.end_ns, window.frame_id, ((UNKNOWN, 1.0),), (), window.coverage)

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

"""What goes wrong with what a camera sees: noise, and darkness."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.faults import FaultKind, FEWER_MESSAGES, OF_MESSAGES
from xmodal_ros.streams.sample import Sample

_WHITE: Final = 255.0
_GAMMA: Final = 2.2
# A small camera's pixel: electrons at full light, and the standard deviation of reading them.
_FULL_WELL: Final = 5000.0
_READ_NOISE: Final = 5.0


@dataclass(frozen=True)
class PixelNoise:
    """White noise of standard deviation ``strength`` on every pixel that the model sees.

    Grey levels of 0 to 255 for pictures (uint8), metres for depth (float32), where unknown depth
    stays unknown.
    """

    strength: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Add noise to pixels (H, W, C)."""
        rng = np.random.default_rng(seed)
        for sample in samples:
            old = sample.values
            noisy = old + self.strength * rng.standard_normal(old.shape)
            if old.dtype == np.uint8:
                values = _to_bytes(noisy)
            else:
                values = np.where(old > 0, np.maximum(noisy, 0), 0).astype(np.float32)
            yield replace(sample, values=values)


@dataclass(frozen=True)
class LowLight:
    """The ``share`` of light that is left, in (0, 1], with the noise of few photons.

    Grey levels are taken as light to the power 1/2.2; a model pixel holds 5000 electrons at full
    white, their number is Poisson's, and reading adds 5 (standard deviation). Exposure and gain
    stay as they are.
    """

    share: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Darken pictures (H, W, C) uint8."""
        rng = np.random.default_rng(seed)
        for sample in samples:
            light = self.share * (sample.values / _WHITE) ** _GAMMA
            photons = rng.poisson(light * _FULL_WELL)
            electrons = photons + _READ_NOISE * rng.standard_normal(photons.shape)
            seen = np.clip(electrons / _FULL_WELL, 0, 1) ** (1 / _GAMMA)
            yield replace(sample, values=_to_bytes(_WHITE * seen))


def _to_bytes(levels: NDArray[Any]) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.clip(np.rint(levels), 0, _WHITE).astype(np.uint8)
    return whole


FAULTS_OF_PICTURES: Final = (
    *OF_MESSAGES,
    FEWER_MESSAGES,
    FaultKind(
        'noise',
        'grey levels',
        'standard deviation of noise on model pixels',
        (5, 10, 20, 40, 80),
        0,
        PixelNoise,
    ),
    FaultKind(
        'low_light',
        '',
        'share of the light left',
        (0.5, 0.2, 0.1, 0.05, 0.02, 0.01),
        1,
        LowLight,
    ),
)
# Darkness does not touch depth, and its noise is in metres.
FAULTS_OF_DEPTH: Final = (
    *OF_MESSAGES,
    FEWER_MESSAGES,
    FaultKind(
        'noise',
        'm',
        'standard deviation of noise on model pixels',
        (0.02, 0.05, 0.1, 0.2, 0.5),
        0,
        PixelNoise,
    ),
)

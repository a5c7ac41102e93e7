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

"""What goes wrong with what an IMU measures: noise, and another mounting."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from xmodal_ros.modalities.faults import FaultKind, FEWER_MESSAGES, OF_MESSAGES
from xmodal_ros.streams.sample import Sample

GYRO_SHARE: Final = 0.1
"""The angular rate's noise in rad/s, as a share of the acceleration's in m/s²."""


@dataclass(frozen=True)
class ImuNoise:
    """White noise of standard deviation ``strength`` m/s², and a tenth of it in rad/s."""

    strength: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Add noise to each axis of (6,) or (3,)."""
        rng = np.random.default_rng(seed)
        scale = np.array([1.0, 1.0, 1.0, *3 * (GYRO_SHARE,)])
        for sample in samples:
            noise = rng.standard_normal(6) * scale * self.strength
            yield replace(sample, values=sample.values + noise[: len(sample.values)])


@dataclass(frozen=True)
class Turned:
    """The IMU is mounted turned by ``degrees`` about an axis drawn evenly from all directions."""

    degrees: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Turn acceleration and angular rate."""
        # It takes half a second to import.
        from scipy.spatial.transform import Rotation

        axis = np.random.default_rng(seed).standard_normal(3)
        vector = np.radians(self.degrees) * axis / np.linalg.norm(axis)
        matrix = Rotation.from_rotvec(vector).as_matrix()
        for sample in samples:
            yield replace(sample, values=(sample.values.reshape(-1, 3) @ matrix.T).reshape(-1))


FAULTS: Final = (
    *OF_MESSAGES,
    FEWER_MESSAGES,
    FaultKind(
        'noise',
        'm/s²',
        'standard deviation of noise (a tenth of it in rad/s)',
        (0.5, 1, 2, 5, 10),
        0,
        ImuNoise,
    ),
    FaultKind(
        'rotation',
        '°',
        'mounting turned about a random axis by',
        (5, 15, 30, 60, 90, 180),
        0,
        Turned,
    ),
)

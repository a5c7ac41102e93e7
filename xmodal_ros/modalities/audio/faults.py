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

"""What goes wrong with what a microphone hears: other sounds, and fewer samples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from xmodal_ros.modalities.faults import FaultKind, LowerRate, OF_MESSAGES
from xmodal_ros.streams.sample import Sample

# Pink noise from white to within 0.05 dB above 9 Hz at 44.1 kHz: P. Kellet's filter as given by
# J. O. Smith, Spectral Audio Signal Processing, 2011, "Example: Synthesis of 1/F Noise".
_PINK_B: Final = (0.049922035, -0.095993537, 0.050612699, -0.004408786)
_PINK_A: Final = (1.0, -2.494956002, 2.017265875, -0.522189400)


@dataclass(frozen=True)
class Background:
    """Pink noise, as of a room or traffic, ``snr_db`` decibels below the recording's mean power.

    Samples beyond full scale are clipped, as converters do. Silence stays silent.
    """

    snr_db: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Add sound to (n,) samples in [-1, 1]; goes through the recording twice."""
        energy, count = 0.0, 0
        for sample in samples:
            energy += float(np.square(sample.values, dtype=np.float64).sum())
            count += len(sample.values)
        amplitude = (energy / max(1, count)) ** 0.5 * 10 ** (-self.snr_db / 20)
        # It takes a second to import, and whoever only asks which faults there are needs none.
        from scipy.signal import lfilter

        rng = np.random.default_rng(seed)
        state = np.zeros(len(_PINK_A) - 1)
        for sample in samples:
            noise, state = lfilter(
                _PINK_B, _PINK_A, rng.standard_normal(len(sample.values)), zi=state
            )
            loud = sample.values + amplitude / _pink_power() ** 0.5 * noise
            yield replace(sample, values=np.clip(loud, -1, 1).astype(np.float32))


@cache
def _pink_power() -> float:
    """Give the mean power of filtered white noise of power one: the energy of its response."""
    from scipy.signal import lfilter

    impulse = np.zeros(1 << 16)
    impulse[0] = 1
    return float(np.square(lfilter(_PINK_B, _PINK_A, impulse)).sum())


FAULTS: Final = (
    *OF_MESSAGES,
    FaultKind('rate', '', 'sample rate lower by the factor', (2, 4, 8), 1, LowerRate),
    FaultKind(
        'background',
        'dB',
        'pink noise at a signal-to-noise ratio of',
        (30, 20, 10, 5, 0, -5),
        None,
        Background,
    ),
)

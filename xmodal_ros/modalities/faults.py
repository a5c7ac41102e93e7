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

"""What goes wrong with a sensor's messages, whatever they carry: lost, late, uneven, fewer.

Every fault is a pure function of the samples and a seed. Random numbers are drawn alike for every
severity, so that what is lost at 10 % is lost at 30 % too.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Protocol

import numpy as np

from xmodal_ros.streams.sample import Sample

_SECOND_NS = 1_000_000_000
# The low pass of scipy.signal.decimate: Chebyshev's, of order 8 and 0.05 dB ripple, up to 0.8 of
# half the new rate, for what lies above half of it would fold back.
_ORDER, _RIPPLE_DB, _PASS_BAND = 8, 0.05, 0.8


class Fault(Protocol):
    """One fault of one severity."""

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Give the samples as they arrive; ``samples`` may be gone through more than once."""


@dataclass(frozen=True)
class FaultKind:
    """A fault of one name for some streams; ``grid`` grows worse.

    ``unit`` is that of the severities, ``harm`` says what they mean; ``unharmed`` is the
    severity at which nothing is amiss, None where no number says so.
    """

    name: str
    unit: str
    harm: str
    grid: tuple[float, ...]
    unharmed: float | None
    make: Callable[[float], Fault]


@dataclass(frozen=True)
class Dropout:
    """Each message is lost with probability ``share``, in [0, 1]."""

    share: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Leave messages out."""
        rng = np.random.default_rng(seed)
        return (sample for sample in samples if rng.random() >= self.share)


@dataclass(frozen=True)
class Delay:
    """Stamps are ``seconds`` later than what they stamp: a driver that stamps on arrival."""

    seconds: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:  # noqa: ARG002
        """Move stamps."""
        late_ns = round(self.seconds * _SECOND_NS)
        return (replace(sample, stamp_ns=sample.stamp_ns + late_ns) for sample in samples)


@dataclass(frozen=True)
class Jitter:
    """Stamps are off by normal errors of standard deviation ``seconds``, each on its own."""

    seconds: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        """Move stamps; messages arrive in the order they had."""
        rng = np.random.default_rng(seed)
        for sample in samples:
            off_ns = round(self.seconds * _SECOND_NS * rng.standard_normal())
            yield replace(sample, stamp_ns=max(1, sample.stamp_ns + off_ns))


@dataclass(frozen=True)
class LowerRate:
    """Only every ``factor``-th sample comes, at least 1; sound is filtered before that.

    Sound keeps its chunks, each with fewer samples (Chebyshev's low pass of order 8).
    """

    factor: float

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:  # noqa: ARG002
        """Leave samples out."""
        state: _Decimation | None = None
        for count, sample in enumerate(samples):
            if sample.rate_hz:
                if state is None or state.rate_hz != sample.rate_hz:
                    state = _Decimation(sample.rate_hz, max(1, round(self.factor)))
                yield from state.push(sample)
            elif count == 0 or int(count / self.factor) > int((count - 1) / self.factor):
                yield sample


class _Decimation:
    """Lower the rate of sound that comes in chunks."""

    def __init__(self, rate_hz: int, factor: int) -> None:
        self.rate_hz, self._factor = rate_hz, factor
        # It takes more than a second to import.
        from scipy.signal import cheby1

        self._filter = cheby1(_ORDER, _RIPPLE_DB, _PASS_BAND / factor, output='sos')
        self._state = np.zeros((len(self._filter), 2))
        self._skip = 0

    def push(self, sample: Sample) -> Iterator[Sample]:
        if self._factor == 1:
            yield sample
            return
        from scipy.signal import sosfilt

        smooth, self._state = sosfilt(self._filter, sample.values, zi=self._state)
        first = self._skip
        self._skip = (first - len(smooth)) % self._factor
        kept = smooth[first :: self._factor]
        if len(kept):
            later_ns = int(Fraction(first * _SECOND_NS, self.rate_hz))
            yield replace(
                sample,
                stamp_ns=sample.stamp_ns + later_ns,
                values=kept,
                rate_hz=self.rate_hz // self._factor,
            )


OF_MESSAGES: Final = (
    FaultKind('dropout', '', 'share of messages lost', (0.1, 0.3, 0.5, 0.7, 0.9), 0, Dropout),
    FaultKind('delay', 's', 'stamps late by', (0.1, 0.2, 0.5, 1, 2), 0, Delay),
    FaultKind(
        'jitter', 's', 'standard deviation of stamps', (0.005, 0.02, 0.05, 0.1, 0.2), 0, Jitter
    ),
)
"""What befalls messages, whatever they carry."""

FEWER_MESSAGES: Final = FaultKind(
    'rate', '', 'messages fewer by the factor', (2, 4, 8, 16), 1, LowerRate
)

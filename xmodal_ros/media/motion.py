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

"""Curves of three axes: a sensor's samples, and the extremes of every short interval."""

from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.lane import Kind, Lane, Strip
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.modalities.imu.stream import CHANNEL_COUNT
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.sample import BlockDecoder, DecodeError, Decoder
from xmodal_ros.web.numbers import encoded

# How long a line bridges lost samples.
_BRIDGED_S: Final = 0.25
_GLANCE_S: Final = 0.25
# Of the labelling page: all samples of any IMU but the fastest.
_FINEST_S: Final = 0.0025
# Of the report: enough samples in a step that jitter leaves none empty.
_REPORT_FINEST_S: Final = 0.02
_SAMPLES_A_STEP: Final = 2.0
# Least and greatest value of six axes, two bytes each.
_BYTES_A_STEP: Final = 24
# Nearly all values lie in a row's range; noise of a sensor at rest does not fill it.
_RANGE_PERCENTILES: Final = (0.5, 99.5)
_LEAST_MARGIN: Final = 0.05
_AXES: Final = 3
# Of more messages no less is gained by each.
_BLOCK: Final = 128
_NOTHING: Final = np.iinfo(np.int16).min


class Quantity(NamedTuple):
    """Three channels of a sensor, x, y and z of one quantity; ``usual`` is their usual range."""

    name: str
    unit: str
    usual: tuple[float, float]


_OF_IMU: Final = (
    Quantity('acceleration', 'm/s²', (-20, 20)),
    Quantity('angular rate', 'rad/s', (-5, 5)),
)


@dataclass(frozen=True, eq=False)
class Trace:
    """``low`` and ``high`` (3, steps) float32 in ``unit``, NaN where nothing was measured.

    Step ``i`` covers the ``step_s`` seconds from ``i * step_s`` after the span's start.
    """

    name: str
    quantity: str
    unit: str
    step_s: float
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def document(self) -> dict[str, Any]:
        """Give the steps in 16 bits as JSON."""
        both = np.stack([self.low, self.high])
        scale = max(float(np.nanmax(np.abs(both))), 1e-6) / 32767
        counts = np.where(np.isfinite(both), np.round(np.nan_to_num(both) / scale), _NOTHING)
        return {'step_s': self.step_s, 'scale': scale, 'values': encoded(counts.astype(np.int16))}

    def row(self) -> dict[str, Any]:
        """Give the steps, what they are of, and their range."""
        names = {'name': self.name, 'quantity': self.quantity, 'unit': self.unit}
        return self.document() | names | {'range': trace_range([self])}


def trace_range(traces: Iterable[Trace]) -> list[float]:
    """Give the range in which nearly all of some traces lie, with a margin."""
    values = np.concatenate([ends.ravel() for trace in traces for ends in (trace.low, trace.high)])
    low, high = np.percentile(values[np.isfinite(values)], _RANGE_PERCENTILES).tolist()
    margin = max((high - low) / 10, _LEAST_MARGIN)
    return [low - margin, high + margin]


@dataclass(frozen=True, eq=False)
class Envelope(Strip):
    """A sensor from afar: a trace for each quantity, none where nothing was measured."""

    kind: ClassVar[Kind] = 'traces'
    traces: tuple[Trace, ...]

    def document(self, _start_ns: int) -> list[dict[str, Any]]:
        """Give the traces."""
        return [trace.document() for trace in self.traces]

    @classmethod
    def scale(cls, glances: Sequence['Envelope']) -> list[list[float]]:
        """Give the range of each quantity."""
        return [
            trace_range(traces)
            for traces in zip(*(each.traces for each in glances if each.traces), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class SamplesStrip(Strip):
    """What a sensor measured.

    ``seconds`` (n,) float64 since the span's start, in order; ``values`` (n, 3 * quantities)
    float32 in their units.
    """

    kind: ClassVar[Kind] = 'traces'
    name: str
    span: Span
    quantities: tuple[Quantity, ...]
    seconds: NDArray[np.float64]
    values: NDArray[np.float32]

    @property
    def period_s(self) -> float:
        """The usual time between two samples."""
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else 0.0

    def traces(self, step_s: float, bridged_s: float = _BRIDGED_S) -> tuple[Trace, ...]:
        """Give each quantity in steps.

        A step without a sample shows the one before, unless that is longer ago than ``bridged_s``.
        """
        if not len(self.seconds):
            return ()
        steps = int(self.span.seconds / step_s) + 1
        bins = np.minimum((self.seconds / step_s).astype(np.int64), steps - 1)
        used, first = np.unique(bins, return_index=True)
        source = np.searchsorted(used, np.arange(steps), side='right') - 1
        measured = (source >= 0) & (np.arange(steps) - used[source] <= round(bridged_s / step_s))
        low = np.full((self.values.shape[1], steps), np.nan, np.float32)
        high = low.copy()
        low[:, measured] = np.minimum.reduceat(self.values, first, axis=0).T[:, source[measured]]
        high[:, measured] = np.maximum.reduceat(self.values, first, axis=0).T[:, source[measured]]
        return tuple(
            Trace(self.name, quantity.name, quantity.unit, step_s, low[rows], high[rows])
            for index, quantity in enumerate(self.quantities)
            for rows in [slice(index * _AXES, (index + 1) * _AXES)]
        )

    def document(self, start_ns: int) -> list[dict[str, Any]]:
        """Give all samples, as steps of the usual time between two."""
        return Envelope(self.traces(max(self.period_s, _FINEST_S))).document(start_ns)

    def glance(self) -> Envelope:
        """Give the extremes of every quarter of a second."""
        return Envelope(self.traces(_GLANCE_S, bridged_s=0))

    def rows(self, budget: int) -> tuple[Trace, ...]:
        """Give as many steps as take at most ``budget`` bytes."""
        steps = max(1.0, budget / _BYTES_A_STEP)
        finest_s = max(_REPORT_FINEST_S, self.span.seconds / steps)
        return self.traces(max(finest_s, _SAMPLES_A_STEP * self.period_s))


class TraceLane(Lane):
    """Keeps a sensor's samples, all of them whatever the budget.

    Its subclasses, one for each modality, say in :meth:`probe` how messages are read and what of.
    Samples have three values for each quantity.
    """

    kind = 'traces'
    share = 4

    def __init__(self, name: str, decoder: Decoder, quantities: Sequence[Quantity]) -> None:
        super().__init__(name)
        self._decoder, self._quantities = decoder, tuple(quantities)

    def facts(self) -> dict[str, Any]:
        """Give what is measured: quantity, unit, and the range it is usually in."""
        return {'quantities': self._quantities}

    def begin(self, span: Span, _budget: int) -> None:
        """Forget what was taken."""
        self._span = span
        self._waiting: list[bytes] = []
        self._stamps = array('q')
        self._values = array('d')

    def take(self, message: Message) -> None:
        """Keep one message, to be read with those after it."""
        self._waiting.append(message.data)
        if len(self._waiting) == _BLOCK:
            self._read()

    def _read(self) -> None:
        messages, self._waiting = self._waiting, []
        decoder: object = self._decoder
        block = decoder.block(messages) if isinstance(decoder, BlockDecoder) and messages else None
        if block is None:
            for data in messages:
                with suppress(DecodeError):
                    sample = self._decoder(data)
                    self._keep(np.array([sample.stamp_ns]), sample.values[None])
        else:
            self._keep(block.stamps_ns, block.values)

    def _keep(self, stamps: NDArray[np.int64], values: NDArray[Any]) -> None:
        inside = (self._span.start_ns <= stamps) & (stamps <= self._span.end_ns)
        self._stamps.frombytes(stamps[inside].tobytes())
        self._values.frombytes(values[inside].tobytes())

    def finish(self) -> SamplesStrip:
        """Give the samples in order of time."""
        self._read()
        stamps = np.frombuffer(self._stamps, np.int64)
        values = np.frombuffer(self._values, np.float64).astype(np.float32)
        values = values.reshape(-1, _AXES * len(self._quantities))
        order = np.argsort(stamps, kind='stable')
        seconds = (stamps[order] - self._span.start_ns) / 1e9
        return SamplesStrip(self.name, self._span, self._quantities, seconds, values[order])


class ImuLane(TraceLane):
    """Acceleration and, where it is measured, angular rate of an IMU, turned by its mounting."""

    @classmethod
    def probe(cls, _reader: BagReader, sensor: Sensor, message: Message) -> 'ImuLane':
        """Find out by one message whether there is a gyro."""
        decoder = ImuDecoder('acc_gyro', sensor.placement.rotation)
        try:
            decoder(message.data)
        except DecodeError as error:
            if error.reason != 'no_gyro':
                raise
            decoder = replace(decoder, channels='acc')
            decoder(message.data)
        return cls(sensor.name, decoder, _OF_IMU[: CHANNEL_COUNT[decoder.channels] // _AXES])

"""An IMU's recording as envelopes: the least and the greatest value of every short interval."""

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import Message
from xmodal_ros.media.span import Span
from xmodal_ros.streams.imu import ImuDecoder
from xmodal_ros.streams.placement import Matrix
from xmodal_ros.streams.sample import DecodeError

_AXES: Final = 3
_FINEST_S: Final = 0.02
# Samples in a step, so that jitter leaves none empty, and how long a line bridges lost ones.
_SAMPLES_A_STEP: Final = 2.0
_BRIDGED_S: Final = 0.25
# Least and greatest value of six axes, two bytes each.
_BYTES_A_STEP: Final = 24


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


class TraceDrawer:
    """Takes an IMU's messages; one without a gyro gives acceleration alone."""

    def __init__(self, name: str, rotation: Matrix | None, span: Span, budget: int) -> None:
        self._name, self._span, self._rotation = name, span, rotation
        steps = max(1.0, budget / _BYTES_A_STEP)
        self._finest_s = max(_FINEST_S, span.seconds / steps)
        self._decoder = ImuDecoder('acc_gyro', rotation)
        self._times = array('d')
        self._values = array('f')

    def take(self, message: Message) -> None:
        """Read one message; raises :class:`DecodeError` when it cannot be used."""
        try:
            sample = self._decoder(message.data)
        except DecodeError as error:
            if error.reason != 'no_gyro' or self._times:
                raise
            self._decoder = ImuDecoder('acc', self._rotation)
            sample = self._decoder(message.data)
        if sample.stamp_ns in self._span:
            self._times.append(self._span.offset_s(sample.stamp_ns))
            self._values.extend(sample.values.tolist())

    def finish(self) -> tuple[Trace, ...]:
        """Give the acceleration and, where it was measured, the angular rate."""
        if not self._times:
            return ()
        times = np.frombuffer(self._times, np.float64)
        values = np.frombuffer(self._values, np.float32).reshape(len(times), -1)
        order = np.argsort(times, kind='stable')
        times, values = times[order], values[order]
        period_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        step_s = max(self._finest_s, _SAMPLES_A_STEP * period_s)
        steps = int(self._span.seconds / step_s) + 1
        bins = np.minimum((times / step_s).astype(np.int64), steps - 1)
        used, first = np.unique(bins, return_index=True)
        # A step without a sample shows the one before, unless that is too long ago.
        source = np.searchsorted(used, np.arange(steps), side='right') - 1
        bridged = max(1, round(_BRIDGED_S / step_s))
        measured = (source >= 0) & (np.arange(steps) - used[source] <= bridged)
        low = np.full((values.shape[1], steps), np.nan, np.float32)
        high = low.copy()
        low[:, measured] = np.minimum.reduceat(values, first, axis=0).T[:, source[measured]]
        high[:, measured] = np.maximum.reduceat(values, first, axis=0).T[:, source[measured]]
        parts = (('acceleration', 'm/s²'), ('angular rate', 'rad/s'))[: values.shape[1] // _AXES]
        return tuple(
            Trace(self._name, quantity, unit, step_s, low[rows], high[rows])
            for index, (quantity, unit) in enumerate(parts)
            for rows in [slice(index * _AXES, (index + 1) * _AXES)]
        )

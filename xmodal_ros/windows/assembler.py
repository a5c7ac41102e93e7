"""The window clock: samples in, due windows out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import Sample
from xmodal_ros.windows.resampling import (
    Interpolation,
    resample_linear,
    resample_nearest,
    Resampled,
)
from xmodal_ros.windows.specification import SECOND_NS, WindowSpec

# After silence longer than this the stream starts anew instead of reporting every hop missed:
# a jump of the clock by hours must not release thousands of windows at once.
LONGEST_GAP_NS: Final = 60 * SECOND_NS


@dataclass(frozen=True, eq=False)
class Window:
    """The piece of a stream in ``[end_ns - length, end_ns)``.

    ``values`` has the shape (steps, ...) of the stream in SI units, ``coverage`` is the share of
    its grid points that samples cover.
    """

    end_ns: int
    values: NDArray[Any]
    coverage: float
    frame_id: str


class _SampleBuffer:
    """Samples in order of time in contiguous arrays; the oldest can be let go."""

    def __init__(self) -> None:
        self._stamps = np.empty(0, np.int64)
        self._values: NDArray[Any] = np.empty(0)
        self._start = 0
        self._end = 0

    def append(self, stamp_ns: int, values: NDArray[Any]) -> None:
        if self._end == 0 or values.shape != self._values.shape[1:]:
            self._reserve(values, 0)
        elif self._end == len(self._stamps):
            self._reserve(values, self._end - self._start)
        self._stamps[self._end] = stamp_ns
        self._values[self._end] = values
        self._end += 1

    def _reserve(self, like: NDArray[Any], keep: int) -> None:
        size = max(64, 2 * keep)
        stamps, values = np.empty(size, np.int64), np.empty((size, *like.shape), like.dtype)
        stamps[:keep] = self._stamps[self._end - keep : self._end]
        if keep:
            values[:keep] = self._values[self._end - keep : self._end]
        self._stamps, self._values, self._start, self._end = stamps, values, 0, keep

    def forget_before(self, stamp_ns: int) -> None:
        live = self._stamps[self._start : self._end]
        self._start += int(np.searchsorted(live, stamp_ns))

    def clear(self) -> None:
        self._start = self._end = 0

    def between(self, first_ns: int, last_ns: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Give stamps and values in ``[first_ns, last_ns]`` without copying."""
        live = self._stamps[self._start : self._end]
        low = self._start + int(np.searchsorted(live, first_ns))
        high = self._start + int(np.searchsorted(live, last_ns, side='right'))
        return self._stamps[low:high], self._values[low:high]


class WindowAssembler:
    """Turn one sensor's samples into windows, each as soon as it is due.

    A window ending at ``end`` is due at the first sample at or after ``end + margin``, and
    depends on the samples within ``[end - length - margin, end + margin]`` alone; the first one
    is that whose whole evidence lies after the first sample. Samples at or before the newest are
    dropped and counted (``duplicate``, ``late``); one that lies further back than a window's
    length, or further ahead than :data:`LONGEST_GAP_NS`, starts the stream anew (``reset``).
    """

    def __init__(self, spec: WindowSpec, interpolation: Interpolation) -> None:
        self.spec = spec
        self.counts: Counter[str] = Counter()
        self._interpolation = interpolation
        self._buffer = _SampleBuffer()
        self._newest_ns: int | None = None
        self._next_end_ns = 0
        self._frame_id = ''

    def reset(self) -> None:
        """Forget all samples; the next one starts the stream anew."""
        self._buffer.clear()
        self._newest_ns = None
        self.counts['reset'] += 1

    def push(self, sample: Sample) -> list[Window]:
        """Take one sample and give the windows that are due, oldest first."""
        stamp_ns = sample.stamp_ns
        if self._newest_ns is not None:
            step = stamp_ns - self._newest_ns
            if step <= -self.spec.length_ns or step > LONGEST_GAP_NS:
                self.reset()
            elif step <= 0:
                self.counts['late' if step else 'duplicate'] += 1
                return []
        if self._newest_ns is None:
            self._next_end_ns = self.spec.first_end(stamp_ns)
        self._newest_ns = stamp_ns
        self._frame_id = sample.frame_id
        self._buffer.append(stamp_ns, sample.values)
        due: list[Window] = []
        while self._next_end_ns + self.spec.margin_ns <= stamp_ns:
            due.append(self._window(self._next_end_ns))
            self._next_end_ns += self.spec.hop_ns
        if due:
            reach = self.spec.length_ns + self.spec.margin_ns
            self._buffer.forget_before(self._next_end_ns - reach)
        return due

    def _window(self, end_ns: int) -> Window:
        spec = self.spec
        stamps, values = self._buffer.between(
            end_ns - spec.length_ns - spec.margin_ns, end_ns + spec.margin_ns
        )
        grid = spec.grid(end_ns)
        resampled: Resampled
        if self._interpolation == 'linear':
            resampled = resample_linear(stamps, values, grid, spec.period_ns, spec.margin_ns)
            window = resampled.values.astype(np.float32)
        else:
            resampled = resample_nearest(stamps, values, grid, spec.margin_ns)
            window = resampled.values
        return Window(end_ns, window, float(resampled.covered.mean()), self._frame_id)

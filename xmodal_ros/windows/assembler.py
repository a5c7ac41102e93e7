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

"""Samples in, due windows out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import DecodeError, Sample, SampleBlock, Undecoded
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.leap import LeapGuard
from xmodal_ros.windows.resampling import (
    hold,
    Interpolation,
    resample_linear,
    resample_nearest,
    Resampled,
)
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec


@dataclass(frozen=True, eq=False)
class Window:
    """The piece of a stream in ``[end_ns - length, end_ns)``.

    ``values`` has the shape (steps, ...) of the stream in SI units, ``coverage`` is the share of
    its grid points that samples cover. The values may be kept for what overlaps: they are to be
    read, and not changed.
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

    def extend(self, stamps: NDArray[np.int64], values: NDArray[Any]) -> None:
        count = len(stamps)
        if self._end == 0 or values.shape[1:] != self._values.shape[1:]:
            self._reserve(values[0], 0, count)
        elif self._end + count > len(self._stamps):
            self._reserve(values[0], self._end - self._start, count)
        self._stamps[self._end : self._end + count] = stamps
        self._values[self._end : self._end + count] = values
        self._end += count

    def _reserve(self, like: NDArray[Any], keep: int, more: int = 1) -> None:
        size = max(64, 2 * keep, keep + more)
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


@dataclass(frozen=True, eq=False)
class _Laid:
    """The points of the window that ended at ``end_ns``; the first ``settled`` stay as they are.

    Of these samples have come on both sides; nothing else that a point depends on comes later.
    """

    end_ns: int
    points: Resampled
    settled: int


class WindowAssembler:
    """Turn one sensor's samples into windows, each as soon as it is due.

    When that is, and which samples are dropped or start the stream anew, is the
    :class:`WindowClock`'s to say; a sample more than a window away waits for the next one.

    Where points take the nearest sample, those that are nearest to none need not be decoded. It
    is known of each when the next one comes; one that cannot be decoded then is counted by the
    clock, and that next one takes its place.
    """

    def __init__(self, spec: WindowingSpec, interpolation: Interpolation) -> None:
        self.spec = spec
        self.clock = WindowClock(spec)
        self._leaps: LeapGuard[Sample | Undecoded] = LeapGuard(spec.length_ns, self.clock.counts)
        self._interpolation = interpolation
        self._buffer = _SampleBuffer()
        self._laid: _Laid | None = None
        # The newest one, where no point up to it is nearest to it.
        self._undecoded: Undecoded | None = None
        self._frame_id = ''

    def reset(self) -> None:
        """Forget all samples; the next one starts the stream anew."""
        self._leaps.reset()
        self.clock.reset()

    def push(self, sample: Sample | Undecoded) -> list[Window]:
        """Take one sample and give the windows that are due, oldest first.

        Raises :class:`~xmodal_ros.streams.sample.DecodeError` for one that is needed and cannot be
        decoded, which is then as if it had not come. Linear interpolation needs decoded ones.
        """
        if self._undecoded is not None or isinstance(sample, Undecoded):
            sample = self._decoded_if_needed(sample)
        admitted = self._leaps.admit(sample, sample.stamp_ns, sample.stamp_ns)
        return [window for each in admitted for window in self._push(each)]

    def push_block(self, block: SampleBlock) -> list[tuple[int, list[Window]]] | None:
        """Take samples as :meth:`push` does one by one; gives what was due by their numbers.

        None, and takes none of them, where their stamps do not simply go on.
        """
        stamps = block.stamps_ns
        first_ns, last_ns = int(stamps[0]), int(stamps[-1])
        if (
            self._undecoded is not None
            or not self.clock.goes_on(stamps)
            or not self._leaps.pass_on(first_ns, last_ns)
        ):
            return None
        self.clock.admit(last_ns)
        self._frame_id = block.frame_id
        self._buffer.extend(stamps, block.values)
        ends = self.clock.due(last_ns)
        due: dict[int, list[Window]] = {}
        # Samples after the one that made a window due lie beyond what it depends on.
        numbers = np.searchsorted(stamps, ends).tolist()
        for number, window in zip(numbers, self._windows(ends), strict=True):
            due.setdefault(number, []).append(window)
        return [*due.items()]

    def _decoded_if_needed(self, sample: Sample | Undecoded) -> Sample | Undecoded:
        """Decode it for a point up to it, and the one before for a point between the two.

        The earlier of two that are as near to a point counts.
        """
        newest_ns = self.clock.newest_ns
        before, needed = self._undecoded, newest_ns is None or sample.stamp_ns < newest_ns
        if newest_ns is not None and not needed:
            middle_ns = (newest_ns + sample.stamp_ns) // 2
            needed = self.spec.has_point(middle_ns, sample.stamp_ns)
            if before is not None and self.spec.has_point(newest_ns, middle_ns):
                self._undecoded = None
                try:
                    self._buffer.append(newest_ns, before.decode().values)
                except DecodeError as error:
                    self.clock.counts[error.reason] += 1
                    needed = True
        return sample.decode() if needed and isinstance(sample, Undecoded) else sample

    def _push(self, sample: Sample | Undecoded) -> list[Window]:
        verdict = self.clock.admit(sample.stamp_ns)
        if verdict == 'drop':
            return []
        if verdict == 'start':
            self._buffer.clear()
            self._laid = None
        self._frame_id = sample.frame_id
        if isinstance(sample, Undecoded):
            self._undecoded = sample
        else:
            self._undecoded = None
            self._buffer.append(sample.stamp_ns, sample.values)
        return self._windows(self.clock.due(sample.stamp_ns))

    def _windows(self, ends: Sequence[int]) -> list[Window]:
        """Give the windows of these ends, a hop apart, and let go of what no other needs."""
        if not ends:
            return []
        hop = self.spec.hop_ns * self.spec.rate_hz
        if hop % SECOND_NS:
            # Those that end between two points, as some to learn from do, share none.
            windows = [self._cut(self._lay(end_ns, end_ns), 0, end_ns) for end_ns in ends]
        else:
            laid, hop_steps = self._lay(ends[0], ends[-1]), hop // SECOND_NS
            windows = [self._cut(laid, n * hop_steps, end_ns) for n, end_ns in enumerate(ends)]
        self._buffer.forget_before(self.clock.needed_from_ns)
        return windows

    def _cut(self, laid: Resampled, first: int, end_ns: int) -> Window:
        """Give the window that begins with a point."""
        points = slice(first, first + self.spec.steps)
        found = Resampled(laid.values[points], laid.covered[points])
        coverage = int(np.count_nonzero(found.covered)) / self.spec.steps
        return Window(end_ns, hold(found).values, coverage, self._frame_id)

    def _lay(self, first_end_ns: int, last_end_ns: int) -> Resampled:
        """Give the points of windows with these ends and of all between."""
        spec = self.spec
        stamps, values = self._buffer.between(
            first_end_ns - spec.length_ns - spec.margin_ns, last_end_ns + spec.margin_ns
        )
        known = self._known(first_end_ns)
        more = (last_end_ns - first_end_ns) * spec.rate_hz // SECOND_NS
        grid = spec.grid(last_end_ns, (len(known.covered) if known else 0) - more)
        laid = self._resample(stamps, values, grid)
        if known is not None:
            laid = Resampled(
                np.concatenate((known.values, laid.values)),
                np.concatenate((known.covered, laid.covered)),
            )
        settled = 0
        if len(stamps):
            settled = spec.steps - len(grid) + int(np.searchsorted(grid, stamps[-1]))
        last = Resampled(laid.values[more:], laid.covered[more:])
        self._laid = _Laid(last_end_ns, last, max(0, settled))
        return laid

    def _resample(
        self, stamps: NDArray[np.int64], values: NDArray[Any], grid: NDArray[np.int64]
    ) -> Resampled:
        spec = self.spec
        if self._interpolation == 'nearest':
            return resample_nearest(stamps, values, grid, spec.margin_ns)
        laid = resample_linear(stamps, values, grid, spec.period_ns, spec.margin_ns)
        return Resampled(laid.values.astype(np.float32), laid.covered)

    def _known(self, end_ns: int) -> Resampled | None:
        """Give the first points of a window, as far as the one before had them."""
        laid, spec = self._laid, self.spec
        # Those that end between two points, as some to learn from do, see less of their first one.
        if laid is None or spec.hop_ns * spec.rate_hz % SECOND_NS:
            return None
        first = (end_ns - laid.end_ns) * spec.rate_hz // SECOND_NS
        if first >= laid.settled:
            return None
        return Resampled(
            laid.points.values[first : laid.settled], laid.points.covered[first : laid.settled]
        )

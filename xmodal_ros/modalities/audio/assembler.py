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

"""Windows of audio: laid out by sample count, not by stamps that jitter with every chunk."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import Sample
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.leap import LeapGuard
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

# Rates without a common divisor, such as 44101 Hz, would need filters of millions of taps; a ratio
# this near is off by less than a sample in a window.
_LARGEST_TERM: Final = 1000
# To either side a polyphase filter reaches so many samples of the lower of both rates.
_FILTER: Final = 10


@dataclass(frozen=True, eq=False)
class _Chunk:
    stamp_ns: int
    samples: NDArray[Any]


class AudioAssembler:
    """Turn chunks of audio of any rate into windows of (steps,) float32.

    A window starts from the last chunk that began at or before ``start - margin``; from there on
    chunks follow each other by sample count, whatever the jitter of their stamps. A chunk that
    lies off by more than the margin is laid where its stamp says: what it leaves out is a gap,
    silent and uncovered. Another sample rate is converted by a polyphase filter. A window is due
    when the chunks laid out reach over its end, by as much as that filter does.
    """

    def __init__(self, spec: WindowingSpec) -> None:
        self.spec = spec
        self.clock = WindowClock(spec)
        self._leaps: LeapGuard[tuple[Sample, int]] = LeapGuard(spec.length_ns, self.clock.counts)
        self._chunks: deque[_Chunk] = deque()
        self._rate_hz = 0
        self._frame_id = ''

    def reset(self) -> None:
        """Forget all chunks; the next one starts the stream anew."""
        self._leaps.reset()
        self.clock.reset()

    def push(self, sample: Sample, rate_hz: int) -> list[Window]:
        """Take one chunk of audio at ``rate_hz`` and give the windows due, oldest first.

        Another rate than before starts the stream anew.
        """
        until_ns = sample.stamp_ns + len(sample.values) * SECOND_NS // rate_hz
        admitted = self._leaps.admit((sample, rate_hz), sample.stamp_ns, until_ns)
        return [window for each, rate in admitted for window in self._push(each, rate)]

    def _push(self, sample: Sample, rate_hz: int) -> list[Window]:
        if self._chunks and rate_hz != self._rate_hz:
            self.clock.reset()
        verdict = self.clock.admit(sample.stamp_ns)
        if verdict == 'drop':
            return []
        if verdict == 'start':
            self._chunks.clear()
        self._rate_hz = rate_hz
        self._frame_id = sample.frame_id
        self._chunks.append(_Chunk(sample.stamp_ns, sample.values))
        until_ns = sample.stamp_ns + len(sample.values) * SECOND_NS // rate_hz
        ends = self.clock.due(until_ns, lambda end_ns: self._complete(end_ns, until_ns))
        due = [self._window(end_ns) for end_ns in ends]
        while len(self._chunks) > 1 and self._chunks[1].stamp_ns <= self.clock.needed_from_ns:
            self._chunks.popleft()
        return due

    def _complete(self, end_ns: int, until_ns: int) -> bool:
        """Tell whether the chunks that have come reach over a window's end.

        By their count, which may lag behind their stamps by up to the margin.
        """
        if until_ns >= end_ns + self.spec.margin_ns:
            return True
        layout = _Layout(self.spec, self._rate_hz)
        *_, (position, chunk) = layout.places(self._evidence(end_ns), end_ns)
        return position + len(chunk.samples) >= layout.pad + layout.length + layout.support

    def _window(self, end_ns: int) -> Window:
        spec, layout = self.spec, _Layout(self.spec, self._rate_hz)
        samples = np.zeros(layout.length + 2 * layout.pad)
        covered = np.zeros(layout.length + 2 * layout.pad, dtype=bool)
        for position, chunk in layout.places(self._evidence(end_ns), end_ns):
            _lay(samples, covered, position, chunk.samples)
        if layout.up != layout.down:
            # It takes more than a second and 70 MB to import, and most microphones need none.
            from scipy.signal import resample_poly

            samples = resample_poly(samples, layout.up, layout.down)
        first = layout.pad * layout.up // layout.down
        values = samples[first : first + spec.steps].astype(np.float32)
        coverage = float(covered[layout.pad : layout.pad + layout.length].mean())
        return Window(end_ns, values, coverage, self._frame_id)

    def _evidence(self, end_ns: int) -> list[_Chunk]:
        """Give the chunks that count for a window, and the last one that begins before them."""
        first_ns = end_ns - self.spec.length_ns - self.spec.margin_ns
        last_ns = end_ns + self.spec.margin_ns
        inside = [c for c in self._chunks if first_ns < c.stamp_ns <= last_ns]
        before = [c for c in self._chunks if c.stamp_ns <= first_ns]
        return before[-1:] + inside


class _Layout:
    """Where chunks of a rate lie, in samples of that rate, about a window of another.

    The window has ``length`` samples, with ``pad`` more on both sides: whole periods of the
    conversion, ``up`` to ``down``, whose filter reaches ``support`` samples.
    """

    def __init__(self, spec: WindowingSpec, rate_hz: int) -> None:
        self._spec, self._rate_hz = spec, rate_hz
        ratio = Fraction(spec.rate_hz, rate_hz).limit_denominator(_LARGEST_TERM)
        self.up, self.down = up, down = ratio.numerator, ratio.denominator
        self.pad = down * -(-(spec.margin_ns * rate_hz // SECOND_NS) // down)
        self.length = -(-spec.steps * down // up)
        self.support = 0 if up == down else _FILTER * max(up, down) // up + 1

    def places(self, chunks: Sequence[_Chunk], end_ns: int) -> Iterator[tuple[int, _Chunk]]:
        """Yield where each chunk begins, counted from where the pad before the window does."""
        if not chunks:
            return
        rate, origin_ns = self._rate_hz, chunks[0].stamp_ns
        offset = self.pad - _samples(end_ns - self._spec.length_ns - origin_ns, rate)
        slack = _samples(self._spec.margin_ns, rate)
        following = 0
        for chunk in chunks:
            stated = _samples(chunk.stamp_ns - origin_ns, rate)
            position = following if abs(stated - following) <= slack else stated
            yield offset + position, chunk
            following = position + len(chunk.samples)


def _samples(duration_ns: int, rate_hz: int) -> int:
    """Round a duration to whole samples, halves up, exactly for integers of any size."""
    return (2 * duration_ns * rate_hz + SECOND_NS) // (2 * SECOND_NS)


def _lay(
    samples: NDArray[np.float64], covered: NDArray[np.bool_], at: int, chunk: NDArray[Any]
) -> None:
    first, last = max(at, 0), min(at + len(chunk), len(samples))
    if first < last:
        samples[first:last] = chunk[first - at : last - at]
        covered[first:last] = True

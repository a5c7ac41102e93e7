"""Windows of audio: laid out by sample count, not by stamps that jitter with every chunk."""

from collections import deque
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


@dataclass(frozen=True, eq=False)
class _Chunk:
    stamp_ns: int
    samples: NDArray[Any]


class AudioAssembler:
    """Turn chunks of audio of any rate into windows of (steps,) float32.

    A window starts from the last chunk that began at or before ``start - margin``; from there on
    chunks follow each other by sample count, whatever the jitter of their stamps. A chunk that
    lies off by more than the margin is laid where its stamp says: what it leaves out is a gap,
    silent and uncovered. Another sample rate is converted by a polyphase filter.
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
        due = [self._window(end_ns) for end_ns in self.clock.due(until_ns)]
        while len(self._chunks) > 1 and self._chunks[1].stamp_ns <= self.clock.needed_from_ns:
            self._chunks.popleft()
        return due

    def _window(self, end_ns: int) -> Window:
        spec, rate = self.spec, self._rate_hz
        start_ns = end_ns - spec.length_ns
        chunks = self._evidence(start_ns - spec.margin_ns, end_ns + spec.margin_ns)
        ratio = Fraction(spec.rate_hz, rate).limit_denominator(_LARGEST_TERM)
        up, down = ratio.numerator, ratio.denominator
        # Whole periods of the conversion on both sides, for the filter to have its full support.
        pad = down * -(-(spec.margin_ns * rate // SECOND_NS) // down)
        length = -(-spec.steps * down // up)
        samples = np.zeros(length + 2 * pad)
        covered = np.zeros(length + 2 * pad, dtype=bool)
        if chunks:
            origin_ns = chunks[0].stamp_ns
            offset = pad - _samples(start_ns - origin_ns, rate)
            slack = _samples(spec.margin_ns, rate)
            following = 0
            for chunk in chunks:
                stated = _samples(chunk.stamp_ns - origin_ns, rate)
                position = following if abs(stated - following) <= slack else stated
                _lay(samples, covered, offset + position, chunk.samples)
                following = position + len(chunk.samples)
        if up != down:
            # It takes more than a second and 70 MB to import, and most microphones need none.
            from scipy.signal import resample_poly

            samples = resample_poly(samples, up, down)
        first = pad * up // down
        values = samples[first : first + spec.steps].astype(np.float32)
        coverage = float(covered[pad : pad + length].mean())
        return Window(end_ns, values, coverage, self._frame_id)

    def _evidence(self, first_ns: int, last_ns: int) -> list[_Chunk]:
        """Give the chunks that begin in the span, and the last one that begins before it."""
        inside = [c for c in self._chunks if first_ns < c.stamp_ns <= last_ns]
        before = [c for c in self._chunks if c.stamp_ns <= first_ns]
        return before[-1:] + inside


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

"""What goes wrong with a sensor's messages, whatever they carry: lost, late, uneven, fewer.

Every fault is a pure function of the samples and a seed. Random numbers are drawn alike for every
severity, so that what is lost at 10 % is lost at 30 % too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np
from scipy.signal import cheby1, sosfilt

from xmodal_ros.evaluation.fault_samples import Piece

_SECOND_NS = 1_000_000_000
# The low pass of scipy.signal.decimate: Chebyshev's, of order 8 and 0.05 dB ripple, up to 0.8 of
# half the new rate, for what lies above half of it would fold back.
_ORDER, _RIPPLE_DB, _PASS_BAND = 8, 0.05, 0.8


class Fault(Protocol):
    """One fault of one severity."""

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Give the samples as they arrive; ``pieces`` may be gone through more than once."""


@dataclass(frozen=True)
class Dropout:
    """Each message is lost with probability ``share``, in [0, 1]."""

    share: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Leave messages out."""
        rng = np.random.default_rng(seed)
        return (piece for piece in pieces if rng.random() >= self.share)


@dataclass(frozen=True)
class Delay:
    """Stamps are ``seconds`` later than what they stamp: a driver that stamps on arrival."""

    seconds: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:  # noqa: ARG002
        """Move stamps."""
        late_ns = round(self.seconds * _SECOND_NS)
        return (replace(piece, stamp_ns=piece.stamp_ns + late_ns) for piece in pieces)


@dataclass(frozen=True)
class Jitter:
    """Stamps are off by normal errors of standard deviation ``seconds``, each on its own."""

    seconds: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Move stamps; messages arrive in the order they had."""
        rng = np.random.default_rng(seed)
        for piece in pieces:
            off_ns = round(self.seconds * _SECOND_NS * rng.standard_normal())
            yield replace(piece, stamp_ns=max(1, piece.stamp_ns + off_ns))


@dataclass(frozen=True)
class LowerRate:
    """Only every ``factor``-th sample comes, at least 1; sound is filtered before that.

    Sound keeps its chunks, each with fewer samples (Chebyshev's low pass of order 8).
    """

    factor: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:  # noqa: ARG002
        """Leave samples out."""
        state: _Decimation | None = None
        for count, piece in enumerate(pieces):
            if piece.rate_hz:
                if state is None or state.rate_hz != piece.rate_hz:
                    state = _Decimation(piece.rate_hz, max(1, round(self.factor)))
                yield from state.push(piece)
            elif count == 0 or int(count / self.factor) > int((count - 1) / self.factor):
                yield piece


class _Decimation:
    """Lower the rate of sound that comes in chunks."""

    def __init__(self, rate_hz: int, factor: int) -> None:
        self.rate_hz, self._factor = rate_hz, factor
        self._filter = cheby1(_ORDER, _RIPPLE_DB, _PASS_BAND / factor, output='sos')
        self._state = np.zeros((len(self._filter), 2))
        self._skip = 0

    def push(self, piece: Piece) -> Iterator[Piece]:
        if self._factor == 1:
            yield piece
            return
        smooth, self._state = sosfilt(self._filter, piece.values, zi=self._state)
        first = self._skip
        self._skip = (first - len(smooth)) % self._factor
        kept = smooth[first :: self._factor]
        if len(kept):
            later_ns = int(Fraction(first * _SECOND_NS, self.rate_hz))
            yield replace(
                piece,
                stamp_ns=piece.stamp_ns + later_ns,
                values=kept,
                rate_hz=self.rate_hz // self._factor,
            )

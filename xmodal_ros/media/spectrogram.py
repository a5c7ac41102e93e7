"""Sound as the page needs it: samples in a row, and a picture of its frequencies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Every browser plays rates between these.
LOWEST_RATE_HZ: Final = 8_000
HIGHEST_RATE_HZ: Final = 48_000
BANDS: Final = 40
COLUMN_S: Final = 0.025
_WINDOW_S: Final = 0.05
_LOWEST_BAND_HZ: Final = 60.0
# Of full scale, in decibels: what becomes 0 and what becomes 255.
_QUIET_DB: Final = -110.0
_LOUD_DB: Final = -10.0
# Stamps jitter; chunks that are no further from their place than this follow each other.
_JITTER_S: Final = 0.04

Samples = NDArray[Any]


@dataclass(frozen=True)
class PlayedRate:
    """The rate at which a sensor's sound goes to the page, a whole fraction or multiple of its."""

    hz: int
    repeat: int = 1
    average: int = 1

    def apply(self, samples: Samples) -> Samples:
        """Bring samples (n,) to this rate; crude, but it is for listening only."""
        if self.repeat > 1:
            return np.repeat(samples, self.repeat)
        if self.average > 1:
            count = len(samples) // self.average * self.average
            whole: Samples = samples[:count].reshape(-1, self.average).mean(axis=1)
            return whole
        return samples


def played_rate(rate_hz: int) -> PlayedRate:
    """Choose the rate for the page, between 8 and 48 kHz where that can be."""
    if rate_hz < LOWEST_RATE_HZ:
        repeat = -(-LOWEST_RATE_HZ // rate_hz)
        return PlayedRate(rate_hz * repeat, repeat=repeat)
    average = -(-rate_hz // HIGHEST_RATE_HZ)
    return PlayedRate(rate_hz // average, average=average)


def lay_out(
    chunks: Iterable[tuple[int, Samples]], start_ns: int, duration_ns: int, rate_hz: int
) -> Samples:
    """Put chunks, each with the stamp of its first sample, in their place; silence between.

    Gives (n,) float32 for ``[start_ns, start_ns + duration_ns)``.
    """
    length = duration_ns * rate_hz // 1_000_000_000
    row = np.zeros(length, np.float32)
    following: int | None = None
    for stamp_ns, samples in sorted(chunks, key=lambda chunk: chunk[0]):
        place = round((stamp_ns - start_ns) * rate_hz / 1_000_000_000)
        if following is not None and abs(place - following) <= _JITTER_S * rate_hz:
            place = following
        following = place + len(samples)
        first, last = max(place, 0), min(following, length)
        if first < last:
            row[first:last] = samples[first - place : last - place]
    return row


def spectrogram(samples: Samples, rate_hz: int) -> NDArray[np.uint8]:
    """Give (columns, BANDS) loudness, a column every 25 ms, low frequencies first.

    Bands are spaced evenly on the mel scale (O'Shaughnessy 1987, 2595 log10(1 + f/700)); 0 stands
    for -110 dB of full scale or less, 255 for -10 dB or more.
    """
    hop, width = round(COLUMN_S * rate_hz), round(_WINDOW_S * rate_hz)
    count = len(samples) // hop
    if count == 0:
        return np.zeros((0, BANDS), np.uint8)
    padded = np.pad(samples.astype(np.float32), (0, width))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[: count * hop : hop]
    window = np.hanning(width).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1) / (window.sum() / 2)
    power = np.square(np.abs(spectrum)).astype(np.float64)
    edges = _band_edges(rate_hz, width, power.shape[1])
    totals = np.add.reduceat(power, edges, axis=1)
    levels = 10 * np.log10(np.maximum(totals, 1e-12))
    scaled = (levels - _QUIET_DB) / (_LOUD_DB - _QUIET_DB) * 255
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _band_edges(rate_hz: int, width: int, bins: int) -> NDArray[np.int64]:
    """Give the first bin of each band; low bands may share one."""
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (_LOWEST_BAND_HZ, rate_hz / 2))
    frequencies = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 1) / 2595) - 1)
    return np.minimum((frequencies[:-1] * width / rate_hz).astype(np.int64), bins - 1)

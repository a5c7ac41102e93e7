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

"""A microphone's recording: samples in a row, and a picture of its frequencies."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.lane import Kind, Lane, Strip
from xmodal_ros.media.picture import compress, media_type
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.audio.decoder import AudioDecoder, PLAIN_TYPE
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.web.numbers import data_url, encoded

# Every browser plays rates between these.
LOWEST_RATE_HZ: Final = 8_000
HIGHEST_RATE_HZ: Final = 48_000
BANDS: Final = 40
COLUMN_S: Final = 0.025
_WINDOW_S: Final = 0.05
_LOWEST_BAND_HZ: Final = 60.0
# Decibels of a full-scale square wave: what becomes 0 and what becomes 255.
_QUIET_DB, _LOUD_DB = -116.0, -6.0
# What is seen of it: from the room's noise up to the loudest.
_MOST_DB, _LEAST_DB = 70.0, 25.0
_NOISE_PERCENTILE, _TOP_PERCENTILE = 25, 99.5
_USUAL_BYTES_A_COLUMN: Final = 16
# No picture format takes much wider ones.
_WIDEST: Final = 4096
# Stamps jitter; chunks that are no further from their place than this follow each other.
_JITTER_S: Final = 0.04
# Sound is laid out in pieces, each once no more of it is to be expected.
_PIECE_NS: Final = 10_000_000_000
_LATE_NS: Final = 1_000_000_000
_GLANCE_S: Final = 0.25
_LOUDEST: Final = 32767

Samples = NDArray[Any]
Levels = NDArray[np.uint8]


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


def spectrogram(samples: Samples, rate_hz: int) -> Levels:
    """Give (columns, BANDS) loudness, a column every 25 ms, low frequencies first.

    Bands are spaced evenly on the mel scale (O'Shaughnessy 1987, 2595 log10(1 + f/700)); 0 stands
    for -116 dB of a full-scale square wave or less, 255 for -6 dB, a full-scale sine, or more.
    """
    hop, width = round(COLUMN_S * rate_hz), round(_WINDOW_S * rate_hz)
    count = len(samples) // hop
    if count == 0:
        return np.zeros((0, BANDS), np.uint8)
    padded = np.pad(samples.astype(np.float32), (0, width))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[: count * hop : hop]
    window = np.hanning(width).astype(np.float32)
    spectrum = np.fft.rfft(frames * (window / window.sum()), axis=1)
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


@dataclass(frozen=True, eq=False)
class Sound:
    """Pictures of ``bands`` rows, high notes on top, whose columns follow each other.

    A column covers ``step_s`` seconds; white stands for ``decibels[1]``, black for ``decibels[0]``
    and less, of a full-scale square wave. Rows lie evenly on the mel scale between the two
    frequencies ``hertz``. ``columns`` is their number over all pictures, each but the last
    ``widest`` wide.
    """

    name: str
    step_s: float
    columns: int
    bands: int
    hertz: tuple[float, float]
    decibels: tuple[float, float]
    pictures: tuple[bytes, ...]
    media_type: str
    widest: int = _WIDEST

    def row(self) -> dict[str, Any]:
        """Give the pictures and what they show."""
        return {
            'name': self.name,
            'step_s': self.step_s,
            'columns': self.columns,
            'bands': self.bands,
            'hertz': self.hertz,
            'decibels': self.decibels,
            'widest': self.widest,
            'pictures': [data_url(self.media_type, picture) for picture in self.pictures],
        }


@dataclass(frozen=True, eq=False)
class Spectrum(Strip):
    """How loud a microphone was: ``levels`` (columns, BANDS), as :func:`spectrogram` gives them.

    A column covers ``step_s`` seconds. ``samples`` (n,) int16, at the rate at which they are
    played, are those of a span no longer than ten seconds. ``heard`` says whether there was any.
    """

    kind: ClassVar[Kind] = 'sounds'
    name: str
    rate_hz: int
    step_s: float
    levels: Levels
    heard: bool = False
    samples: NDArray[np.int16] | None = None

    def document(self, _start_ns: int) -> dict[str, Any]:
        """Give the levels as rows from high to low."""
        return {'step_s': self.step_s, 'bands': BANDS, 'levels': encoded(self.levels.T[::-1])}

    def glance(self) -> 'Spectrum':
        """Give the loudest of every quarter of a second."""
        each = round(_GLANCE_S / self.step_s)
        parts = self.levels[: len(self.levels) // each * each].reshape(-1, each, BANDS)
        return Spectrum(self.name, self.rate_hz, _GLANCE_S, parts.max(axis=1))

    @classmethod
    def scale(cls, glances: Sequence['Spectrum']) -> list[list[float]]:
        """Give the level of the room's noise and that of the loudest, far enough apart."""
        levels = np.concatenate([each.levels for each in glances])
        levels = levels[levels.any(axis=1)]
        if not len(levels):
            return [[0.0, 255.0]]
        top = float(np.percentile(levels.max(axis=1), _TOP_PERCENTILE))
        noise = float(np.percentile(levels, _NOISE_PERCENTILE))
        a_decibel = 255 / (_LOUD_DB - _QUIET_DB)
        return [[top - min(_MOST_DB * a_decibel, max(_LEAST_DB * a_decibel, top - noise)), top]]

    def rows(self, budget: int) -> tuple[Sound, ...]:
        """Give the levels as grey pictures that take at most ``budget`` bytes."""
        if not self.heard:
            return ()
        columns = len(self.levels)
        ((low, high),) = self.scale([self])
        picture = np.clip((self.levels - low) / (high - low), 0, 1).T[::-1] * 255
        decibels = _QUIET_DB + np.array([low, high]) / 255 * (_LOUD_DB - _QUIET_DB)
        sound = Sound(
            name=self.name,
            step_s=self.step_s,
            columns=columns,
            bands=BANDS,
            hertz=(_LOWEST_BAND_HZ, self.rate_hz / 2),
            decibels=(float(decibels[0]), float(decibels[1])),
            pictures=tuple(
                compress(part, budget * part.shape[1] // columns)
                for first in range(0, columns, _WIDEST)
                for part in [picture[:, first : first + _WIDEST].astype(np.uint8)]
            ),
            media_type=media_type(),
        )
        return (sound,)


class SoundLane(Lane):
    """Listens; however long the span, memory holds ten seconds and one column a step."""

    kind = 'sounds'
    share = 3

    def __init__(self, name: str, decoder: AudioDecoder, *, chunk_ns: int, stamped: bool) -> None:
        super().__init__(name)
        self._decode, self._rate_hz = decoder, decoder.rate_hz
        self.chunk_ns, self.stamped = chunk_ns, stamped

    @classmethod
    def probe(cls, reader: BagReader, sensor: Sensor, message: Message) -> 'SoundLane':
        """Find out by one message, and the recording's AudioInfo, how the sound is laid out."""
        decoder = AudioDecoder(message.msgtype, read_audio_format(reader, sensor.topic))
        length = len(decoder(message.data, message.received_ns).values)
        chunk_ns = length * 1_000_000_000 // decoder.rate_hz
        stamped = message.msgtype != PLAIN_TYPE
        return cls(sensor.name, decoder, chunk_ns=chunk_ns, stamped=stamped)

    def facts(self) -> dict[str, Any]:
        """Give the rate of what is played, and the highest frequency that is shown."""
        return {'rate': played_rate(self._rate_hz).hz, 'spectrum_hz': self._rate_hz / 2}

    def begin(self, span: Span, budget: int) -> None:
        """Forget what was heard; without a budget there will be a column every 25 ms."""
        # Of one's own: it knows the rate of the message that it read last.
        self._span, self._decode = span, copy(self._decode)
        columns = max(1.0, budget / _USUAL_BYTES_A_COLUMN)
        self._step_s = max(COLUMN_S, span.seconds / columns) if budget else COLUMN_S
        self._levels = np.zeros((int(span.seconds / self._step_s) + 1, BANDS), np.uint8)
        self._chunks: list[tuple[int, Samples]] = []
        self._piece_ns = span.start_ns
        self._length_ns = min(_PIECE_NS, span.end_ns - span.start_ns + 1)
        self._row = np.zeros(self._length_ns * self._rate_hz // 1_000_000_000, np.float32)
        self._heard = False

    def take(self, message: Message) -> None:
        """Hear one message; raises :class:`DecodeError` when it cannot be used."""
        sample = self._decode(message.data, message.received_ns)
        end_ns = self._end_ns(sample.stamp_ns, sample.values)
        outside = sample.stamp_ns > self._span.end_ns or end_ns <= self._span.start_ns
        if outside or self._decode.rate_hz != self._rate_hz:
            return
        self._heard = True
        self._chunks.append((sample.stamp_ns, sample.values))
        if sample.stamp_ns >= self._piece_ns + self._length_ns + _LATE_NS:
            self._analyse()

    def finish(self) -> Spectrum:
        """Give the spectrogram, and the sound where the span is short."""
        while self._chunks:
            self._analyse()
        samples = None
        if self._span.seconds <= _PIECE_NS / 1e9:
            played = played_rate(self._rate_hz).apply(self._row)
            samples = np.round(played * _LOUDEST).astype(np.int16)
        return Spectrum(self.name, self._rate_hz, self._step_s, self._levels, self._heard, samples)

    def _end_ns(self, stamp_ns: int, samples: Samples) -> int:
        return stamp_ns + len(samples) * 1_000_000_000 // self._rate_hz

    def _analyse(self) -> None:
        """Add the piece that is due to its columns, and go on to the next in which sound is."""
        length_ns, overlap_ns = self._length_ns, round(_WINDOW_S * 1e9)
        row = lay_out(self._chunks, self._piece_ns, length_ns + overlap_ns, self._rate_hz)
        if self._piece_ns == self._span.start_ns:
            self._row = row[: len(self._row)]
        levels = spectrogram(row, self._rate_hz)[: round(length_ns / 1e9 / COLUMN_S)]
        times_s = self._span.offset_s(self._piece_ns) + np.arange(len(levels)) * COLUMN_S
        columns = ((times_s + COLUMN_S / 2) / self._step_s).astype(np.int64)
        inside = columns < len(self._levels)
        np.maximum.at(self._levels, columns[inside], levels[inside])
        end_ns = self._piece_ns + length_ns
        self._chunks = [chunk for chunk in self._chunks if self._end_ns(*chunk) > end_ns]
        first_ns = min((stamp_ns for stamp_ns, _ in self._chunks), default=end_ns)
        skipped = max(0, first_ns - end_ns) // length_ns
        self._piece_ns = end_ns + skipped * length_ns

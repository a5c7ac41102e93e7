"""A microphone's recording as a spectrogram: a grey picture, a column for every short interval."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from xmodal_ros.bags.reading import Message
from xmodal_ros.media.picture import compress, media_type
from xmodal_ros.media.span import Span
from xmodal_ros.models.log_mel import LogMelStep, mel_weights
from xmodal_ros.streams.audio import AudioDecoder, AudioFormat

_FINEST_S: Final = 0.03
_USUAL_BYTES_A_COLUMN: Final = 16
# No picture format takes much wider ones.
_WIDEST: Final = 4096
# What is seen of it: from the room's noise up to the loudest.
_MOST_DB, _LEAST_DB = 70.0, 25.0
_NOISE_PERCENTILE: Final = 25
_BANDS: Final = (48, 24, 12, 8)
_LOWEST_HZ: Final = 50.0
# Chunks follow each other within this share of a frame, or sound is missing between them.
_GAP_S: Final = 0.1
_BLOCK_S: Final = 4.0


@dataclass(frozen=True, eq=False)
class Sound:
    """Pictures of ``bands`` rows, high notes on top, whose columns follow each other.

    A column covers ``step_s`` seconds; white stands for ``top_db``, black for ``top_db -
    range_db`` and less, in decibels of a full-scale square wave. Rows lie evenly on the mel scale
    between the two frequencies. ``columns`` is their number over all pictures, each but the last
    ``widest`` wide.
    """

    name: str
    step_s: float
    columns: int
    bands: int
    lowest_hz: float
    highest_hz: float
    top_db: float
    pictures: tuple[bytes, ...]
    media_type: str
    range_db: float
    widest: int = _WIDEST


class SoundPainter:
    """Takes a microphone's messages; memory stays at one column a step."""

    def __init__(
        self, name: str, msgtype: str, audio_format: AudioFormat | None, span: Span, budget: int
    ) -> None:
        self._name, self._span, self._budget = name, span, budget
        self._decode = AudioDecoder(msgtype, audio_format)
        columns = max(1.0, budget / _USUAL_BYTES_A_COLUMN)
        self._step_s = max(_FINEST_S, span.seconds / columns)
        self._columns = int(span.seconds / self._step_s) + 1
        self._step: LogMelStep | None = None
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_from_s = 0.0
        self._count = 0

    def take(self, message: Message) -> None:
        """Hear one message; raises :class:`DecodeError` when it cannot be used."""
        sample = self._decode(message.data, message.received_ns)
        if sample.stamp_ns not in self._span:
            return
        rate_hz = self._decode.rate_hz
        if self._step is None:
            self._step = _analysis(rate_hz)
            self._weights = mel_weights(self._step)
            self._energy = np.zeros((self._columns, self._step.bands))
            self._frames = np.zeros(self._columns)
        if rate_hz != self._step.rate_hz:
            return
        start_s = self._span.offset_s(sample.stamp_ns)
        if not self._waiting:
            self._waiting_from_s = start_s
        elif abs(start_s - self._waiting_from_s - self._count / rate_hz) > _GAP_S:
            self._analyse(self._step)
            self._waiting, self._count, self._waiting_from_s = [], 0, start_s
        self._waiting.append(sample.values)
        self._count += len(sample.values)
        if self._count >= _BLOCK_S * rate_hz:
            self._analyse(self._step)

    def finish(self) -> Sound | None:
        """Give the spectrogram, None where nothing could be heard."""
        if self._step is None:
            return None
        self._analyse(self._step)
        heard = self._frames > 0
        if not heard.any():
            return None
        mean = self._energy / np.maximum(self._frames, 1)[:, None]
        decibels = 10 * np.log10(np.maximum(mean, 1e-12))
        top_db = float(np.percentile(decibels[heard].max(axis=1), 99.5))
        noise_db = float(np.percentile(decibels[heard], _NOISE_PERCENTILE))
        range_db = min(_MOST_DB, max(_LEAST_DB, top_db - noise_db))
        shades = np.clip((decibels - top_db) / range_db + 1, 0, 1) * 255
        picture = np.where(heard[:, None], shades, 0).astype(np.uint8).T[::-1]
        return Sound(
            name=self._name,
            step_s=self._step_s,
            columns=self._columns,
            bands=self._step.bands,
            lowest_hz=self._step.lowest_hz,
            highest_hz=self._step.rate_hz / 2,
            top_db=top_db,
            pictures=tuple(
                compress(part, self._budget * part.shape[1] // self._columns)
                for first in range(0, self._columns, _WIDEST)
                for part in [np.ascontiguousarray(picture[:, first : first + _WIDEST])]
            ),
            media_type=media_type(),
            range_db=range_db,
        )

    def _analyse(self, step: LogMelStep) -> None:
        """Add the waiting sound's frames to their columns, and keep what is too short for one."""
        sound = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        length, hop = step.frame_steps, step.hop_steps
        count = (len(sound) - length) // hop + 1
        if count <= 0:
            return
        frames = np.lib.stride_tricks.sliding_window_view(sound, length)[::hop][:count]
        energies = _energies(frames, step, self._weights)
        centres_s = self._waiting_from_s + (np.arange(count) * hop + length / 2) / step.rate_hz
        columns = (centres_s / self._step_s).astype(np.int64)
        inside = (columns >= 0) & (columns < self._columns)
        np.add.at(self._energy, columns[inside], energies[inside])
        np.add.at(self._frames, columns[inside], 1)
        self._waiting_from_s += count * hop / step.rate_hz
        self._waiting, self._count = [sound[count * hop :]], len(sound) - count * hop


def _analysis(rate_hz: int) -> LogMelStep:
    """Choose as many bands as the rate can tell apart."""
    for bands in _BANDS[:-1]:
        try:
            return _step(rate_hz, bands)
        except ValidationError:
            continue
    return _step(rate_hz, _BANDS[-1])


def _step(rate_hz: int, bands: int) -> LogMelStep:
    return LogMelStep(
        rate_hz=rate_hz, bands=bands, frame_s=0.032, frame_hop_s=0.016, lowest_hz=_LOWEST_HZ
    )


def _energies(
    frames: NDArray[Any], step: LogMelStep, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    taper = np.hanning(step.frame_steps + 1)[:-1]
    spectrum = np.fft.rfft(frames * (taper / taper.sum()), step.transform_steps, axis=1)
    energies: NDArray[np.float64] = (np.abs(spectrum) ** 2) @ weights.T
    return energies

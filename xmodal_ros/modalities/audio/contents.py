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

"""What the messages of a microphone hold, and what is doubtful about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentDetails, ContentReader
from xmodal_ros.streams.sample import BlockDecoder, Decoder, Sample, SampleBlock

_SECOND_NS: Final = 1_000_000_000
# A rate of samples measured over less says more about the chunks than about the device.
_SHORTEST_SPAN_NS: Final = _SECOND_NS // 2
_PAUSE_NS: Final = 3 * _SECOND_NS // 10
_SAMPLE_RATE_ERROR: Final = 0.03
# Less sound, in seconds, says little of its loudness.
_ENOUGH_S: Final = 0.5
_FAINT: Final = 1e-3
_FULL_SCALE, _CLIPPED_SHARE = 0.9999, 1e-3
_OFFSET: Final = 0.2
# What is loud, and no sample tells anything of the next.
_LOUD, _UNRELATED = 0.3, 0.2


@dataclass(frozen=True)
class AudioDetails(ContentDetails):
    """The sound, and how it is coded.

    ``heard_rate_hz`` is how many samples a second came, None where too little did; ``peak`` is the
    largest absolute sample, 1 being full scale, where the share ``clipped`` of ``samples`` lies
    together with both neighbours; ``mean`` is their mean, ``rms`` the root of their mean square.
    ``related`` are their correlations with the next samples and those after them.
    """

    rate_hz: int
    heard_rate_hz: float | None
    peak: float
    clipped: float = 0.0
    mean: float = 0.0
    samples: int = 0
    rms: float = 0.0
    related: tuple[float, float] = (1.0, 1.0)

    def in_words(self) -> Iterator[str]:
        """Say format and loudness."""
        stated = self.stated
        coding = f' {stated.sample_format} x{stated.channels}' if stated else ''
        yield f'{self.rate_hz} Hz{coding}, peak {self.peak:.2f}'

    def check(self) -> Iterator[Problem]:
        """Doubt the rate that is stated, silence, and sound that was cut off."""
        heard_hz = self.heard_rate_hz
        if heard_hz is not None and abs(heard_hz / self.rate_hz - 1) > _SAMPLE_RATE_ERROR:
            yield CHECKS['sample-rate'].found(
                f'{heard_hz:.0f} samples a second come, {self.rate_hz} are stated'
            )
        if self.peak == 0:
            yield CHECKS['mute'].found('the sound is all zeros')
        if self.samples < _ENOUGH_S * self.rate_hz:
            return
        if 0 < self.peak < _FAINT:
            yield CHECKS['faint'].found(
                f'the sound stays below {self.peak:.1g} of full scale ({_decibels(self.peak)} dB)'
            )
        if self.clipped > _CLIPPED_SHARE:
            yield CHECKS['clipped'].found(f'{self.clipped:.1%} of the samples lie at full scale')
        next_one, next_but_one = self.related
        # A tone of a quarter of the rate is unlike its next sample, too.
        if self.rms > _LOUD and abs(next_one) < _UNRELATED and next_but_one > -_UNRELATED:
            yield CHECKS['noise'].found(
                f'the sound is white noise of {self.rms:.2f} of full scale (rms)'
            )
        if abs(self.mean) > _OFFSET:
            yield CHECKS['offset'].found(
                f'the sound lies about {self.mean:+.2f} of full scale, not about 0'
            )


def _decibels(value: float) -> int:
    return round(20 * float(np.log10(value)))


@dataclass(frozen=True, eq=False)
class Chunk(Sample):
    """A chunk of sound with its figures, which are taken once of each.

    The largest absolute sample, how many lie at full scale, the sum of all, and that of the
    products of samples with themselves, with the next ones and with those after them.
    """

    peak: float = 0.0
    clipped: int = 0
    total: float = 0.0
    products: tuple[float, float, float] = (0.0, 0.0, 0.0)


class SoundReader(ContentReader):
    """Reads chunks of sound."""

    def __init__(self, decode: Decoder, stated: AudioFormat | None) -> None:
        super().__init__(decode, lambda _samples: None)
        self._stated = stated

    def read(self, data: bytes, received_ns: int) -> Chunk:
        """Decode a message and take its figures; raises :class:`DecodeError`."""
        sample = super().read(data, received_ns)
        return _chunks([sample], sample.values[None])[0]

    def read_block(
        self,
        messages: Sequence[bytes],
        decoded: SampleBlock | None = None,  # noqa: ARG002 - by a decoder of its own
    ) -> list[Sample] | None:
        """Decode messages of one size at once, and take their figures."""
        decode: object = self._decode
        block = decode.block(messages) if isinstance(decode, BlockDecoder) else None
        return None if block is None else [*_chunks(block.samples(), block.values)]

    def details(
        self,
        blocks: Sequence[Sequence[Sample]],
        refused: Mapping[str, int],  # noqa: ARG002 - what is refused has no loudness
    ) -> AudioDetails | None:
        """Put the sound into figures."""
        chunks = [[each for each in block if isinstance(each, Chunk)] for block in blocks]
        return _measure(chunks, self._stated) if any(chunks) else None


def _chunks(samples: Sequence[Sample], values: NDArray[Any]) -> list[Chunk]:
    """Take the figures of chunks whose values are (N, n)."""
    size, wide = np.abs(values), values.astype(np.float64)
    figures = (
        size.max(axis=1).tolist(),
        _clipped(size).tolist(),
        values.sum(axis=1).tolist(),
        zip(*(_products(wide, later).tolist() for later in range(3)), strict=True),
    )
    return [
        Chunk(each.stamp_ns, each.frame_id, each.values, each.rate_hz, *its)
        for each, its in zip(samples, zip(*figures, strict=True), strict=True)
    ]


def _clipped(size: NDArray[Any]) -> NDArray[np.int64]:
    """Count samples at full scale between two others: the top of a wave is there by itself."""
    full = size >= _FULL_SCALE
    count: NDArray[np.int64] = (full[:, :-2] & full[:, 1:-1] & full[:, 2:]).sum(axis=1)
    return count


def _products(values: NDArray[np.float64], later: int) -> NDArray[np.float64]:
    """Sum the products of samples with those so much later in their chunk."""
    first = values[:, : values.shape[1] - later]
    products: NDArray[np.float64] = np.einsum('ij,ij->i', first, values[:, later:])
    return products


def _measure(blocks: Sequence[Sequence[Chunk]], stated: AudioFormat | None) -> AudioDetails:
    """Put chunks (n,) of sound, in blocks of neighbours, into figures; there must be one."""
    span_ns = count = 0
    for chunk, after in (pair for block in blocks for pair in pairwise(block)):
        step_ns = after.stamp_ns - chunk.stamp_ns
        # A pause, as between clips, is no loss.
        if step_ns - len(chunk.values) * _SECOND_NS // chunk.rate_hz <= _PAUSE_NS:
            span_ns += step_ns
            count += len(chunk.values)
    chunks = [chunk for block in blocks for chunk in block]
    total = sum(len(chunk.values) for chunk in chunks)
    whole, next_one, next_but_one = (sum(c.products[n] for c in chunks) for n in range(3))
    return AudioDetails(
        stated=stated,
        rate_hz=chunks[-1].rate_hz,
        heard_rate_hz=count * _SECOND_NS / span_ns if span_ns > _SHORTEST_SPAN_NS else None,
        peak=max(chunk.peak for chunk in chunks),
        clipped=sum(chunk.clipped for chunk in chunks) / total,
        mean=sum(chunk.total for chunk in chunks) / total,
        samples=total,
        rms=math.sqrt(whole / total),
        related=(next_one / whole, next_but_one / whole) if whole else (1.0, 1.0),
    )

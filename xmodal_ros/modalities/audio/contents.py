"""What the messages of a microphone hold, and what is doubtful about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.contents import ContentDetails, Problem
from xmodal_ros.streams.sample import Sample

_SECOND_NS: Final = 1_000_000_000
# A rate of samples measured over less says more about the chunks than about the device.
_SHORTEST_SPAN_NS: Final = _SECOND_NS // 2
_SAMPLE_RATE_ERROR: Final = 0.03


@dataclass(frozen=True)
class AudioDetails(ContentDetails):
    """The sound, and how it is coded.

    ``heard_rate_hz`` is how many samples a second came, None where too little did; ``peak`` is the
    largest absolute sample, 1 being full scale.
    """

    rate_hz: int
    heard_rate_hz: float | None
    peak: float

    def in_words(self) -> Iterator[str]:
        """Say format and loudness."""
        stated = self.stated
        coding = f' {stated.sample_format} x{stated.channels}' if stated else ''
        yield f'{self.rate_hz} Hz{coding}, peak {self.peak:.2f}'

    def check(self) -> Iterator[Problem]:
        """Doubt the rate that is stated, and silence."""
        heard_hz = self.heard_rate_hz
        if heard_hz is not None and abs(heard_hz / self.rate_hz - 1) > _SAMPLE_RATE_ERROR:
            yield Problem(
                'warning',
                'sample-rate',
                f'{heard_hz:.0f} samples a second come, {self.rate_hz} are stated',
                'look for lost chunks (is the publisher reliable?) or correct the rate stated',
            )
        if self.peak == 0:
            yield Problem(
                'warning',
                'mute',
                'the sound is all zeros',
                'see whether the microphone is muted or another device is meant',
            )


def measure(samples: Sequence[Sample], stated: AudioFormat | None) -> AudioDetails:
    """Put chunks (n,) of sound into figures; there must be one."""
    span_ns = samples[-1].stamp_ns - samples[0].stamp_ns
    count = sum(len(sample.values) for sample in samples[:-1])
    return AudioDetails(
        stated=stated,
        rate_hz=samples[-1].rate_hz,
        heard_rate_hz=count * _SECOND_NS / span_ns if span_ns > _SHORTEST_SPAN_NS else None,
        peak=max(float(np.abs(sample.values).max()) for sample in samples),
    )

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

"""The steps of preprocessing, which are saved with the weights, so that training and robot cannot
drift apart; without torch.
"""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.windows.windowing import WindowingSpec

if TYPE_CHECKING:
    from torch import nn


class StepConfig(BaseModel, ABC):
    """A step: windows (B, steps, ..., C) to windows (B, steps', ..., C')."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    gives: ClassVar[EncoderInput | None] = None
    """What it makes of windows of another kind; None where they stay what they are."""

    kind: str

    def channels(self, before: int) -> int:
        """Give the number of channels that come out where ``before`` go in."""
        return before

    def check(self, window: WindowingSpec, channels: int) -> None:
        """Raise ValueError for windows, of so many channels here, that it cannot be used on."""

    @abstractmethod
    def build(self) -> 'nn.Module':
        """Build the module that does it; it has no weights."""


class StandardiseStep(StepConfig):
    """Subtract ``mean`` and divide by ``std``, one number a channel (the last axis)."""

    kind: Literal['standardise'] = 'standardise'
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]

    def check(self, window: WindowingSpec, channels: int) -> None:  # noqa: ARG002
        """Raise ValueError unless there is a mean and a deviation for each channel."""
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(
                f'a standardise step holds {len(self.mean)} means and {len(self.std)} '
                f'deviations for {channels} channels'
            )

    def build(self) -> 'nn.Module':
        """Build the module that does it."""
        from xmodal_ros.models.modeling_preprocessing import Standardise

        return Standardise(self)


class MotionStep(StepConfig):
    """Append each channel's difference to the step before, as further channels."""

    kind: Literal['motion'] = 'motion'

    def channels(self, before: int) -> int:
        """Give twice as many."""
        return 2 * before

    def build(self) -> 'nn.Module':
        """Build the module that does it."""
        from xmodal_ros.models.modeling_preprocessing import AppendMotion

        return AppendMotion()


class MagnitudeStep(StepConfig):
    """Append the length of each triple of channels (x y z), which no rotation changes."""

    kind: Literal['magnitude'] = 'magnitude'

    def channels(self, before: int) -> int:
        """Give one more for every three."""
        return before + before // 3

    def check(self, window: WindowingSpec, channels: int) -> None:  # noqa: ARG002
        """Raise ValueError where channels do not come in triples."""
        if channels % 3:
            raise ValueError(f'magnitudes need triples of channels, not {channels}')

    def build(self) -> 'nn.Module':
        """Build the module that does it."""
        from xmodal_ros.models.modeling_preprocessing import Magnitude

        return Magnitude()


class LogMelStep(StepConfig):
    """Turn sound (B, steps) at ``rate_hz`` into log-mel frames (B, frames, bands).

    A frame of ``frame_s`` every ``frame_hop_s``, both in seconds, weighted by a periodic Hann
    window that is divided by its sum; its power spectrum, by a transform of the next power of
    two, is summed under triangles of height one. Their corners lie evenly on HTK's mel scale,
    ``2595 log10(1 + f / 700)``, between ``lowest_hz`` and half the rate. Out comes the natural
    logarithm of the energy or of ``floor``, the greater of the two; a full-scale sine at the top
    of a triangle has 1/4 to 1/2, so the default floor is some 95 dB below it. Frames lie wholly
    inside the window: nothing is padded.
    """

    gives: ClassVar[EncoderInput | None] = 'spectrogram'

    kind: Literal['log_mel'] = 'log_mel'
    rate_hz: Annotated[int, Field(ge=1000, le=192_000)]
    bands: Annotated[int, Field(ge=8, le=512)] = 64
    frame_s: Annotated[float, Field(gt=0, le=1)] = 0.025
    frame_hop_s: Annotated[float, Field(gt=0, le=1)] = 0.01
    lowest_hz: Annotated[float, Field(ge=0)] = 50.0
    floor: Annotated[float, Field(gt=0, le=1)] = 1e-10

    @model_validator(mode='after')
    def _every_band_hears(self) -> Self:
        if self.frame_steps < 2 or self.hop_steps < 1:
            raise ValueError(f'frames of {self.frame_s} s hold too few samples at {self.rate_hz}')
        if self.lowest_hz >= self.rate_hz / 2:
            raise ValueError(f'lowest_hz = {self.lowest_hz} is not below half the rate')
        if not mel_weights(self).any(axis=1).all():
            raise ValueError(
                f'{self.bands} bands are too narrow for frames of {self.frame_s} s at '
                f'{self.rate_hz} Hz: some would hold nothing'
            )
        return self

    @property
    def frame_steps(self) -> int:
        """Samples in a frame."""
        return round(self.frame_s * self.rate_hz)

    @property
    def hop_steps(self) -> int:
        """Samples from one frame to the next."""
        return round(self.frame_hop_s * self.rate_hz)

    @property
    def transform_steps(self) -> int:
        """Points of the Fourier transform: a frame and zeros around it."""
        return 1 << (self.frame_steps - 1).bit_length()

    def channels(self, before: int) -> int:  # noqa: ARG002 - sound has none
        """Give the number of bands."""
        return self.bands

    def check(self, window: WindowingSpec, channels: int) -> None:  # noqa: ARG002
        """Raise ValueError for windows at another rate, or shorter than a transform."""
        if self.rate_hz != window.rate_hz:
            raise ValueError(
                f'a log_mel step is for {self.rate_hz} Hz, but windows are of {window.rate_hz} Hz'
            )
        if window.steps < self.transform_steps:
            raise ValueError(
                f'windows of {window.steps} samples are too short for a transform of '
                f'{self.transform_steps}'
            )

    def build(self) -> 'nn.Module':
        """Build the module that does it."""
        from xmodal_ros.models.modeling_preprocessing import LogMel

        return LogMel(self)


PreprocessingStep = Annotated[
    StandardiseStep | MotionStep | MagnitudeStep | LogMelStep, Field(discriminator='kind')
]


def mel_weights(step: LogMelStep) -> NDArray[np.float64]:
    """Give the weight of each bin of the power spectrum in each band, (bands, bins)."""
    edges_mel = np.linspace(
        _mel(step.lowest_hz), _mel(step.rate_hz / 2), step.bands + 2, dtype=np.float64
    )
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    bins = np.fft.rfftfreq(step.transform_steps, 1 / step.rate_hz)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - lower) / (centre - lower), (upper - bins) / (upper - centre)
    weights: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
    return weights


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))

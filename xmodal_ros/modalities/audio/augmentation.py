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

"""Changes to training windows of sound: rooms, microphones and moments differ."""

from dataclasses import dataclass
import math
from typing import Final

import torch
from torch import Generator, Tensor

from xmodal_ros.modalities.augmentation import normal, uniform
from xmodal_ros.non_blocking import to_device

_OCTAVES: Final = 6


@dataclass(frozen=True)
class AudioAugmentation:
    """Rooms, microphones and moments differ: shift, drown, filter, cover and scale the sound.

    ``shift`` bounds a move in time as a share of the window, what leaves at one end coming in at
    the other. Noise whose amplitude falls with frequency, by a power of 0 to 1, is added
    ``quietest_noise_db`` to ``loudest_noise_db`` relative to the sound. As in SpecAugment (Park et
    al., Interspeech 2019), but on the waveform, one band of frequencies is taken out, and one
    stretch of time is covered by noise of the window's own spectrum: ``band`` is the widest as a
    share of the six octaves below half the sampling rate, ``cover`` the longest as a share of the
    window. ``gain_db`` is the spread of a factor on everything.
    """

    shift: float = 0.1
    quietest_noise_db: float = -45.0
    loudest_noise_db: float = -15.0
    band: float = 0.2
    cover: float = 0.2
    gain_db: float = 6.0

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps) of any dtype; gives float32."""
        count, steps = windows.shape
        move = uniform((count,), -self.shift, self.shift, generator) * steps
        sound = torch.stack(
            [
                window.roll(int(by))
                for window, by in zip(windows.to(torch.float32), move.tolist(), strict=True)
            ]
        )
        spectrum = torch.fft.rfft(sound)
        shape = tuple(spectrum.shape)
        white = torch.complex(normal(shape, generator, sound), normal(shape, generator, sound))
        spectrum = spectrum + self._noise(white, spectrum, generator)
        spectrum = spectrum * self._kept(spectrum, generator)
        changed: Tensor = torch.fft.irfft(spectrum, n=steps)
        drone: Tensor = torch.fft.irfft(spectrum.abs() * white / math.sqrt(2), n=steps)
        covered = to_device(_span(count, steps, self.cover, generator), windows.device)
        gain = _factor(self.gain_db * normal((count, 1), generator, windows))
        return torch.where(covered, drone, changed) * gain

    def _noise(self, white: Tensor, spectrum: Tensor, generator: Generator) -> Tensor:
        count, bins = spectrum.shape
        fall = to_device(uniform((count, 1), 0, 1, generator), spectrum.device)
        frequency = torch.arange(1, bins + 1, device=spectrum.device)
        noise: Tensor = white * frequency**-fall
        # A constant is heard by nobody.
        noise[:, 0] = 0
        level = uniform((count, 1), self.quietest_noise_db, self.loudest_noise_db, generator)
        ours, theirs = (
            torch.linalg.vector_norm(each, dim=1, keepdim=True) for each in (spectrum, noise)
        )
        factor: Tensor = _factor(to_device(level, spectrum.device)) * ours / theirs
        return noise * factor

    def _kept(self, spectrum: Tensor, generator: Generator) -> Tensor:
        """Give a mask (B, bins) that is false in one band, drawn evenly over the octaves."""
        count, bins = spectrum.shape
        octave = torch.log2(torch.arange(bins) / (bins - 1) + 1e-9) / _OCTAVES + 1
        width = uniform((count, 1), 0, self.band, generator)
        low = uniform((count, 1), 0, 1, generator) * (1 - width)
        return to_device((octave < low) | (octave >= low + width), spectrum.device)


def _factor(decibel: Tensor) -> Tensor:
    """Give the factor on amplitudes."""
    return torch.pow(10.0, decibel / 20)


def _span(count: int, size: int, share: float, generator: Generator) -> Tensor:
    """Give masks (count, size) that are true in one stretch of at most that share, anywhere."""
    length = uniform((count, 1), 0, share, generator) * size
    start = uniform((count, 1), 0, 1, generator) * (size - length)
    steps = torch.arange(size)
    return (steps >= start) & (steps < start + length)

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

"""Preprocessing: what each step computes, all of them in order, and the statistics of a step."""

from collections.abc import Sequence
import functools
import math
from typing import Final, Protocol

import torch
from torch import nn, Tensor
from torch.nn.functional import conv1d

from xmodal_ros.models.configuration_preprocessing import (
    LogMelStep,
    mel_weights,
    PreprocessingStep,
    StandardiseStep,
)
from xmodal_ros.models.lazy_tensor import WindowTensor


class Standardise(nn.Module):
    """Computes what a :class:`StandardiseStep` says."""

    mean: Tensor
    std: Tensor

    def __init__(self, step: StandardiseStep) -> None:
        super().__init__()
        # Not persistent: bundle.json is their one home.
        self.register_buffer('mean', torch.tensor(step.mean), persistent=False)
        self.register_buffer('std', torch.tensor(step.std), persistent=False)

    def forward(self, window: Tensor) -> Tensor:
        """Standardise windows (B, steps, ..., C)."""
        # For each channel of two axes: torch and onnxruntime take several times as long over each
        # few numbers of a short one, to the same bits.
        mean, std = (each.expand(window.shape[-2:]) for each in (self.mean, self.std))
        return (window - mean.contiguous()) / std.contiguous()


class AppendMotion(nn.Module):
    """Appends differences in time."""

    def forward(self, window: Tensor) -> Tensor:
        """Give windows (B, steps, ..., 2 C)."""
        motion = torch.diff(window, dim=1, prepend=window[:, :1])
        return torch.cat([window, motion], dim=-1)


class Magnitude(nn.Module):
    """Appends the lengths of triples."""

    def forward(self, window: Tensor) -> Tensor:
        """Give windows (B, steps, 4 C / 3)."""
        triples = window.unflatten(-1, (-1, 3))
        return torch.cat([window, torch.linalg.vector_norm(triples, dim=-1)], dim=-1)


# Of so many samples at most, a transform takes onnxruntime longer than the sums that it saves.
_SUMS_FOR: Final = 512


class LogMel(nn.Module):
    """Computes what a :class:`LogMelStep` says, in float32 whatever the precision around it."""

    weights: Tensor
    taper: Tensor
    waves: Tensor | None

    def __init__(self, step: LogMelStep) -> None:
        super().__init__()
        self.step = step
        # Not persistent: bundle.json says all that they are made from.
        weights = torch.from_numpy(mel_weights(step).T).float().contiguous()
        self.register_buffer('weights', weights, persistent=False)
        taper = torch.hann_window(step.frame_steps, dtype=torch.float64)
        self.register_buffer('taper', (taper / taper.sum()).float(), persistent=False)
        short = step.transform_steps <= _SUMS_FOR
        waves = _waves(step, taper / taper.sum()) if short else None
        self.register_buffer('waves', waves, persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """Give log-mel frames (B, frames, bands) of sound (B, steps)."""
        step = self.step
        # Energies span eight decades and more: half precision would hold three.
        with torch.autocast(sound.device.type, enabled=False):
            if self.waves is not None and torch.compiler.is_compiling():
                power = self._power_by_sums(sound.float(), self.waves)
            else:
                spectrum = torch.stft(
                    sound.float(),
                    n_fft=step.transform_steps,
                    hop_length=step.hop_steps,
                    win_length=step.frame_steps,
                    window=self.taper,
                    center=False,
                    return_complex=True,
                )
                power = torch.view_as_real(spectrum).square().sum(dim=-1)
            energy = torch.matmul(power.transpose(1, 2), self.weights)
            return energy.clamp_min(step.floor).log()

    def _power_by_sums(self, sound: Tensor, waves: Tensor) -> Tensor:
        """Give the power spectra (B, bins, frames) as what is exported computes them.

        onnxruntime takes longer over a short Fourier transform than over the sums that it saves.
        """
        step = self.step
        frames = 1 + (sound.shape[1] - step.transform_steps) // step.hop_steps
        # Frames lie in the middle of what is transformed; the rest of that is weighted by zero.
        first = (step.transform_steps - step.frame_steps) // 2
        last = first + (frames - 1) * step.hop_steps + step.frame_steps
        parts = conv1d(sound[:, None, first:last], waves, stride=step.hop_steps)
        cosines, sines = parts.chunk(2, dim=1)
        return cosines * cosines + sines * sines


def _waves(step: LogMelStep, taper: Tensor) -> Tensor:
    """Give the cosines and sines (2 bins, 1, frame) of a frame's power spectrum, tapered."""
    bins = torch.arange(step.transform_steps // 2 + 1)[:, None]
    turns = bins * torch.arange(step.frame_steps) % step.transform_steps
    angles = 2 * math.pi * turns.double() / step.transform_steps
    return (torch.cat([angles.cos(), angles.sin()]) * taper).float()[:, None]


class Preprocessing(nn.Module):
    """Raw windows (B, steps, ..., C) of any dtype in SI units to float32 (B, steps', ..., C').

    Sound comes without an axis of channels, as (B, steps); a log-mel step gives it one.
    """

    def __init__(self, steps: Sequence[PreprocessingStep]) -> None:
        super().__init__()
        self.steps = tuple(steps)
        self.modules_in_order = nn.ModuleList(step.build() for step in steps)

    def forward(self, window: Tensor) -> Tensor:
        """Apply every step in order."""
        window = window.to(torch.float32)
        for module in self.modules_in_order:
            window = module(window)
        return window

    def channels(self, raw_channels: int) -> int:
        """Give the number of channels that come out where ``raw_channels`` go in."""
        for step in self.steps:
            raw_channels = step.channels(raw_channels)
        return raw_channels


_PART: Final = 64


class Sharing(Protocol):
    """Several processes that each do their share of rows; one alone has no need of it."""

    def share(self, rows: int) -> slice:
        """Give which of so many rows are this process's."""

    def gather(self, own: Tensor, rows: slice, total: int) -> Tensor:
        """Gather what each process has of its rows (R, ...) into (total, ...)."""


class _Alone:
    def share(self, rows: int) -> slice:
        return slice(0, rows)

    def gather(self, own: Tensor, rows: slice, total: int) -> Tensor:  # noqa: ARG002
        return own


def fit_standardise(
    derived: Sequence[PreprocessingStep],
    windows: WindowTensor,
    sharing: Sharing = _Alone(),
) -> StandardiseStep:
    """Measure mean and deviation of each channel after the steps ``derived``.

    ``windows`` (N, steps, ..., C), or (N, steps) of sound, are raw training windows. A channel
    that never changes gets a deviation of one. Any number of processes gives the same.
    """
    preprocess = Preprocessing(derived)
    channels = preprocess(windows[:1]).shape[-1]

    # In parts, for a camera's windows as float64 would fill the memory; about the first part's
    # mean, for squares of large numbers would cancel.
    def values(part: int) -> Tensor:
        found: Tensor = preprocess(windows[part * _PART : (part + 1) * _PART])
        return found.flatten(0, -2).double()

    parts = max(1, math.ceil(len(windows) / _PART))
    own = sharing.share(parts)
    first = [values(0)] if own.start == 0 < own.stop else []
    centres = torch.zeros((len(first), channels)).double()
    if first:
        centres[0] = first[0].mean(dim=0)
    origin = sharing.gather(centres, slice(0, len(first)), 1)
    sums = torch.zeros((own.stop - own.start, 3, channels)).double()
    for number, part in enumerate(range(own.start, own.stop)):
        found = values(part) if part else first.pop()
        moved = found - origin
        sums[number, 0] = len(found)
        sums[number, 1], sums[number, 2] = moved.sum(dim=0), moved.square().sum(dim=0)
    # One after the other, so that the last bits are the same however many added them.
    count, total, squares = functools.reduce(torch.add, sharing.gather(sums, own, parts))
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    mean = mean + origin[0]
    deviation = torch.where(deviation > 1e-6, deviation, 1.0)
    return StandardiseStep(
        mean=tuple(round(x, 9) for x in mean.tolist()),
        std=tuple(round(x, 9) for x in deviation.tolist()),
    )

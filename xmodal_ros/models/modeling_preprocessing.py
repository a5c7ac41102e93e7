"""Preprocessing: what each step computes, all of them in order, and the statistics of a step."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn, Tensor

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
        return (window - self.mean) / self.std


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


class LogMel(nn.Module):
    """Computes what a :class:`LogMelStep` says, in float32 whatever the precision around it."""

    weights: Tensor
    taper: Tensor

    def __init__(self, step: LogMelStep) -> None:
        super().__init__()
        self.step = step
        # Not persistent: bundle.json says all that they are made from.
        weights = torch.from_numpy(mel_weights(step).T).float().contiguous()
        self.register_buffer('weights', weights, persistent=False)
        taper = torch.hann_window(step.frame_steps, dtype=torch.float64)
        self.register_buffer('taper', (taper / taper.sum()).float(), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """Give log-mel frames (B, frames, bands) of sound (B, steps)."""
        step = self.step
        # Energies span eight decades and more: half precision would hold three.
        with torch.autocast(sound.device.type, enabled=False):
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


def fit_standardise(
    derived: Sequence[PreprocessingStep], windows: WindowTensor
) -> StandardiseStep:
    """Measure mean and deviation of each channel after the steps ``derived``.

    ``windows`` (N, steps, ..., C), or (N, steps) of sound, are raw training windows. A channel
    that never changes gets a deviation of one.
    """
    preprocess = Preprocessing(derived)
    channels = preprocess(windows[:1]).shape[-1]
    count, total, squares = 0, torch.zeros(channels).double(), torch.zeros(channels).double()
    # In parts, for a camera's windows as float64 would fill the memory; about the first window's
    # mean, for squares of large numbers would cancel.
    origin = None
    for part in windows.split(_PART):
        values = preprocess(part).flatten(0, -2).double()
        origin = values.mean(dim=0) if origin is None else origin
        count += len(values)
        total += (values - origin).sum(dim=0)
        squares += (values - origin).square().sum(dim=0)
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    mean = mean + (0 if origin is None else origin)
    deviation = torch.where(deviation > 1e-6, deviation, 1.0)
    return StandardiseStep(
        mean=tuple(round(x, 9) for x in mean.tolist()),
        std=tuple(round(x, 9) for x in deviation.tolist()),
    )

"""Preprocessing as a list of steps that is saved with the weights, so that training and robot
cannot drift apart.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
import torch
from torch import nn, Tensor

from xmodal_ros.models.lazy_tensor import WindowTensor
from xmodal_ros.models.log_mel import LogMel, LogMelStep


class StandardiseStep(BaseModel):
    """Subtract ``mean`` and divide by ``std``, one number a channel (the last axis)."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['standardise'] = 'standardise'
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]


class MotionStep(BaseModel):
    """Append each channel's difference to the step before, as further channels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['motion'] = 'motion'


class MagnitudeStep(BaseModel):
    """Append the length of each triple of channels (x y z), which no rotation changes."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['magnitude'] = 'magnitude'


PreprocessingStep = Annotated[
    StandardiseStep | MotionStep | MagnitudeStep | LogMelStep, Field(discriminator='kind')
]


class _Standardise(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, step: StandardiseStep) -> None:
        super().__init__()
        # Not persistent: bundle.json is their one home.
        self.register_buffer('mean', torch.tensor(step.mean), persistent=False)
        self.register_buffer('std', torch.tensor(step.std), persistent=False)

    def forward(self, window: Tensor) -> Tensor:
        return (window - self.mean) / self.std


class _Motion(nn.Module):
    def forward(self, window: Tensor) -> Tensor:
        motion = torch.diff(window, dim=1, prepend=window[:, :1])
        return torch.cat([window, motion], dim=-1)


class _Magnitude(nn.Module):
    def forward(self, window: Tensor) -> Tensor:
        triples = window.unflatten(-1, (-1, 3))
        return torch.cat([window, torch.linalg.vector_norm(triples, dim=-1)], dim=-1)


class Preprocessing(nn.Module):
    """Raw windows (B, steps, ..., C) of any dtype in SI units to float32 (B, steps', ..., C').

    Sound comes without an axis of channels, as (B, steps); a log-mel step gives it one.
    """

    def __init__(self, steps: Sequence[PreprocessingStep]) -> None:
        super().__init__()
        self.steps = tuple(steps)
        self.modules_in_order = nn.ModuleList(_module(step) for step in steps)

    def forward(self, window: Tensor) -> Tensor:
        """Apply every step in order."""
        window = window.to(torch.float32)
        for module in self.modules_in_order:
            window = module(window)
        return window

    def channels(self, raw_channels: int) -> int:
        """Give the number of channels that come out where ``raw_channels`` go in."""
        for step in self.steps:
            if isinstance(step, MotionStep):
                raw_channels *= 2
            elif isinstance(step, MagnitudeStep):
                raw_channels += raw_channels // 3
            elif isinstance(step, LogMelStep):
                raw_channels = step.bands
        return raw_channels


def _module(step: PreprocessingStep) -> nn.Module:
    if isinstance(step, StandardiseStep):
        return _Standardise(step)
    if isinstance(step, LogMelStep):
        return LogMel(step)
    return _Motion() if isinstance(step, MotionStep) else _Magnitude()


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

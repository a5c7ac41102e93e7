"""Encoders: preprocessed windows (B, steps, ...) to tokens (B, T, d), one a modality.

All normalise by group or layer, never by batch, so that a batch of one on a robot gives what
training gave.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
import torch
from torch import nn, Tensor
from torch.nn import functional


class ImuCnn(BaseModel):
    """A convolutional net over time in the manner of CNN-HAR (WHAR Arena, 2026)."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['imu_cnn'] = 'imu_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class CameraCnn(BaseModel):
    """2-D convolutions with temporal shift (Lin, Gan, Han, ICCV 2019) between the frames."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['camera_cnn'] = 'camera_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 16
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


EncoderSpec = Annotated[ImuCnn | CameraCnn, Field(discriminator='kind')]

_GROUPS = 8


class _ImuEncoder(nn.Module):
    def __init__(self, spec: ImuCnn, channels: int) -> None:
        super().__init__()
        sizes = [channels, spec.width, spec.width, spec.width, spec.dim]
        # The third and fourth halve the rate: 100 steps become 25 tokens.
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(sizes)):
            stride = 2 if index in (1, 2) else 1
            layers += [
                nn.Conv1d(before, after, kernel_size=5, stride=stride, padding=2),
                nn.GroupNorm(_GROUPS, after),
                nn.GELU(),
                nn.Dropout(spec.dropout),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, window: Tensor) -> Tensor:
        tokens: Tensor = self.layers(window.transpose(1, 2)).transpose(1, 2)
        return tokens


class _ShiftedBlock(nn.Module):
    """A residual block whose input shares an eighth of its channels with each time neighbour."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.first_norm = nn.GroupNorm(_GROUPS, after)
        self.mix = nn.Conv2d(after, after, 3, padding=1, groups=after)
        self.project = nn.Conv2d(after, after, 1)
        self.second_norm = nn.GroupNorm(_GROUPS, after)

    def forward(self, frames: Tensor, steps: int) -> Tensor:
        frames = functional.gelu(self.first_norm(self.spread(_shift(frames, steps))))
        mixed = self.second_norm(self.project(self.mix(_shift(frames, steps))))
        return functional.gelu(frames + mixed)


def _shift(frames: Tensor, steps: int) -> Tensor:
    """Move an eighth of the channels one step forward in time and an eighth back."""
    moved = frames.shape[1] // 8
    if not moved:
        return frames
    by_time = frames.unflatten(0, (-1, steps))
    later = functional.pad(by_time[:, :-1, :moved], (0, 0, 0, 0, 0, 0, 1, 0))
    sooner = functional.pad(by_time[:, 1:, moved : 2 * moved], (0, 0, 0, 0, 0, 0, 0, 1))
    return torch.cat([later, sooner, by_time[:, :, 2 * moved :]], dim=2).flatten(0, 1)


class _CameraEncoder(nn.Module):
    def __init__(self, spec: CameraCnn, channels: int) -> None:
        super().__init__()
        sizes = [channels, spec.width, 2 * spec.width, 4 * spec.width]
        self.blocks = nn.ModuleList(
            _ShiftedBlock(before, after) for before, after in pairwise(sizes)
        )
        # Pool to a coarse grid rather than to a point: where something moves tells what it is.
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.dropout = nn.Dropout(spec.dropout)
        self.project = nn.Linear(4 * sizes[-1], spec.dim)
        self.norm = nn.LayerNorm(spec.dim)

    def forward(self, window: Tensor) -> Tensor:
        steps = window.shape[1]
        frames = window.flatten(0, 1).permute(0, 3, 1, 2)
        for block in self.blocks:
            frames = block(frames, steps)
        pooled = self.dropout(self.pool(frames).flatten(1))
        tokens = functional.gelu(self.norm(self.project(pooled)))
        return tokens.reshape(-1, steps, tokens.shape[-1])


def make_encoder(spec: EncoderSpec, channels: int) -> nn.Module:
    """Build the encoder a specification names, for windows of ``channels`` channels."""
    if isinstance(spec, ImuCnn):
        return _ImuEncoder(spec, channels)
    return _CameraEncoder(spec, channels)

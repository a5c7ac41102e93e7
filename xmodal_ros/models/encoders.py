"""Encoders: preprocessed windows (B, steps, ...) to tokens (B, T, d), one a modality.

All normalise by group or layer, never by batch, so that a batch of one on a robot gives what
training gave.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.bcresnet import AudioBcResNet, BcResNetEncoder


class ImuCnn(BaseModel):
    """A convolutional net over time in the manner of CNN-HAR (WHAR Arena, 2026).

    The first three layers halve the rate each: 150 steps become 19 tokens. Long kernels let a
    token see more than a second, and cost little where the rate is low.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['imu_cnn'] = 'imu_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class CameraCnn(BaseModel):
    """2-D convolutions over short stacks of frames, then convolutions over time.

    ``frames_per_token`` consecutive frames are seen as the channels of one picture, the tubelets
    of ViViT (Arnab et al., ICCV 2021): what moves between them is visible where it moves.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['camera_cnn'] = 'camera_cnn'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 16
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    frames_per_token: Annotated[int, Field(ge=1, le=8)] = 2


EncoderSpec = Annotated[ImuCnn | CameraCnn | AudioBcResNet, Field(discriminator='kind')]

_GROUPS = 8


class _ImuEncoder(nn.Module):
    def __init__(self, spec: ImuCnn, channels: int) -> None:
        super().__init__()
        sizes = [channels, spec.width, spec.width, spec.width, spec.dim]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(sizes)):
            stride = 2 if index < 3 else 1
            layers += [
                nn.Conv1d(before, after, kernel_size=7, stride=stride, padding=3),
                nn.GroupNorm(_GROUPS, after),
                nn.GELU(),
            ]
            if index:
                # Whole channels: as good against overfitting, and a hundredth of the random
                # numbers, which cost as much as the convolutions on a CPU.
                layers.append(nn.Dropout1d(spec.dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, window: Tensor) -> Tensor:
        tokens: Tensor = self.layers(window.transpose(1, 2)).transpose(1, 2)
        return tokens


class _CameraEncoder(nn.Module):
    def __init__(self, spec: CameraCnn, channels: int) -> None:
        super().__init__()
        self.frames_per_token = spec.frames_per_token
        sizes = [channels * spec.frames_per_token, spec.width, 2 * spec.width, 4 * spec.width]
        layers: list[nn.Module] = []
        # Each layer halves height and width; most of the work is where pictures are large.
        for size, (before, after) in zip((5, 3, 3), pairwise(sizes), strict=True):
            layers += [
                nn.Conv2d(before, after, size, stride=2, padding=size // 2),
                nn.GroupNorm(_GROUPS, after),
                nn.ReLU(),
            ]
        # Pool to a coarse grid rather than to a point: where something moves tells what it is.
        self.spatial = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.project = nn.Linear(4 * sizes[-1], spec.dim)
        self.norm = nn.LayerNorm(spec.dim)
        self.dropout = nn.Dropout1d(spec.dropout)
        self.temporal = nn.ModuleList(
            nn.Conv1d(spec.dim, spec.dim, kernel_size=3, padding=1) for _ in range(2)
        )

    def forward(self, window: Tensor) -> Tensor:
        batch, steps = window.shape[:2]
        # What is left over when the frames do not come out even is the oldest.
        window = window[:, steps % self.frames_per_token :]
        stacks = window.unflatten(1, (-1, self.frames_per_token)).permute(0, 1, 2, 5, 3, 4)
        pooled = self.spatial(stacks.flatten(2, 3).flatten(0, 1))
        projected: Tensor = self.norm(self.project(pooled))
        tokens = projected.reshape(batch, -1, projected.shape[-1]).transpose(1, 2)
        for layer in self.temporal:
            change: Tensor = self.dropout(functional.gelu(layer(tokens)))
            tokens = tokens + change
        return tokens.transpose(1, 2)


def make_encoder(spec: EncoderSpec, channels: int) -> nn.Module:
    """Build the encoder a specification names, for windows of ``channels`` channels."""
    if isinstance(spec, ImuCnn):
        return _ImuEncoder(spec, channels)
    if isinstance(spec, AudioBcResNet):
        return BcResNetEncoder(spec, channels)
    return _CameraEncoder(spec, channels)

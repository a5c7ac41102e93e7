"""Changes to raw training windows that leave the activity what it is: what modalities share."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor


class Augmentation(Protocol):
    """Changes raw windows (B, steps, ...), each in its own way; a dataclass of its settings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Give changed windows of the same shape; all random numbers are the generator's."""


@dataclass(frozen=True)
class NoAugmentation:
    """Leaves windows as they are."""

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:  # noqa: ARG002
        """Give windows as float32."""
        return windows.to(torch.float32)


def normal(shape: tuple[int, ...], generator: Generator, like: Tensor) -> Tensor:
    """Draw from the standard normal distribution, onto the device of ``like``."""
    # Always drawn on the CPU: the same numbers whatever the device.
    return torch.randn(shape, generator=generator).to(like.device)


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    """Draw evenly between two bounds, on the CPU."""
    return low + (high - low) * torch.rand(shape, generator=generator)

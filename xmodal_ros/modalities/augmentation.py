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

"""Changes to raw training windows that leave the activity what it is: what modalities share."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor

from xmodal_ros.non_blocking import to_device


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
    return to_device(torch.randn(shape, generator=generator), like.device)


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    """Draw evenly between two bounds, on the CPU."""
    return low + (high - low) * torch.rand(shape, generator=generator)

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

"""Encoders that look at each frame alone by what is fixed, and learn what comes after."""

from abc import ABC, abstractmethod
from typing import Final

import torch
from torch import nn, Tensor

# Of frames that are looked at together: their maps are many times as large as they are.
_FRAMES: Final = 64


class FrameEncoder(nn.Module, ABC):
    """Windows of frames (B, T, height, width, channels), or of features (B, T, F), to tokens.

    What :meth:`look` gives never changes once the encoder is prepared, and training computes it
    once for each frame, however many windows and epochs show it.
    """

    @abstractmethod
    def look(self, frames: Tensor) -> Tensor:
        """Give the features (N, F) of preprocessed frames (N, height, width, channels)."""

    @abstractmethod
    def tokens(self, features: Tensor) -> Tensor:
        """Give the tokens (B, T, d) of the features (B, T, F) of windows."""

    def look_in_parts(self, frames: Tensor) -> Tensor:
        """Give the features (N, F) of any number of frames, a part at a time."""
        return torch.cat([self.look(part) for part in frames.split(_FRAMES)])

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens (B, T, d)."""
        if window.ndim > 3:
            looked = self.look_in_parts(window.flatten(0, 1))
            window = looked.unflatten(0, window.shape[:2])
        return self.tokens(window)

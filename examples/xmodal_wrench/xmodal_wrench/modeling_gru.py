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

"""The recurrent encoder."""

from torch import nn, Tensor

from xmodal_wrench.configuration_gru import EVERY, GruConfig


class GruEncoder(nn.Module):
    """Windows (B, steps, C) to tokens (B, T, d)."""

    def __init__(self, config: GruConfig, channels: int) -> None:
        super().__init__()
        self.layers = nn.GRU(channels, config.width, batch_first=True)
        self.project = nn.Linear(config.width, config.dim)
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, window: Tensor) -> Tensor:
        """Give the tokens."""
        states, _ = self.layers(window)
        tokens: Tensor = self.norm(self.project(self.dropout(states[:, EVERY - 1 :: EVERY])))
        return tokens

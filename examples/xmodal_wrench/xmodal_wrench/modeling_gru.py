"""The recurrent encoder."""

from typing import Final

from torch import nn, Tensor

from xmodal_wrench.configuration_gru import GruConfig

_EVERY: Final = 4


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
        tokens: Tensor = self.norm(self.project(self.dropout(states[:, _EVERY - 1 :: _EVERY])))
        return tokens

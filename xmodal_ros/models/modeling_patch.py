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

"""Patches: what a transfer method leaves in a classifier beside its encoder and head.

A patch stands between the pooled feature and the head. It holds a bank, what is left of another
sensor's windows, so that no second sensor is needed: its answer depends on the window and on
stored numbers only. In training a method lends it live references instead, with gradients.
"""

import math
from typing import Final

import torch
from torch import nn, Tensor

from xmodal_ros.models.configuration_patch import AttentionPatchConfig, GatedPatchConfig

# Rows of the bank that are looked at at once: these at least, and as many more as keep the scores
# of all queries at 4 MB. Bounds the memory; a sum is the same but for its last bits.
_CHUNK: Final = 4096
_SCORES: Final = 1 << 20
_GATE_BIAS: Final = -2.0


def _rows_at_once(queries: int) -> int:
    return max(_CHUNK, _SCORES // max(1, queries))


class AttentionPatch(nn.Module):
    """``ψ(h) = Σ_j κ(W_q h, k_j) v_j / Σ_j κ(W_q h, k_j)``, beside or on top of the feature h.

    Wang, Shahrampour, "TAP: The Attention Patch for Cross-Modal Knowledge Transfer from Unlabeled
    Modality" (TMLR 2024): attention over samples of a data set. Keys ``k_j = W_k z_j`` and values
    ``v_j = W_v z_j`` come ready-made. With s learnt and p the keys' dimension, κ is
    ``exp(s qᵀk / √p)``, ``exp(−s ‖q − k‖² / (2 √p))`` or ``exp(−s ‖q − k‖₁ / √p)``.
    """

    keys: Tensor
    values: Tensor

    def __init__(self, config: AttentionPatchConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        self.chunk: int | None = None
        self.width = dim + config.value_dim if config.fusion == 'concatenate' else dim
        self.query = nn.Linear(dim, config.key_dim, bias=False)
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer('keys', torch.zeros((config.bank, config.key_dim)))
        self.register_buffer('values', torch.zeros((config.bank, config.value_dim)))
        self._live: tuple[Tensor, Tensor] | None = None

    def refer(self, keys: Tensor, values: Tensor) -> None:
        """Attend to these (R, key_dim) and (R, value_dim) until :meth:`store`."""
        self._live = keys, values

    def store(self, keys: Tensor, values: Tensor) -> None:
        """Keep a bank (bank, key_dim) and (bank, value_dim), and attend to it from now on."""
        self.keys.copy_(keys.detach())
        self.values.copy_(values.detach())
        self._live = None

    def attend(self, feature: Tensor) -> Tensor:
        """Give ψ (B, value_dim) of features (B, d), summed exactly over all references."""
        keys, values = self._live or (self.keys, self.values)
        query = self.query(feature)
        peak = torch.full_like(query[:, :1], -torch.inf)
        # Where the query is, or a GPU would be waited for while they are copied there.
        numerator = denominator = query.new_zeros(())
        chunk = self.chunk or _rows_at_once(len(query))
        for some_keys, some_values in zip(keys.split(chunk), values.split(chunk), strict=True):
            scores = self._log_kernel(query, some_keys)
            # The largest exponent so far is taken out of all sums: nothing overflows.
            higher = torch.maximum(peak, scores.detach().amax(dim=1, keepdim=True))
            weights, fading = (scores - higher).exp(), (peak - higher).exp()
            numerator = numerator * fading + weights @ some_values
            denominator = denominator * fading + weights.sum(dim=1, keepdim=True)
            peak = higher
        attended: Tensor = numerator / denominator
        return attended

    def _log_kernel(self, query: Tensor, keys: Tensor) -> Tensor:
        scale = self.log_scale.exp() / math.sqrt(keys.shape[1])
        if self.config.kernel == 'exp':
            exponent = query @ keys.T
        elif self.config.kernel == 'gaussian':
            squares = query.square().sum(1, keepdim=True) + keys.square().sum(1)
            exponent = query @ keys.T - squares / 2
        else:
            exponent = -torch.cdist(query, keys, p=1.0)
        return exponent * scale

    def forward(self, feature: Tensor) -> Tensor:
        """Give what the head reads (B, width)."""
        attended = self.attend(feature)
        if self.config.fusion == 'residual':
            return feature + attended
        return torch.cat([feature, attended], dim=1)


class GatedPatch(nn.Module):
    """``h + g · e``: the feature, and what the most similar stored features make of it.

    Reconstruction of Shah, "Attention Improves Multimodality": ``x' = ReLU(W_t h)`` is scored
    against every ``s'_j`` of the bank, the ``top`` best are averaged by the softmax of their
    scores, and ``e = ReLU(W_f ·)`` leads back to the feature's space. The gate
    ``g = σ(W_g [h; e] + b)`` starts nearly closed. Without a gate e replaces the feature.
    """

    bank: Tensor

    def __init__(self, config: GatedPatchConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        self.chunk: int | None = None
        self.width = dim
        self.query = nn.Linear(dim, config.dim, bias=False)
        self.back = nn.Linear(config.dim, dim, bias=False)
        self.gate = nn.Linear(2 * dim, dim) if config.gate else None
        if self.gate is not None:
            nn.init.constant_(self.gate.bias, _GATE_BIAS)
        self.register_buffer('bank', torch.zeros((config.bank, config.dim)))
        self._live: tuple[Tensor, Tensor | None] | None = None

    def refer(self, bank: Tensor, hidden: Tensor | None = None) -> None:
        """Look at these (R, dim) until :meth:`store`, except where ``hidden`` (B, R) is true."""
        self._live = bank, hidden

    def store(self, bank: Tensor) -> None:
        """Keep a bank (bank, dim), and look at it from now on."""
        self.bank.copy_(bank.detach())
        self._live = None

    def enhance(self, feature: Tensor) -> Tensor:
        """Give e (B, d) of features (B, d); zero where every stored feature is hidden."""
        bank, hidden = self._live or (self.bank, None)
        query = torch.relu(self.query(feature))
        best, rows = self._best(query, bank, hidden)
        seen = best > -torch.inf
        weights = torch.where(seen, best, torch.finfo(best.dtype).min).softmax(dim=1) * seen
        taken = torch.einsum('bk,bkd->bd', weights, bank[rows])
        return torch.relu(self.back(taken))

    def _best(self, query: Tensor, bank: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """Give the highest scores (B, k) and their rows, of all or chunk by chunk alike."""
        best, rows = query.new_zeros((len(query), 0)), bank.new_zeros((len(query), 0)).long()
        chunk = self.chunk or _rows_at_once(len(query))
        for start in range(0, len(bank), chunk):
            scores = query @ bank[start : start + chunk].T
            if hidden is not None:
                mask = hidden[:, start : start + chunk]
                scores = scores.masked_fill(mask, -torch.inf)
            here = torch.arange(start, start + scores.shape[1], device=bank.device)
            scores = torch.cat([best.to(scores), scores], dim=1)
            places = torch.cat([rows, here.expand(len(query), -1)], dim=1)
            best, order = scores.topk(min(self.config.top, scores.shape[1]), dim=1)
            rows = places.gather(1, order)
        return best, rows

    def forward(self, feature: Tensor) -> Tensor:
        """Give what the head reads (B, width)."""
        enhanced = self.enhance(feature)
        if self.gate is None:
            return enhanced
        openness = torch.sigmoid(self.gate(torch.cat([feature, enhanced], dim=1)))
        return feature + openness * enhanced


Patch = AttentionPatch | GatedPatch


def bank_bytes(patch: Patch) -> int:
    """Give what a patch's bank takes of a bundle."""
    return sum(buffer.numel() * buffer.element_size() for buffer in patch.buffers())

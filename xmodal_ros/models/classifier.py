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

"""The classifier every modality and every transfer method shares."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import nn, Tensor
from torch.nn import functional

from xmodal_ros.models.configuration_encoder import EncoderConfig
from xmodal_ros.models.frame_encoder import FrameEncoder
from xmodal_ros.models.lazy_tensor import WindowTensor
from xmodal_ros.models.modeling_ensemble import Ensemble
from xmodal_ros.models.modeling_patch import Patch
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.non_blocking import to_device

HEADS: Final = 4
_EVALUATION_BATCH: Final = 256


@dataclass(frozen=True, eq=False)
class Outputs:
    """Everything a transfer method may look at, for a batch of B windows.

    ``tokens`` (B, T, d) come from the encoder; ``query``, ``key`` and ``value``
    (B, heads, T, d / heads) from the self-attention block; ``feature`` (B, d) is the mean of its
    output, ``logits`` (B, classes) what the head makes of it, through a patch where there is one.
    """

    tokens: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    feature: Tensor
    logits: Tensor


class SelfAttention(nn.Module):
    """One multi-head self-attention block with a residual connection, normalised first."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.project_query = nn.Linear(dim, dim)
        self.project_key = nn.Linear(dim, dim)
        self.project_value = nn.Linear(dim, dim)
        self.project_out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the attended tokens (B, T, d), and query, key and value (B, heads, T, d/heads)."""
        normed = self.norm(tokens)
        query, key, value = (
            project(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.project_query, self.project_key, self.project_value)
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.project_out(attended.transpose(1, 2).flatten(2))
        return tokens + self.dropout(mixed), query, key, value


class Classifier(nn.Module):
    """Raw windows (B, steps, ...) in SI units to logits (B, classes).

    A patch, where one is attached, stands between the pooled feature and the head. An ensemble,
    where one is joined, has a part in what is answered, but none in what transfer methods see.
    """

    patch: Patch | None
    ensemble: Ensemble | None

    def __init__(
        self,
        preprocessing: Preprocessing,
        encoder: EncoderConfig,
        raw_channels: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.encoder = encoder.build(preprocessing.channels(raw_channels))
        self.attention = SelfAttention(encoder.dim, HEADS, encoder.dropout)
        self.norm = nn.LayerNorm(encoder.dim)
        self.register_module('patch', None)
        self.register_module('ensemble', None)
        self.dropout = nn.Dropout(encoder.dropout)
        self.head = nn.Linear(encoder.dim, classes)

    def attach(self, patch: Patch) -> None:
        """Put a patch before the head, which becomes a fresh one where it must be wider."""
        device = self.head.weight.device
        self.patch = patch.to(device)
        if patch.width != self.head.in_features:
            self.head = nn.Linear(patch.width, self.head.out_features).to(device)

    def join(self, ensemble: Ensemble) -> None:
        """Let an ensemble answer with the net."""
        self.ensemble = ensemble.to(self.head.weight.device)

    def preprocess(self, window: Tensor) -> Tensor:
        """Give what the encoder reads of raw windows.

        Features (B, T, F) of frames, where it looks at each frame alone, are that already.
        """
        if window.ndim == 3 and isinstance(self.encoder, FrameEncoder):
            return window
        preprocessed: Tensor = self.preprocessing(window)
        return preprocessed

    def outputs(self, window: Tensor) -> Outputs:
        """Run raw windows through and give every stage that transfer methods use."""
        return self.outputs_of(self.preprocess(window))

    def outputs_of(self, preprocessed: Tensor) -> Outputs:
        """Run windows that are preprocessed (and, in training, augmented) already."""
        return self.outputs_of_tokens(self.encoder(preprocessed))

    def outputs_of_tokens(self, tokens: Tensor) -> Outputs:
        """Run tokens (B, T, d) through all that follows the encoder."""
        attended, query, key, value = self.attention(tokens)
        feature = self.norm(attended.mean(dim=1))
        read = feature if self.patch is None else self.patch(feature)
        logits = self.head(self.dropout(read))
        return Outputs(tokens, query, key, value, feature, logits)

    def forward(self, window: Tensor) -> Tensor:
        """Run raw windows through and give the logits, an ensemble's where there is one."""
        preprocessed = self.preprocess(window)
        logits = self.outputs_of(preprocessed).logits
        if self.ensemble is None:
            return logits
        answer: Tensor = self.ensemble(preprocessed, logits)
        return answer


def outputs_in_batches(
    classifier: Classifier, windows: WindowTensor, rows: slice | None = None
) -> Iterator[Outputs]:
    """Run any number of raw windows (N, steps, ...) through, a part at a time, without gradients.

    Where ``rows`` are given only those; once and with none where there is nothing to run. The
    classifier's mode is left as it is; the outputs are on its device.
    """
    device = next(classifier.parameters()).device
    start, stop = (0, len(windows)) if rows is None else (rows.start, rows.stop)
    for first in range(start, max(stop, start + 1), _EVALUATION_BATCH):
        part = windows[first : min(first + _EVALUATION_BATCH, stop)]
        with torch.no_grad():
            outputs = classifier.outputs(to_device(part, device))
        yield outputs


def each_part(outputs: Outputs) -> Iterator[Outputs]:
    """Give the outputs of any number of windows a part at a time, where they are."""
    for start in range(0, len(outputs.logits), _EVALUATION_BATCH):
        rows = slice(start, start + _EVALUATION_BATCH)
        yield Outputs(**{each.name: getattr(outputs, each.name)[rows] for each in fields(Outputs)})


def parameter_count(module: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Calibrated class probabilities (Guo et al., ICML 2017), in float64 on the CPU."""
    return torch.softmax(logits.detach().cpu().double() / temperature, dim=-1)

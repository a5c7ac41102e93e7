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

"""What a model is made of, and what it costs: parts, parameters and multiplications."""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention import sdpa_kernel, SDPBackend
from torch.utils.flop_counter import FlopCounterMode

from xmodal_ros.models.classifier import Classifier, parameter_count
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.modeling_ensemble import Ensemble

# As they follow one another; norms between them are counted with the head.
_ENSEMBLE: Final = 'ensemble'
_PARTS: Final = ('preprocessing', 'encoder', 'attention', 'patch', 'head', _ENSEMBLE)


@dataclass(frozen=True)
class ModelPart:
    """One part of a classifier: learnt numbers, and multiply-accumulates for one window."""

    name: str
    parameters: int
    macs: int


@dataclass(frozen=True)
class ModelDescription:
    """A classifier in figures.

    ``window`` is the shape of a raw window, ``frames`` what preprocessing makes of it, ``tokens``
    how many tokens of how many dimensions the encoder makes of that. ``bank`` is the number of
    stored samples that a patch looks at, 0 without one.
    """

    window: tuple[int, ...]
    frames: tuple[int, ...]
    tokens: tuple[int, ...]
    parts: tuple[ModelPart, ...]
    bank: int

    @property
    def parameters(self) -> int:
        """Learnt numbers of all parts; banks and statistics are not learnt."""
        return sum(part.parameters for part in self.parts)

    @property
    def size(self) -> str:
        """Say how large it is, and how much of that is the net and how much members beside it."""
        members = sum(part.parameters for part in self.parts if part.name == _ENSEMBLE)
        whole = f'{self.parameters:,} parameters'
        if not members:
            return whole
        return f'{whole}: {self.parameters - members:,} of the net, {members:,} of members'

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all parts for one window."""
        return sum(part.macs for part in self.parts)


def describe_model(info: BundleInfo) -> ModelDescription:
    """Build the model that a bundle's document describes, with fresh weights, and measure it.

    Multiply-accumulates are those of convolutions, matrix products and attention, as torch's
    counter has them (half of its FLOPs); element-wise steps, norms and Fourier transforms are not
    counted.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        classifier = info.make_classifier().eval()
        window = torch.zeros((1, *info.window_shape))
        # Attention as matrix products: the CPU's own kernel is one the counter does not know.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            classifier(window)
        frames = classifier.preprocessing(window)
        tokens = classifier.encoder(frames)
    flops: dict[str, dict[Any, int]] = counter.get_flop_counts()
    macs = {
        name: sum(flops.get(f'{type(classifier).__name__}.{name}', {}).values()) // 2
        for name in _PARTS
    }
    parameters = parameters_by_part(classifier)
    parts = tuple(
        ModelPart(name, parameters[name], macs[name])
        for name in _PARTS
        if name not in {'patch', _ENSEMBLE} or getattr(info, name) is not None
    )
    return ModelDescription(
        window=info.window_shape,
        frames=tuple(frames.shape[1:]),
        tokens=tuple(tokens.shape[1:]),
        parts=parts,
        bank=0 if info.patch is None else info.patch.bank,
    )


def parameters_by_part(classifier: Classifier) -> dict[str, int]:
    """Count what each part of a classifier has learnt: all that a bundle holds of it."""
    parts = {name: getattr(classifier, name) for name in _PARTS}
    sizes = {name: 0 if part is None else _size(part) for name, part in parts.items()}
    sizes['head'] += parameter_count(classifier.norm)
    return sizes


def _size(part: nn.Module) -> int:
    """Count what a part has learnt, by gradient or, an ensemble, in closed form."""
    if isinstance(part, Ensemble):
        return sum(each.numel() for each in part.parameters())
    return parameter_count(part)

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

"""EfficientNet-Lite0: a picture net whose weights, learnt on photographs, can be had.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
table 1, as its authors changed it for small devices: ReLU6 instead of swish, and no
squeeze-and-excitation. Padding is TensorFlow's, in which it was trained: what a stride leaves over
is at the right and below.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import torch
from torch import nn, Tensor
from torch.nn import functional


class _Stage(NamedTuple):
    """``blocks`` of ``channels`` each, the first of which has the stride."""

    expansion: int
    kernel: int
    stride: int
    channels: int
    blocks: int


_STEM: Final = 32
_HEAD: Final = 1280
_STAGES: Final = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 2),
    _Stage(6, 5, 2, 40, 2),
    _Stage(6, 3, 2, 80, 3),
    _Stage(6, 5, 1, 112, 3),
    _Stage(6, 5, 2, 192, 4),
    _Stage(6, 3, 1, 320, 1),
)
CLASSES: Final = 1000
# TensorFlow's.
_EPSILON: Final = 1e-3


class _Convolution(nn.Conv2d):
    """A convolution whose output is as large as its input, by the stride; then ReLU6.

    What batch normalisation did in training is in its weights and its bias.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        linear: bool = False,
    ) -> None:
        super().__init__(before, after, kernel, stride, groups=groups)
        self.linear = linear
        nn.init.kaiming_normal_(self.weight, mode='fan_out')
        assert self.bias is not None  # noqa: S101 - for mypy
        nn.init.zeros_(self.bias)

    def forward(self, values: Tensor) -> Tensor:
        rows, columns = (self._missing(size) for size in values.shape[-2:])
        padding = (rows // 2, columns // 2)
        if rows % 2 or columns % 2:
            sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            values, padding = functional.pad(values, sides), (0, 0)
        values = functional.conv2d(
            values, self.weight, self.bias, self.stride, padding, groups=self.groups
        )
        return values if self.linear else functional.relu6(values)

    def _missing(self, size: int) -> int:
        steps = -(-size // self.stride[0])
        return max(0, (steps - 1) * self.stride[0] + self.kernel_size[0] - size)


class _Block(nn.Module):
    """An inverted bottleneck: wide between narrow ends, with its input added where it fits."""

    def __init__(self, before: int, after: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = expansion * before
        self.expand = _Convolution(before, wide) if expansion > 1 else nn.Identity()
        self.depthwise = _Convolution(wide, wide, kernel, stride, wide)
        self.project = _Convolution(wide, after, linear=True)
        self.adds = stride == 1 and before == after

    def forward(self, values: Tensor) -> Tensor:
        changed: Tensor = self.project(self.depthwise(self.expand(values)))
        return values + changed if self.adds else changed


class EfficientNetLite(nn.Module):
    """Pictures (N, 3, height, width), standardised, to maps of features or to logits.

    Only the first ``stages`` of the seven are built, and with 8 the head too; ``classes`` is of
    the layer behind that, which 0 leaves out. ``width`` multiplies all channels; that of the
    weights that can be had is 1.
    """

    def __init__(self, stages: int = 8, width: float = 1.0, classes: int = 0) -> None:
        super().__init__()
        self.width = width
        channels = _scaled(_STEM, width)
        self.stem = _Convolution(3, channels, 3, 2)
        self.blocks = nn.ModuleList()
        for stage in _STAGES[:stages]:
            after = _scaled(stage.channels, width)
            for number in range(stage.blocks):
                stride = 1 if number else stage.stride
                self.blocks.append(_Block(channels, after, stage.expansion, stage.kernel, stride))
                channels = after
        self.head: nn.Module = nn.Identity()
        if stages > len(_STAGES):
            self.head = _Convolution(channels, _scaled(_HEAD, width))
            channels = _scaled(_HEAD, width)
        self.channels = channels
        self.classify = nn.Linear(channels, classes) if classes else None

    def features(self, pictures: Tensor) -> Tensor:
        """Give the map (N, channels, height', width') of the last stage that is built."""
        values = self.stem(pictures)
        for block in self.blocks:
            values = block(values)
        given: Tensor = self.head(values)
        return given

    def forward(self, pictures: Tensor) -> Tensor:
        """Give logits (N, classes)."""
        assert self.classify is not None  # noqa: S101 - there are classes
        logits: Tensor = self.classify(self.features(pictures).mean(dim=(2, 3)))
        return logits


def _scaled(channels: int, width: float) -> int:
    return max(8, round(channels * width / 8) * 8)


_OF_NORM: Final = ('weight', 'bias', 'running_mean', 'running_var')
# Of a block: what its convolutions and the normalisations after them are called there.
_OF_BLOCK: Final = {
    'expand': ('_expand_conv', '_bn0'),
    'depthwise': ('_depthwise_conv', '_bn1'),
    'project': ('_project_conv', '_bn2'),
}
_ENDS: Final = {'stem': ('_conv_stem', '_bn0'), 'head': ('_conv_head', '_bn1')}
_LAST: Final = '_fc'


def published_shapes(width: float = 1.0) -> dict[str, torch.Size]:
    """Give names and shapes of the weights of the whole net, as EfficientNet-PyTorch has them."""
    with torch.device('meta'):
        whole = EfficientNetLite(width=width, classes=CLASSES)
    shapes = {}
    for convolution, (conv, norm) in _convolutions(whole):
        shapes[f'{conv}.weight'] = convolution.weight.shape
        shapes |= {f'{norm}.{part}': torch.Size([convolution.out_channels]) for part in _OF_NORM}
    last = whole.classify.state_dict() if whole.classify is not None else {}
    return {**shapes, **{f'{_LAST}.{name}': value.shape for name, value in last.items()}}


def load_pretrained(net: EfficientNetLite, weights: Mapping[str, Tensor]) -> None:
    """Put the published weights of the whole net into the part of it that ``net`` is.

    Raises ValueError, saying what differs first, unless they are all that EfficientNet-Lite0 has,
    by their names there, and no others.
    """
    wanted = published_shapes(net.width)
    # What counts batches is of no use where statistics are fixed.
    given = {n: value for n, value in weights.items() if not n.endswith('.num_batches_tracked')}
    for name in sorted({*given, *wanted}):
        found = tuple(given[name].shape) if name in given else 'missing'
        asked = tuple(wanted[name]) if name in wanted else 'unknown'
        if found != asked:
            raise ValueError(f'{name} is {found}, and in EfficientNet-Lite0 {asked}')
    with torch.no_grad():
        for convolution, (conv, norm) in _convolutions(net):
            scale, bias, mean, variance = (given[f'{norm}.{part}'].double() for part in _OF_NORM)
            scale = scale / (variance + _EPSILON).sqrt()
            convolution.weight.copy_(given[f'{conv}.weight'] * scale[:, None, None, None])
            assert convolution.bias is not None  # noqa: S101 - for mypy
            convolution.bias.copy_(bias - mean * scale)
        if net.classify is not None:
            net.classify.weight.copy_(given[f'{_LAST}.weight'])
            net.classify.bias.copy_(given[f'{_LAST}.bias'])


def _convolutions(net: EfficientNetLite) -> Iterator[tuple[_Convolution, tuple[str, str]]]:
    """Give all convolutions, and what each and its normalisation are called where published."""
    for name, module in net.named_modules():
        if not isinstance(module, _Convolution):
            continue
        if name in _ENDS:
            yield module, _ENDS[name]
        else:
            _, number, part = name.split('.')
            conv, norm = _OF_BLOCK[part]
            yield module, (f'_blocks.{number}.{conv}', f'_blocks.{number}.{norm}')

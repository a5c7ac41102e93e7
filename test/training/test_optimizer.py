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

"""The optimizer of the training loop."""

import copy
import sys

import pytest
import torch
from torch import nn, Tensor

from xmodal_ros.training.optimizer import AdamW

RATE, DECAY = 0.1, 0.2
WINDOWS = torch.linspace(-1, 1, 12).reshape(4, 3)


def steps(optimizer: torch.optim.Optimizer, net: nn.Module) -> None:
    for _ in range(3):
        # As a run that goes on from a checkpoint.
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        optimizer.zero_grad()
        net(WINDOWS).square().sum().backward()
        optimizer.step()


def by_hand(weights: Tensor) -> Tensor:
    """Loshchilov and Hutter, Algorithm 2, with a constant rate."""
    weights = weights.clone()
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    for step in range(1, 4):
        gradient = 2 * (WINDOWS @ weights.T).T @ WINDOWS
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        move = (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        weights = weights - RATE * (move + DECAY * weights)
    return weights


@pytest.mark.parametrize('fused', [False, True])
def test_it_is_adamw_and_does_not_load_the_compiler(
    fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = nn.Linear(3, 2, bias=False)
    expected = by_hand(net.weight.detach())
    # Whoever imports it is told that it does not exist.
    monkeypatch.setitem(sys.modules, 'torch._dynamo', None)
    steps(AdamW(net.parameters(), RATE, weight_decay=DECAY, fused=fused), net)
    torch.testing.assert_close(net.weight.detach(), expected)
    with pytest.raises(ImportError):
        steps(torch.optim.AdamW(net.parameters()), net)

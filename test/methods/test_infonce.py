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

"""What follows from InfoNCE, and when the encoder learns from what."""

from dataclasses import replace
import math

import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.methods.infonce import contrastive_loss


def gradients(name: str, share: float, **options: object) -> set[str]:
    """Parts of the module that get a gradient."""
    of = task(source())
    given = module(name, of, **options).train()
    step = batch(of, share=share)
    outputs = given.target.outputs(step.windows)
    task_loss = of.task_loss(outputs.logits, step.labels)
    given.training_step(step, outputs, task_loss).loss.backward()
    return {
        '.'.join(name.split('.')[:2]) if name.startswith('target') else name.split('.')[0]
        for name, p in given.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }


def test_vectors_without_a_difference_give_log_p_and_found_partners_nothing():
    same = torch.ones(8, 4)
    assert contrastive_loss(same, same, 0.1).item() == pytest.approx(math.log(8), abs=1e-5)
    apart = torch.eye(8)
    assert contrastive_loss(apart, 5 * apart, 0.01).item() == pytest.approx(0, abs=1e-6)
    assert contrastive_loss(apart, apart.roll(1, 0), 0.1).item() > math.log(8)


def test_it_is_the_same_in_both_directions_and_blind_to_the_order_of_pairs():
    ours, theirs, order = torch.randn(8, 4), torch.randn(8, 4), torch.randperm(8)
    given = contrastive_loss(ours, theirs, 0.2)
    torch.testing.assert_close(contrastive_loss(theirs, ours, 0.2), given)
    torch.testing.assert_close(contrastive_loss(ours[order], theirs[order], 0.2), given)


def test_first_the_encoder_learns_from_pairs_and_the_head_from_labels():
    found = gradients('infonce', 0.1)
    assert {'ours', 'theirs', 'target.encoder', 'target.head'} == found - {
        'target.attention',
        'target.norm',
    }
    assert {'target.head', 'target.encoder'} <= gradients('infonce', 0.1, joint=True)


def test_then_only_the_head_learns():
    assert gradients('infonce', 0.8) == {'target.head'}


def encoder_gradient(labels: list[int], **options: object) -> torch.Tensor:
    of = task(source())
    given = module('infonce', of, **options).eval()
    step = replace(batch(of, share=0.1), labels=torch.tensor(labels))
    outputs = given.target.outputs(step.windows)
    loss = given.training_step(step, outputs, of.task_loss(outputs.logits, step.labels)).loss
    parameters = list(given.target.encoder.parameters())
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)])


def test_labels_have_no_say_in_the_encoder_unless_they_are_to_be_learnt_jointly():
    one, other = [0, 1, 2, 0, 1, 2, 0, 1], [1, 1, 0, 0, 2, 2, 1, 0]
    assert torch.equal(encoder_gradient(one), encoder_gradient(other))
    assert not torch.equal(encoder_gradient(one, joint=True), encoder_gradient(other, joint=True))


def test_without_partners_only_the_head_learns_and_nothing_breaks():
    of = task(source(in_time=torch.full((24,), -1)))
    given = module('infonce', of)
    step = batch(of, share=0.1)
    terms = given.training_step(step, given.target.outputs(step.windows), torch.zeros(()))
    assert terms.parts == {}


def test_without_a_weight_the_joint_loss_is_the_tasks():
    of = task(source())
    given, task_loss = module('infonce', of, joint=True, weight=0), torch.tensor(2.0)
    step = batch(of)
    outputs = given.target.outputs(step.windows)
    assert given.training_step(step, outputs, task_loss).loss is task_loss

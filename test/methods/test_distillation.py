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

"""What follows from the definition of distillation."""

import math

import pytest
import torch
from torch.nn import functional

from test.methods.classifiers import classifier, paired
from xmodal_ros.methods.distillation import Distillation, DistillationOptions
from xmodal_ros.methods.soft_targets import distillation_loss
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.models.classifier import Outputs

RAW = torch.randn(6, 40, 6, generator=torch.Generator().manual_seed(3))
KNOWN = torch.ones(3, dtype=torch.bool)


def answers(logits: torch.Tensor, rows: torch.Tensor | None = None, known=KNOWN) -> PairedSource:
    return PairedSource(
        torch.arange(len(logits)) if rows is None else rows, only_logits(logits), known
    )


def only_logits(logits: torch.Tensor) -> Outputs:
    nothing = torch.zeros(1)
    return Outputs(nothing, nothing, nothing, nothing, nothing, logits)


def test_it_is_the_softened_divergence_scaled_by_the_square():
    ours, theirs = torch.tensor([[1.0, 0.0, -2.0]]), torch.tensor([[0.5, 2.0, 0.0]])
    p, q = torch.softmax(theirs / 4, 1), torch.softmax(ours / 4, 1)
    expected = 16 * (p * (p / q).log()).sum()
    torch.testing.assert_close(distillation_loss(ours, answers(theirs), 4.0), expected)


def test_equal_logits_give_zero_and_different_ones_more():
    logits = torch.randn(6, 3)
    assert distillation_loss(logits, answers(logits), 2.0).item() == pytest.approx(0, abs=1e-6)
    assert distillation_loss(logits, answers(logits + 5), 2.0).abs().item() < 1e-5
    assert distillation_loss(logits, answers(-logits), 2.0).item() > 0.01


def test_a_high_temperature_is_half_the_squared_distance_of_centred_logits_a_class():
    ours, theirs = torch.randn(6, 3), torch.randn(6, 3)
    gap = (ours - ours.mean(1, keepdim=True)) - (theirs - theirs.mean(1, keepdim=True))
    expected = gap.square().sum(1).mean() / (2 * 3)
    given = distillation_loss(ours.double(), answers(theirs.double()), 1e3)
    assert given.item() == pytest.approx(expected.item(), rel=1e-2)


def test_no_gradient_reaches_the_source():
    target, teacher = classifier(0), classifier(1)
    outputs = teacher.outputs(RAW)
    source = PairedSource(torch.arange(6), outputs, KNOWN)
    terms = Distillation(DistillationOptions(alpha=1)).compute_loss(
        torch.zeros(()), target.outputs(RAW), {'camera': source}
    )
    terms.loss.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is not None for p in target.head.parameters())


def test_the_labels_keep_what_the_teachers_do_not_take():
    target = classifier(0).eval()
    outputs, source = target.outputs(RAW), paired(classifier(1).eval(), RAW)
    divergence = distillation_loss(outputs.logits, source, 4.0)
    method = Distillation(DistillationOptions(alpha=0.3))
    terms = method.compute_loss(torch.tensor(2.0), outputs, {'camera': source})
    torch.testing.assert_close(terms.loss, 0.7 * torch.tensor(2.0) + 0.3 * divergence)
    assert terms.parts['distillation'] == pytest.approx(divergence.item())


def test_windows_without_a_partner_learn_from_their_labels_alone():
    logits, rows = torch.randn(6, 3), torch.tensor([1, 4, 5])
    outputs = only_logits(logits)
    source = answers(torch.randn(3, 3), rows)
    method = Distillation(DistillationOptions(alpha=0.4))
    terms = method.compute_loss(torch.tensor(2.0), outputs, {'camera': source})
    divergence = functional.kl_div(
        (logits[rows] / 4).log_softmax(1),
        (source.outputs.logits / 4).softmax(1),
        reduction='batchmean',
    )
    expected = (1 - 0.2) * 2 + 0.2 * 16 * divergence.item()
    assert terms.loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_teacher_of_one_window_leaves_what_the_other_teaches():
    ours, theirs = torch.randn(64, 3), torch.randn(64, 3)
    dense, sparse = answers(theirs), answers(theirs[:1], torch.tensor([0]))
    method = Distillation(DistillationOptions(alpha=0.3))

    def slopes(**sources: PairedSource) -> torch.Tensor:
        logits = ours.clone().requires_grad_()
        method.compute_loss(torch.zeros(()), only_logits(logits), sources).loss.backward()
        assert logits.grad is not None
        return logits.grad

    alone, both = slopes(camera=dense), slopes(camera=dense, thigh=sparse)
    # The window that both know counts for each of them.
    torch.testing.assert_close(both[1:], alone[1:], rtol=0.02, atol=1e-6)
    # Of two halves both teach as if each window had a teacher of its own.
    halves = {
        name: answers(theirs[rows], rows)
        for name, rows in (('a', torch.arange(32)), ('b', torch.arange(32, 64)))
    }
    torch.testing.assert_close(slopes(**halves), alone)


def test_activities_the_source_has_never_seen_are_left_to_the_labels():
    known = torch.tensor([True, False, True])
    logits, theirs = torch.randn(6, 3), torch.randn(6, 3)
    given = distillation_loss(logits, answers(theirs, known=known), 4.0)
    changed = theirs.clone()
    changed[:, 1] = 100.0
    again = distillation_loss(logits, answers(changed, known=known), 4.0)
    assert math.isfinite(given.item())
    assert torch.equal(given, again)


@pytest.mark.parametrize(('alpha', 'sources'), [(0.0, True), (0.3, False)])
def test_without_alpha_or_partners_the_tasks_loss_is_left_as_it_is(alpha, sources):
    task_loss = torch.tensor(1.5, requires_grad=True)
    given = {'camera': answers(torch.randn(6, 3))} if sources else {}
    method = Distillation(DistillationOptions(alpha=alpha))
    outputs = only_logits(torch.zeros(6, 3))
    assert method.compute_loss(task_loss, outputs, given).loss is task_loss

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

"""Dynamic gating at work on a target; the patch's own arithmetic is tested with the models."""

from typing import cast, get_args

import pytest
import torch
from torch.nn import functional

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.methods.memory_bank import BankContent
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.training_module import TrainingModule
from xmodal_ros.models.classifier import parameter_count
from xmodal_ros.models.modeling_patch import GatedPatch


def patch_of(given: TrainingModule) -> GatedPatch:
    return cast('GatedPatch', given.target.patch)


def test_the_bank_is_what_the_learnt_matrix_leaves_of_the_sources_features():
    teacher = source()
    given = module('dynamic_gating', task(teacher))
    given.prepare_inference()
    weight = dict(given.named_parameters())['project.0.weight']
    expected = torch.relu(teacher.outputs.feature @ weight.T)
    torch.testing.assert_close(patch_of(given).bank, expected)


def test_settled_the_target_needs_no_source():
    teacher = source()
    given = module('dynamic_gating', task(teacher), bank_size=9)
    given.eval().prepare_inference()
    windows = torch.randn(4, 40, 6)
    first = given.target(windows)
    teacher.outputs.feature.zero_()
    assert torch.equal(given.target(windows), first)
    assert patch_of(given).bank.shape == (9, 16)


@pytest.mark.parametrize(('hide_s', 'hidden'), [(0.0, {6}), (1.0, {5, 6, 7})])
def test_a_windows_own_pair_is_hidden_from_it_in_training_and_nothing_after(hide_s, hidden):
    of = task(source())
    given = module('dynamic_gating', of, top=24, hide_s=hide_s).eval()
    step = batch(of, [6])
    patch = patch_of(given)
    with torch.no_grad():
        given.prepare_batch(step)
        feature = given.target.outputs(step.windows).feature
        in_training = patch.enhance(feature)
        given.prepare_inference()
        after, bank = patch.enhance(feature), patch.bank.clone()
        rest = [row for row in range(24) if row not in hidden]
        patch.refer(bank[rest])
        torch.testing.assert_close(in_training, patch.enhance(feature))
    assert not torch.allclose(in_training, after)


def test_the_loss_is_the_tasks_and_what_the_method_adds():
    teacher = source()
    of = task(teacher)
    given = module('dynamic_gating', of, weight=0.5).eval()
    step = batch(of)
    given.prepare_batch(step)
    outputs = given.target.outputs(step.windows)
    terms = given.training_step(step, outputs, torch.tensor(2.0))
    enhanced = patch_of(given).enhance(outputs.feature)
    gap = (enhanced - outputs.feature).square().sum(1).mean()
    weight = dict(given.named_parameters())['project.0.weight']
    theirs = torch.relu(teacher.outputs.feature[step.rows] @ weight.T)
    unlike = (1 - functional.cosine_similarity(enhanced, theirs)).mean()
    torch.testing.assert_close(terms.loss, 2 + 0.5 * (0.75 * gap + 0.25 * unlike))
    assert terms.parts == pytest.approx({'rebuilding': gap.item(), 'unlikeness': unlike.item()})


def test_the_encoder_does_not_move_towards_what_is_rebuilt():
    of = task(source())
    given = module('dynamic_gating', of, encoder='trained', bank='none').eval()
    step = batch(of)
    given.prepare_batch(step)
    outputs = given.target.outputs(step.windows)
    given.training_step(step, outputs, torch.zeros(())).loss.backward()
    assert all(p.grad is None or not p.grad.any() for p in given.target.encoder.parameters())


def test_a_frozen_encoder_is_trained_first_and_then_left_alone():
    of = task(source())
    given = module('dynamic_gating', of).train()
    step = batch(of)
    given.prepare_batch(step)
    outputs = given.target.outputs(step.windows)
    assert torch.equal(outputs.feature, given.target.outputs(step.windows).feature)
    task_loss = of.task_loss(outputs.logits, step.labels)
    given.training_step(step, outputs, task_loss).loss.backward()
    learnt = {name for name, p in given.named_parameters() if p.grad is not None}
    assert learnt == {
        *('target.patch.query.weight', 'target.patch.back.weight', 'project.0.weight'),
        *('target.patch.gate.weight', 'target.patch.gate.bias'),
        *('target.head.weight', 'target.head.bias'),
    }
    frozen, trained = (
        make_method('dynamic_gating', {'encoder': how}) for how in ('frozen', 'trained')
    )
    assert frozen.schedule is not None
    assert (frozen.schedule.learning_rate, frozen.schedule.epochs) == (1e-3, 20)
    assert trained.schedule is None


def test_every_control_has_the_same_number_of_parameters():
    sizes = {
        parameter_count(module('dynamic_gating', task(source()), bank=content))
        for content in get_args(BankContent)
    }
    assert len(sizes) == 1


def test_unpaired_windows_resemble_one_of_their_activity_and_no_partner_breaks_nothing():
    nobody = torch.full((24,), -1)
    for pairing, found in (('time_else_class', True), ('time', False)):
        of = task(source(in_time=nobody))
        given = module('dynamic_gating', of, pairing=pairing)
        step = batch(of)
        given.prepare_batch(step)
        terms = given.training_step(step, given.target.outputs(step.windows), torch.zeros(()))
        assert (terms.parts['unlikeness'] > 0) == found
        assert terms.loss.isfinite()


def test_several_sources_share_the_bank_whatever_their_dimensions():
    of = task(source('near'), source('far', dim=32, seed=2, count=11, in_time=torch.arange(24)))
    given = module('dynamic_gating', of, pairing='class')
    step = batch(of)
    given.prepare_batch(step)
    terms = given.training_step(step, given.target.outputs(step.windows), torch.zeros(()))
    given.prepare_inference()
    assert terms.loss.isfinite()
    assert patch_of(given).bank.shape == (35, 16)

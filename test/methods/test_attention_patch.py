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

"""TAP at work on a target; the patch's own arithmetic is tested with the models."""

from typing import cast, get_args

import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.methods.memory_bank import BankContent
from xmodal_ros.methods.training_module import TrainingModule, TransferTask
from xmodal_ros.models.classifier import parameter_count
from xmodal_ros.models.modeling_patch import AttentionPatch

CONTENTS = get_args(BankContent)


def patch_of(given: TrainingModule) -> AttentionPatch:
    return cast('AttentionPatch', given.target.patch)


def step(given: TrainingModule, of: TransferTask) -> None:
    rows = batch(of)
    given.prepare_batch(rows)
    outputs = given.target.outputs(rows.windows)
    given.training_step(rows, outputs, of.task_loss(outputs.logits, rows.labels)).loss.backward()


def test_what_the_patched_target_answers_is_distilled_too_where_asked():
    of = task(source())
    rows = batch(of)
    patched = module('attention_patch', of, distillation=0.4).eval()
    patched.prepare_batch(rows)
    outputs = of.target.outputs(rows.windows)
    task_loss = of.task_loss(outputs.logits, rows.labels)
    found = patched.training_step(rows, outputs, task_loss)
    expected = module('distillation', of, alpha=0.4).training_step(rows, outputs, task_loss)
    torch.testing.assert_close(found.loss, expected.loss)
    assert set(found.parts) == {'distillation'}
    found.loss.backward()
    gradient = dict(patched.named_parameters())['value_of.0.weight'].grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
    plain = module('attention_patch', task(source())).training_step(rows, outputs, task_loss)
    assert plain.loss is task_loss


def test_the_bank_is_the_sources_features_projected_by_the_learnt_matrices():
    teacher = source()
    given = module('attention_patch', task(teacher))
    given.prepare_inference()
    parts = dict(given.named_parameters())
    patch, features = patch_of(given), teacher.outputs.feature
    torch.testing.assert_close(patch.keys, features @ parts['key_of.0.weight'].T)
    torch.testing.assert_close(patch.values, features @ parts['value_of.0.weight'].T)


def test_settled_the_target_needs_no_source_and_answers_the_same_every_time():
    teacher = source()
    given = module('attention_patch', task(teacher), bank_size=9)
    given.eval().prepare_inference()
    windows = torch.randn(4, 40, 6)
    first = given.target(windows)
    teacher.outputs.feature.zero_()
    assert torch.equal(given.target(windows), first)
    assert patch_of(given).keys.shape == (9, 16)


def test_each_step_attends_to_other_references_without_touching_the_bank():
    of = task(source())
    given = module('attention_patch', of, references=5).eval()
    given.prepare_inference()
    bank = patch_of(given).keys.clone()
    features = torch.randn(3, 16)
    seen = []
    for _ in range(3):
        given.prepare_batch(batch(of))
        seen.append(patch_of(given).attend(features))
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert torch.equal(patch_of(given).keys, bank)


def test_projections_and_patch_learn_with_the_target_and_the_source_does_not():
    teacher = source()
    of = task(teacher)
    given = module('attention_patch', of)
    step(given, of)
    idle = {name for name, p in given.named_parameters() if p.grad is None}
    assert idle == set()
    assert all(p.grad is None for p in teacher.classifier.parameters())


def test_every_control_has_the_same_number_of_parameters():
    sizes = set()
    for content in CONTENTS:
        given = module('attention_patch', task(source()), bank=content)
        sizes.add((parameter_count(given), parameter_count(given.target)))
    assert len(sizes) == 1


@pytest.mark.parametrize('fusion', ['concatenate', 'residual'])
def test_a_bank_of_zeros_adds_nothing_to_the_feature(fusion):
    given = module('attention_patch', task(source()), bank='none', fusion=fusion)
    given.prepare_inference()
    feature = torch.randn(5, 16)
    read = patch_of(given)(feature)
    assert torch.equal(read[:, :16], feature)
    assert (read[:, 16:] == 0).all()


def test_sources_of_other_dimensions_and_without_partners_or_labels_will_do():
    near = source('near', in_time=torch.full((24,), -1))
    far = source('far', dim=32, seed=2, count=11)
    of = task(near, far)
    given = module('attention_patch', of)
    step(given, of)
    given.prepare_inference()
    assert patch_of(given).keys.shape == (35, 16)

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

"""One head for both modalities."""

import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.training_module import LossTerms


def test_the_head_starts_at_the_sources_unless_told():
    teacher = source()
    of = task(teacher)
    assert torch.equal(
        module('cross_modal_probe', of).target.head.weight, teacher.classifier.head.weight
    )
    of = task(teacher)
    before = of.target.head.weight.clone()
    assert torch.equal(module('cross_modal_probe', of, head='own').target.head.weight, before)


def test_half_of_the_loss_is_the_sources_windows_through_the_same_head():
    teacher = source()
    of = task(teacher)
    given = module('cross_modal_probe', of, weight=0.25).eval()
    step = batch(of)
    outputs = given.target.outputs(step.windows)
    task_loss = of.task_loss(outputs.logits, step.labels)
    torch.manual_seed(4)
    terms = given.training_step(step, outputs, task_loss)
    torch.manual_seed(4)
    chosen = torch.randint(24, (8,))
    logits = given.target.head(teacher.outputs.feature[chosen])
    other = of.task_loss(logits, teacher.windows.labels[chosen])
    torch.testing.assert_close(terms.loss, 0.75 * task_loss + 0.25 * other)
    assert terms.parts['source half'] == pytest.approx(other.item())


def test_distillation_takes_the_place_of_its_share_of_the_loss_on_labels():
    of = task(source())
    step = batch(of)

    def terms(name: str, **options: object) -> LossTerms:
        given = module(name, of, **options).eval()
        outputs = of.target.outputs(step.windows)
        torch.manual_seed(4)
        return given.training_step(step, outputs, of.task_loss(outputs.logits, step.labels))

    plain, both = terms('cross_modal_probe'), terms('cross_modal_probe', distillation=0.4)
    alone, taught = terms('unimodal'), terms('distillation', alpha=0.4)
    torch.testing.assert_close(both.loss - plain.loss, 0.5 * (taught.loss - alone.loss))
    assert both.parts == {**taught.parts, **plain.parts}
    assert terms('cross_modal_probe', distillation=0.0).loss.item() == plain.loss.item()


@pytest.mark.parametrize('name', ['cross_modal_probe', 'attention_patch'])
def test_only_distillation_needs_recordings_made_together(name: str):
    assert not make_method(name).needs_overlap
    assert not make_method(name, {'distillation': 0.3, 'pairing': 'class'}).needs_overlap
    assert make_method(name, {'distillation': 0.3}).needs_overlap


def test_it_needs_no_pairs():
    of = task(source(in_time=torch.full((24,), -1), count=24))
    given = module('cross_modal_probe', of)
    step = batch(of)
    outputs = given.target.outputs(step.windows)
    terms = given.training_step(step, outputs, of.task_loss(outputs.logits, step.labels))
    assert terms.parts['source half'] > 0


@pytest.mark.parametrize('weight', [0.5, 0.0])
def test_a_frozen_encoder_gives_the_same_features_and_gets_no_gradient(weight):
    of = task(source())
    given = module('cross_modal_probe', of, encoder='frozen', weight=weight).train()
    step = batch(of)
    first, again = (given.target.outputs(step.windows) for _ in range(2))
    assert torch.equal(first.feature, again.feature)
    assert not torch.equal(first.logits, again.logits)
    given.training_step(step, first, of.task_loss(first.logits, step.labels)).loss.backward()
    learnt = {name for name, p in given.named_parameters() if p.grad is not None}
    assert learnt == {'target.head.weight', 'target.head.bias'}


def test_features_of_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r"16 features and the 32 of source 'camera'"):
        module('cross_modal_probe', task(source(dim=32)))


def test_a_weight_of_zero_leaves_the_head_and_the_loss_as_they_are():
    of = task(source())
    before, task_loss = of.target.head.weight.clone(), torch.tensor(2.0)
    given = module('cross_modal_probe', of, weight=0)
    step = batch(of)
    assert (
        given.training_step(step, given.target.outputs(step.windows), task_loss).loss is task_loss
    )
    assert torch.equal(given.target.head.weight, before)

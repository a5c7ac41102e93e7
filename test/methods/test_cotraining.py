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

"""Who learns what from whom in co-training."""

from typing import get_args

import pytest
import torch

from test.methods.classifiers import batch, classifier, module, source
from test.methods.classifiers import task as transfer_task
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.cotraining import transfer_loss, TransferKind
from xmodal_ros.methods.multimodal_transformer import attention_rows, Fused
from xmodal_ros.methods.training_module import (
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.models.classifier import Outputs

KINDS = get_args(TransferKind)
ROWS = torch.arange(8)


def terms(
    of: TransferTask, share: float = 1.0, **options: object
) -> tuple[TrainingModule, TrainingBatch, LossTerms]:
    given = module('cotraining', of, **options).eval()
    step = batch(of, share=share)
    outputs = given.target.outputs(step.windows)
    task_loss = of.task_loss(outputs.logits, step.labels)
    return given, step, given.training_step(step, outputs, task_loss)


def teacher_like(outputs: Outputs) -> Fused:
    rows = attention_rows(outputs.query, outputs.key)
    return Fused(outputs.feature.clone(), outputs.logits.clone(), (rows,))


def gradients(given: TrainingModule, loss: torch.Tensor) -> set[str]:
    """Modules that get a gradient other than zero."""
    given.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    return {
        '.'.join(name.split('.')[:2])
        for name, p in given.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }


@pytest.mark.parametrize('kind', KINDS)
def test_a_student_that_is_its_teacher_has_nothing_to_learn_and_another_has(kind):
    raw = torch.randn(8, 40, 6)
    student, other = classifier(0).eval().outputs(raw), classifier(1).eval().outputs(raw)
    same = teacher_like(student)
    assert transfer_loss(kind, same, same.attention[0], ROWS, student, 4.0).item() == (
        pytest.approx(0, abs=1e-5)
    )
    fused = teacher_like(other)
    assert transfer_loss(kind, fused, fused.attention[0], ROWS, student, 4.0).item() > 1e-5


@pytest.mark.parametrize('kind', KINDS)
def test_the_teacher_gets_no_gradient_from_what_it_teaches(kind):
    raw = torch.randn(8, 40, 6)
    student = classifier(0).outputs(raw)
    fused = teacher_like(classifier(1).outputs(raw))
    leaves = [fused.feature, fused.logits, fused.attention[0]]
    for leaf in leaves:
        leaf.retain_grad()
    transfer_loss(kind, fused, fused.attention[0], ROWS, student, 4.0).backward()
    assert all(leaf.grad is None for leaf in leaves)


@pytest.mark.parametrize('kind', KINDS)
def test_only_windows_the_student_has_count(kind):
    raw = torch.randn(8, 40, 6)
    student = classifier(0).eval().outputs(raw)
    rows = torch.tensor([1, 5])
    some = classifier(0).eval().outputs(raw[rows])
    fused = teacher_like(student)
    assert transfer_loss(kind, fused, fused.attention[0], rows, some, 4.0).item() == (
        pytest.approx(0, abs=1e-5)
    )


def test_the_shared_encoders_learn_from_every_task_and_the_heads_from_their_own():
    of = transfer_task(source())
    given, _, found = terms(of, alpha=0)
    learnt = gradients(given, found.loss)
    assert {'target.encoder', 'branches.0', 'multimodal.cross', 'multimodal.head'} <= learnt
    # Without the target's own loss its encoder still hears of the multimodal task; its head and
    # its own attention do not.
    given = module('cotraining', of, alpha=0).eval()
    step = batch(of, share=1.0)
    outputs = given.target.outputs(step.windows)
    others = gradients(given, given.training_step(step, outputs, torch.zeros(())).loss)
    assert 'target.encoder' in others
    assert not {'target.head', 'target.attention'} & others


@pytest.mark.parametrize('kind', KINDS)
def test_what_is_taught_reaches_the_students_and_not_the_multimodal_branch(kind):
    of = transfer_task(source())
    given, step, with_transfer = terms(of, alpha=1.0, transfer=kind)
    outputs = given.target.outputs(step.windows)
    branch = of.sources['camera'].classifier.outputs(
        of.sources['camera'].windows.values[step.rows]
    )
    task = of.task_loss(outputs.logits, step.labels) + of.task_loss(branch.logits, step.labels)
    together = with_transfer.parts['multimodal']
    alone = with_transfer.loss - task.detach() - together
    assert alone.item() == pytest.approx(with_transfer.parts['transfer'], rel=1e-4, abs=1e-5)
    plain = terms(of, alpha=0)
    silent = _multimodal_gradients(plain[0], plain[2].loss)
    taught = _multimodal_gradients(given, with_transfer.loss)
    assert silent.keys() == taught.keys()
    for name, gradient in silent.items():
        torch.testing.assert_close(taught[name], gradient)


def _multimodal_gradients(given: TrainingModule, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    given.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    return {
        name: p.grad.clone()
        for name, p in given.named_parameters()
        if name.startswith('multimodal.') and p.grad is not None
    }


def test_teaching_begins_with_nothing_and_rises_over_the_ramp():
    taught = {}
    for share in (0.0, 0.05, 0.1, 0.2, 0.9):
        _, _, found = terms(transfer_task(source()), share, alpha=2.0, ramp=0.2)
        parts = found.parts
        rest = parts['multimodal'] + parts['sources']
        of = transfer_task(source())
        given = module('cotraining', of).eval()
        step = batch(of)
        task = of.task_loss(given.target.outputs(step.windows).logits, step.labels).item()
        taught[share] = found.loss.item() - rest - task
    assert taught[0.0] == pytest.approx(0, abs=1e-5)
    assert taught[0.05] == pytest.approx(taught[0.2] / 4, rel=1e-3)
    assert taught[0.1] == pytest.approx(taught[0.2] / 2, rel=1e-3)
    assert taught[0.9] == pytest.approx(taught[0.2], rel=1e-5)


def test_cut_at_the_input_the_multimodal_branch_has_encoders_of_its_own():
    of = transfer_task(source())
    given = module('cotraining', of, cut='input', alpha=0).eval()
    step = batch(of, share=1.0)
    outputs = given.target.outputs(step.windows)
    others = gradients(given, given.training_step(step, outputs, torch.zeros(())).loss)
    assert not any(name.startswith('target.') for name in others)
    assert {'encoders.0', 'encoders.1'} <= others


@pytest.mark.parametrize('kind', KINDS)
def test_windows_that_a_source_lacks_do_not_change_with_what_it_says_elsewhere(kind):
    in_time = torch.where(torch.arange(24) < 4, torch.arange(24), -1)
    teacher = source(in_time=in_time)
    _, _, before = terms(transfer_task(teacher), transfer=kind)
    teacher.windows.values[4:] = torch.nan
    _, _, after = terms(transfer_task(teacher), transfer=kind)
    assert torch.equal(before.loss, after.loss)
    assert before.loss.isfinite()


def test_a_batch_that_no_source_has_a_window_for_is_learnt_alone():
    of = transfer_task(source(in_time=torch.full((24,), -1)))
    given, _, found = terms(of)
    assert found.parts['sources'] == 0
    gradients(given, found.loss)
    grads = [p.grad for p in given.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in grads)


def test_sources_may_have_other_channels_but_not_other_dimensions():
    given, _, found = terms(transfer_task(source(), source('thigh', seed=3, channels=3)))
    assert found.loss.isfinite()
    # Each of them and their fusion are taught.
    assert {'branches.0', 'branches.1', 'target.encoder'} <= gradients(given, found.loss)
    with pytest.raises(ConfigurationError, match=r"16 dimensions and the 32 of source 'camera'"):
        module('cotraining', transfer_task(source(dim=32)))

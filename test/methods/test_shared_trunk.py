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
"""One trunk behind the encoders of all sensors."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from test.methods.classifiers import batch, classifier, module, source, task
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.source import NO_LABEL, Source
from xmodal_ros.methods.training_module import LossTerms, TrainingModule, TransferTask


def terms(of: TransferTask, given: TrainingModule) -> tuple[LossTerms, Tensor]:
    """Give those of a step, and the target's own loss in it."""
    step = batch(of)
    outputs = given.target.outputs(step.windows)
    task_loss = of.task_loss(outputs.logits, step.labels)
    torch.manual_seed(4)
    return given.training_step(step, outputs, task_loss), task_loss


def shown(teacher: Source, count: int = 400, **options: object) -> tuple[Tensor, Tensor]:
    """Give windows and labels of a source that the trunk was shown."""
    seen: list[Tensor] = []
    labels: list[Tensor] = []

    def keep(raw: Tensor, _: torch.Generator) -> Tensor:
        seen.append(raw)
        return raw

    def loss(logits: Tensor, of_them: Tensor) -> Tensor:
        labels.append(of_them)
        return logits.sum()

    teacher.augment = keep
    of = replace(task(teacher), task_loss=loss)
    given = module('shared_trunk', of, **options).eval()
    step = batch(of, [0] * count)
    outputs = given.target.outputs(step.windows)
    torch.manual_seed(4)
    given.training_step(step, outputs, outputs.logits.sum())
    return torch.cat(seen), torch.cat(labels)


def test_the_sources_windows_are_read_by_their_encoder_and_the_targets_trunk():
    teacher = source(channels=3)
    of = task(teacher)
    given = module('shared_trunk', of, weight=0.5).eval()
    found, task_loss = terms(of, given)
    torch.manual_seed(4)
    chosen = torch.randint(24, (8,))
    tokens = teacher.classifier.encoder(teacher.windows.values[chosen])
    attended = given.target.attention(tokens)[0]
    logits = given.target.head(given.target.norm(attended.mean(dim=1)))
    other = of.task_loss(logits, teacher.windows.labels[chosen])
    torch.testing.assert_close(found.loss, task_loss + 0.5 * other)
    assert found.parts['sources'] == pytest.approx(other.item())


def test_what_a_source_shows_trains_its_encoder_and_the_trunk_alone():
    of = task(source())
    given = module('shared_trunk', of).eval()
    step = batch(of)
    torch.manual_seed(4)
    of_source = given.training_step(step, given.target.outputs(step.windows), torch.tensor(0.0))
    of_source.loss.backward()
    learnt = {
        '.'.join(name.split('.')[:2])
        for name, parameter in given.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }
    assert learnt == {'target.attention', 'target.norm', 'target.head', 'encoders.0'}


def test_nothing_of_a_source_is_left_in_the_target():
    given = module('shared_trunk', task(source(channels=3)))
    ours = {name: value.shape for name, value in given.target.state_dict().items()}
    assert ours == {name: value.shape for name, value in classifier().state_dict().items()}


def test_it_needs_no_pairs_nor_as_many_windows():
    of = task(source(in_time=torch.full((24,), -1), count=9))
    found, _ = terms(of, module('shared_trunk', of))
    assert found.parts['sources'] > 0


def test_several_sources_count_as_much_as_one():
    one, other = source('camera', seed=1), source('thigh', seed=2, channels=3)
    of = task(one, other)
    given = module('shared_trunk', of).eval()
    found, task_loss = terms(of, given)
    assert [n for n, _ in given.named_children()] == ['target', 'encoders']
    assert found.loss.item() == pytest.approx(task_loss.item() + found.parts['sources'])
    losses = iter((1.0, 3.0))
    said = replace(of, task_loss=lambda *_: torch.tensor(next(losses)))
    step = batch(said)
    given = module('shared_trunk', said).eval()
    outputs = given.target.outputs(step.windows)
    assert given.training_step(step, outputs, torch.tensor(0.5)).loss.item() == 2.5


def test_windows_without_a_label_are_not_shown():
    labels = torch.where(torch.arange(24) < 20, NO_LABEL, torch.arange(24) % 3)
    seen, of_them = shown(source(labels=labels))
    assert (of_them != NO_LABEL).all()
    assert len(seen.flatten(1).unique(dim=0)) == 4


def test_shuffled_labels_are_each_others_and_stay():
    teacher = source()
    seen, labels = shown(teacher, source_data='shuffled_labels')
    same = (seen[:, None] == teacher.windows.values[None]).all(dim=(2, 3))
    rows = same.int().argmax(dim=1)
    assert same.any(dim=1).all()
    found = torch.full((24,), NO_LABEL)
    found[rows] = labels
    assert torch.equal(found[rows], labels)
    assert torch.equal(found.bincount(), teacher.windows.labels.bincount())
    assert not torch.equal(found, teacher.windows.labels)


def test_noise_has_the_windows_mean_and_covariance_and_nothing_else_of_them():
    teacher = source(count=300)
    values = teacher.windows.values
    # What one step says the next says too: a covariance that noise of each step alone has not.
    values += torch.randn((300, 1, 6), generator=torch.Generator().manual_seed(3))
    values[..., 0] += 3
    seen, labels = shown(teacher, count=6000, source_data='noise')
    noise = seen.flatten(1).unique(dim=0)
    assert 200 < len(noise) <= 300
    assert not torch.isin(noise[:, 0], values[:, 0, 0]).any()
    torch.testing.assert_close(noise.mean(dim=0), values.flatten(1).mean(dim=0), atol=0.3, rtol=0)
    two = slice(6, 18)
    found, expected = noise[:, two].T.cov(), values.flatten(1)[:, two].T.cov()
    torch.testing.assert_close(found, expected, atol=0.4, rtol=0)
    assert expected[0, 6] > 0.7
    assert labels.unique().tolist() == [0, 1, 2]


def test_tokens_of_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r"16 dimensions and the 32 of source 'camera'"):
        module('shared_trunk', task(source(dim=32)))


def test_a_weight_of_zero_adds_nothing_to_train():
    of = task(source())
    given = module('shared_trunk', of, weight=0)
    found, task_loss = terms(of, given)
    assert found.loss is task_loss
    assert {name.split('.')[0] for name, _ in given.named_parameters()} == {'target'}

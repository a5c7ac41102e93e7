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

"""What follows from D-CAT's definition, each consequence on its own."""

import math

import pytest
import torch

from test.methods import classifiers as small
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.dcat import alignment_loss, Dcat, DcatOptions
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.models.classifier import Classifier, Outputs
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing

NORMALISATIONS = ('frobenius', 'by_length', 'softmax', 'none')
DEFAULT = DcatOptions()
KNOWN = torch.ones(3, dtype=torch.bool)


def keys_and_values(
    tokens: int = 10, *, batch: int = 4, heads: int = 4, dim: int = 16, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (2, batch, heads, tokens, dim)
    key, value = torch.randn(shape, generator=generator)
    return key, value


def classifier(seed: int) -> Classifier:
    torch.manual_seed(seed)
    return Classifier(Preprocessing([]), ImuCnnConfig(width=16, dim=16), 6, 3)


def paired(outputs: Outputs) -> dict[str, PairedSource]:
    return {'camera': PairedSource(torch.arange(len(outputs.logits)), outputs, KNOWN)}


def test_the_matrices_are_compared_as_the_definition_says():
    target, source = keys_and_values(seed=1), keys_and_values(seed=2)
    distances = []
    for b in range(4):
        for h in range(4):
            ours = target[0][b, h].T @ target[1][b, h]
            theirs = source[0][b, h].T @ source[1][b, h]
            distances.append((ours / ours.norm() - theirs / theirs.norm()).norm())
    expected = torch.stack(distances).mean()
    torch.testing.assert_close(alignment_loss(*target, *source, DEFAULT), expected)


@pytest.mark.parametrize('normalisation', NORMALISATIONS)
@pytest.mark.parametrize('per_head', [True, False])
@pytest.mark.parametrize('squared', [True, False])
def test_identical_inputs_give_zero_and_no_broken_gradient(normalisation, per_head, squared):
    options = DcatOptions(normalisation=normalisation, per_head=per_head, squared=squared)
    key, value = keys_and_values()
    key.requires_grad_()
    loss = alignment_loss(key, value, key.detach(), value, options)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert key.grad is not None
    assert torch.isfinite(key.grad).all()


@pytest.mark.parametrize('normalisation', NORMALISATIONS)
def test_the_sides_may_have_different_numbers_of_tokens(normalisation):
    options = DcatOptions(normalisation=normalisation)
    ours, theirs = keys_and_values(25), keys_and_values(8)
    loss = alignment_loss(*ours, *theirs, options)
    assert math.isfinite(loss.item())
    assert loss.item() > 0
    # Tokens of nothing add nothing, but to the number of them.
    key, value = (torch.cat([each, torch.zeros_like(each)], dim=2) for each in theirs)
    if normalisation == 'by_length':
        key = 2 * key
    torch.testing.assert_close(alignment_loss(*ours, key, value, options), loss)


def test_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match='4 heads of 16 and the source 4 of 8'):
        alignment_loss(*keys_and_values(dim=16), *keys_and_values(dim=8), DEFAULT)
    with pytest.raises(ConfigurationError, match='same encoder dim'):
        alignment_loss(*keys_and_values(heads=4), *keys_and_values(heads=2), DEFAULT)


@pytest.mark.parametrize('per_head', [True, False])
def test_the_order_of_tokens_in_time_does_not_matter(per_head):
    options = DcatOptions(per_head=per_head)
    (key, value), source = keys_and_values(seed=1), keys_and_values(seed=2)
    order = torch.randperm(key.shape[2], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        alignment_loss(key[:, :, order], value[:, :, order], *source, options),
        alignment_loss(key, value, *source, options),
    )


@pytest.mark.parametrize('per_head', [True, False])
def test_frobenius_normalised_it_lies_between_zero_and_two(per_head):
    options = DcatOptions(per_head=per_head)
    key, value = keys_and_values(seed=1)
    opposite = alignment_loss(key, value, key, -value, options)
    assert opposite.item() == pytest.approx(2, abs=1e-5)
    for seed in range(2, 8):
        loss = alignment_loss(key, value, *keys_and_values(seed=seed), options).item()
        assert 0 <= loss <= 2


def test_unrelated_inputs_give_about_the_root_of_two():
    losses = [
        alignment_loss(
            *keys_and_values(batch=32, seed=seed), *keys_and_values(batch=32, seed=99), DEFAULT
        ).item()
        for seed in range(5)
    ]
    assert sum(losses) / len(losses) == pytest.approx(math.sqrt(2), abs=0.02)


def test_by_length_divides_by_each_sides_own_tokens():
    options = DcatOptions(normalisation='by_length')
    key, value = keys_and_values(10)
    twice = (torch.cat([key, key], dim=2), torch.cat([value, value], dim=2))
    assert alignment_loss(key, value, *twice, options).item() == pytest.approx(0, abs=1e-5)
    assert alignment_loss(key, value, *twice, DcatOptions(normalisation='none')).item() > 1


def test_centred_it_is_blind_to_what_all_windows_have_in_common():
    centred = DcatOptions(centred=True)
    (key, value), source = keys_and_values(seed=1), keys_and_values(seed=2)
    common = torch.randn(1, 4, 5, 16, generator=torch.Generator().manual_seed(3)).expand(
        4, -1, -1, -1
    )
    more_key, more_value = (torch.cat([side, 3 * common], dim=2) for side in (key, value))
    expected = alignment_loss(key, value, *source, centred)
    torch.testing.assert_close(alignment_loss(more_key, more_value, *source, centred), expected)
    plain = alignment_loss(key, value, *source, DEFAULT)
    assert not alignment_loss(more_key, more_value, *source, DEFAULT).isclose(plain)
    one = (key[:1], value[:1])
    assert alignment_loss(*one, *one, centred).isfinite()


def test_squared_squares_each_distance():
    target, source = keys_and_values(batch=1, heads=1, seed=1), keys_and_values(batch=1, heads=1)
    plain = alignment_loss(*target, *source, DEFAULT)
    squared = alignment_loss(*target, *source, DcatOptions(squared=True))
    torch.testing.assert_close(squared, plain**2)


def test_no_gradient_reaches_the_query_the_head_or_the_source():
    target, source = classifier(0), classifier(1)
    target.train()
    window = torch.randn(5, 100, 6)
    outputs = target.outputs(window)
    task_loss = torch.zeros(())
    terms = Dcat(DEFAULT).compute_loss(task_loss, outputs, paired(source.outputs(window)))
    terms.loss.backward()
    assert all(p.grad is None for p in source.parameters())
    touched = {name for name, p in target.named_parameters() if p.grad is not None}
    assert {'attention.project_key.weight', 'attention.project_value.weight'} <= touched
    assert any(name.startswith('encoder.') for name in touched)
    assert not any('query' in n or 'head' in n or 'project_out' in n for n in touched)


def test_the_loss_is_the_tasks_plus_lambda_times_the_mean_over_sources():
    target, near, far = (classifier(seed).eval() for seed in range(3))
    window = torch.randn(5, 100, 6)
    outputs = target.outputs(window)
    sources = {
        'near': paired(near.outputs(window))['camera'],
        'far': paired(far.outputs(window))['camera'],
    }
    losses = [
        alignment_loss(outputs.key, outputs.value, s.outputs.key, s.outputs.value, DEFAULT)
        for s in sources.values()
    ]
    terms = Dcat(DcatOptions(weight=0.5)).compute_loss(torch.tensor(3.0), outputs, sources)
    torch.testing.assert_close(terms.loss, 3 + 0.5 * (losses[0] + losses[1]) / 2)
    assert terms.parts['alignment'] == pytest.approx((losses[0] + losses[1]).item() / 2)


def test_only_windows_that_the_source_shares_are_aligned():
    target, source = classifier(0).eval(), classifier(1).eval()
    window = torch.randn(6, 100, 6)
    outputs, rows = target.outputs(window), torch.tensor([1, 4])
    shared = {'camera': PairedSource(rows, source.outputs(window[rows]), KNOWN)}
    expected = Dcat(DEFAULT).compute_loss(
        torch.zeros(()), target.outputs(window[rows]), paired(source.outputs(window[rows]))
    )
    given = Dcat(DEFAULT).compute_loss(torch.zeros(()), outputs, shared)
    torch.testing.assert_close(given.loss, expected.loss)


@pytest.mark.parametrize(('weight', 'sources'), [(0.0, True), (1.0, False)])
def test_without_weight_or_shared_windows_the_tasks_loss_is_left_as_it_is(weight, sources):
    outputs = classifier(0).outputs(torch.randn(3, 100, 6))
    task_loss = torch.tensor(1.5, requires_grad=True)
    terms = Dcat(DcatOptions(weight=weight)).compute_loss(
        task_loss, outputs, paired(outputs) if sources else {}
    )
    assert terms.loss is task_loss


@pytest.mark.parametrize('pairing', ['time', 'class'])
def test_windows_are_aligned_with_their_own_moment_or_any_of_their_activity(pairing):
    teacher = small.source(count=24)
    of = small.task(teacher)
    given = small.module('dcat', of, pairing=pairing).eval()
    step = small.batch(of, [0, 4, 8])
    outputs = given.target.outputs(step.windows)
    losses = {
        given.training_step(step, outputs, torch.zeros(())).parts['alignment'] for _ in range(4)
    }
    aligned = alignment_loss(
        outputs.key,
        outputs.value,
        teacher.outputs.key[[0, 4, 8]],
        teacher.outputs.value[[0, 4, 8]],
        DEFAULT,
    ).item()
    if pairing == 'time':
        assert [*losses] == [pytest.approx(aligned)]
    else:
        assert len(losses) > 1

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

"""What follows from the comparison of relations, for D-CAT's matrices and for pooled features."""

import math

import pytest
import torch

from test.methods.classifiers import batch, module, paired, source, task
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.dcat import DcatOptions, described
from xmodal_ros.methods.relational import relational_loss, RelationalModule
from xmodal_ros.methods.training_module import LossTerms, TrainingModule

BOTH: tuple[tuple[str, dict[str, str]], ...] = (
    ('dcat', {'distance': 'relational'}),
    ('feature_relational', {}),
)


def vectors(seed: int, count: int = 8, dim: int = 12) -> torch.Tensor:
    return torch.randn((count, dim), generator=torch.Generator().manual_seed(seed))


def matrices(tokens: int = 10, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    key, value = torch.randn((2, 6, 4, tokens, 5), generator=torch.Generator().manual_seed(seed))
    return key, value


def step(given: TrainingModule, of, rows: list[int] | None = None) -> LossTerms:
    shown = batch(of, rows)
    return given.training_step(shown, given.target.outputs(shown.windows), torch.tensor(2.0))


def test_it_is_the_divergence_that_the_definition_says():
    ours, theirs, centre = vectors(1), vectors(2), vectors(3)[0]
    rows = []
    for i in range(8):
        target, mine = ours[i] - centre, theirs[i] - centre
        others = [each - centre for each in theirs]
        p, q = (
            torch.stack([one @ each / one.norm() / each.norm() for each in others]).div(0.1)
            for one in (mine, target)
        )
        p, q = p.softmax(0), q.softmax(0)
        rows.append((p * (p / q).log()).sum())
    expected = torch.stack(rows).mean()
    torch.testing.assert_close(relational_loss(ours, theirs, 0.1, centre), expected)


@pytest.mark.parametrize('centre', ['none', 'batch'])
def test_identical_inputs_give_zero_and_others_more(centre):
    ours = vectors(1).requires_grad_()
    loss = relational_loss(ours, ours.detach(), 0.1, centre)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert ours.grad is not None
    assert torch.isfinite(ours.grad).all()
    assert relational_loss(vectors(1), vectors(2), 0.1, centre).item() > 0.1


def test_a_turn_and_a_stretch_of_both_sides_change_nothing_and_of_one_side_does():
    ours, theirs = vectors(1), vectors(2)
    turn = torch.linalg.qr(vectors(4, 12))[0]
    loss = relational_loss(ours, theirs, 0.1)
    torch.testing.assert_close(relational_loss(3 * ours @ turn, 0.2 * theirs @ turn, 0.1), loss)
    assert not relational_loss(ours @ turn, theirs, 0.1).isclose(loss, rtol=1e-3)


def test_a_high_temperature_tells_nothing_apart():
    assert relational_loss(vectors(1), vectors(2), 1e4).item() == pytest.approx(0, abs=1e-6)


def test_a_target_that_answers_the_same_to_all_windows_pays_what_the_source_tells_apart():
    # With a distance of values a constant is cheap; here it costs log P less the entropy of P.
    theirs = vectors(2, 16)
    same = vectors(1, 1).expand(16, -1)
    cosines = torch.nn.functional.normalize(theirs, dim=1)
    told = (cosines @ cosines.T / 0.1).softmax(1)
    entropy = -(told * told.log()).sum(1).mean()
    assert relational_loss(same, theirs, 0.1).item() > math.log(16) - entropy.item()


def test_sides_of_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match='12 numbers, the source by 5'):
        relational_loss(vectors(1), vectors(2, dim=5), 0.1)


def test_what_describes_a_window_is_blind_to_order_and_number_of_tokens():
    (key, value), options = matrices(), DcatOptions()
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        described(key[:, :, order], value[:, :, order], options), described(key, value, options)
    )
    twice = (torch.cat([key, key], 2), torch.cat([value, value], 2))
    torch.testing.assert_close(described(*twice, options), described(key, value, options))


def test_heads_are_normalised_each_on_its_own():
    found = described(*matrices(), DcatOptions()).unflatten(1, (4, 25))
    torch.testing.assert_close(found.norm(dim=2), torch.ones(6, 4))


@pytest.mark.parametrize(('name', 'options'), BOTH)
def test_no_gradient_reaches_what_is_not_compared(name, options):
    teacher = source()
    of = task(teacher)
    given = module(name, of, **options)
    step(given, of).loss.backward()
    assert all(p.grad is None for p in teacher.classifier.parameters())
    touched = {name for name, p in given.target.named_parameters() if p.grad is not None}
    assert any(name.startswith('encoder.') for name in touched)
    assert not any('head' in name for name in touched)
    assert any('query' in name for name in touched) == (name == 'feature_relational')


@pytest.mark.parametrize(('name', 'options'), BOTH)
def test_the_centre_is_the_mean_over_all_of_the_sources_training_windows(name, options):
    teacher = source(count=24)
    of = task(teacher)
    given = module(name, of, temperature=0.5, weight=3, **options).eval()
    assert isinstance(given, RelationalModule)
    outputs = given.target.outputs(batch(of).windows)
    every = paired(teacher.classifier, teacher.windows.values[:]).outputs

    def describe(some):
        return some.feature if name != 'dcat' else described(some.key, some.value, DcatOptions())

    mean = describe(every).mean(0)
    loss = relational_loss(describe(outputs), describe(every)[:8], 0.5, mean)
    terms = step(given, of)
    torch.testing.assert_close(terms.loss, 2 + 3 * loss)
    assert terms.parts == {'relations': pytest.approx(loss.item())}
    for other in ('batch', 'none'):
        assert not step(
            module(name, of, temperature=0.5, weight=3, centre=other, **options).eval(), of
        ).loss.isclose(terms.loss)


@pytest.mark.parametrize(('name', 'options'), BOTH)
def test_windows_without_a_partner_are_not_compared(name, options):
    at = torch.where(torch.arange(24) < 4, torch.arange(24), -1)
    of = task(source(in_time=at))
    given = module(name, of, **options).eval()
    assert step(given, of, [8, 9]).parts == {}
    # Those without one change nothing of the others' part.
    some, all_of_them = step(given, of, [0, 1, 2]), step(given, of, [0, 1, 2, 9])
    assert some.parts['relations'] == pytest.approx(all_of_them.parts['relations'], rel=1e-5)


@pytest.mark.parametrize(
    ('name', 'options'),
    [*BOTH, ('dcat', {}), ('feature_cosine', {}), ('infonce', {'joint': True})],
)
def test_distillation_goes_beside_it(name, options):
    of = task(source())
    alone = step(module(name, of, **options).eval(), of)
    taught = step(module('distillation', of, alpha=0.4).eval(), of)
    both = step(module(name, of, distillation=0.4, **options).eval(), of)
    torch.testing.assert_close(both.loss, alone.loss - 2 + taught.loss)
    assert both.parts == pytest.approx({**alone.parts, **taught.parts})

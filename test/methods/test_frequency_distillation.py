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

"""What follows from taking features apart by frequency."""

import math

import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.frequency_distillation import band_losses, split_bands
from xmodal_ros.methods.training_module import LossTerms, TrainingModule


def features(seed: int, count: int = 8, dim: int = 16) -> torch.Tensor:
    return torch.randn((count, dim), generator=torch.Generator().manual_seed(seed))


def step(given: TrainingModule, of, rows: list[int] | None = None) -> LossTerms:
    shown = batch(of, rows)
    return given.training_step(shown, given.target.outputs(shown.windows), torch.tensor(2.0))


@pytest.mark.parametrize('cut', [0.05, 0.25, 0.9])
def test_the_bands_add_up_and_share_no_energy(cut):
    whole = features(1)
    low, high = split_bands(whole, cut)
    torch.testing.assert_close(low + high, whole)
    assert (low * high).sum(1).abs().max() < 1e-4
    # What is low stays so when it is split again.
    torch.testing.assert_close(split_bands(low, cut)[0], low, atol=1e-5, rtol=1e-4)


def test_a_slow_wave_is_low_and_a_fast_one_high():
    at = torch.arange(16) * 2 * math.pi / 16
    slow, fast = at.sin()[None], (7 * at).sin()[None]
    low, high = split_bands(slow + fast, 0.25)
    torch.testing.assert_close(low, slow, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(high, fast, atol=1e-5, rtol=1e-4)


def test_identical_features_give_zero_and_no_broken_gradient():
    ours = features(1).requires_grad_()
    low, high = band_losses(ours, ours.detach(), 0.25)
    (low + high).backward()
    assert low.item() == pytest.approx(0)
    assert high.item() == pytest.approx(0)
    assert ours.grad is not None
    assert ours.grad.isfinite().all()


def test_how_large_features_are_and_what_they_have_in_common_do_not_matter():
    ours, theirs = features(1), features(2)
    expected = band_losses(ours, theirs, 0.25)
    found = band_losses(7 * ours + features(3, 1), 0.1 * theirs - 5, 0.25)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_each_band_hears_of_its_own_frequencies_only():
    ours, theirs = features(1), features(2)
    our_low, their_low = (split_bands(e - e.mean(0), 0.25)[0] for e in (ours, theirs))
    # Features of low frequencies alone have no high band to differ in.
    low, high = band_losses(our_low, their_low, 0.25)
    assert low.item() > 0.1
    assert high.item() == pytest.approx(0, abs=1e-9)


def test_a_large_difference_of_the_high_band_counts_less_than_its_square():
    at = torch.arange(16)
    fast = torch.stack([(-1.0) ** at, -((-1.0) ** at)])
    _, high = band_losses(fast, -fast, 0.25)
    assert high.item() == pytest.approx((2 * math.log(2)) ** 2, rel=1e-4)


def test_features_of_one_window_or_all_alike_are_no_trouble():
    for same in (features(1, 1), features(1, 1).repeat(4, 1)):
        ours = same.requires_grad_()
        losses = band_losses(ours, features(2, len(same)), 0.25)
        assert all(loss.isfinite() for loss in losses)
        torch.stack(losses).sum().backward()
        assert ours.grad is not None
        assert ours.grad.isfinite().all()


def test_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match="16 dimensions, the source's 8"):
        band_losses(features(1), features(2, dim=8), 0.25)


def test_the_loss_is_the_sum_of_its_parts_and_gives_the_source_no_gradient():
    teacher = source()
    of = task(teacher)
    given = module('frequency_distillation', of, low=0.5, high=2, shared_head=0.7).eval()
    terms = step(given, of)
    outputs = given.target.outputs(batch(of).windows)
    low, high = band_losses(outputs.feature, teacher.outputs.feature[:8], 0.25)
    read = torch.nn.functional.cross_entropy(
        teacher.classifier.head(outputs.feature), batch(of).labels
    )
    torch.testing.assert_close(terms.loss, 2 + 0.5 * low + 2 * high + 0.7 * read)
    terms.loss.backward()
    assert all(p.grad is None for p in teacher.classifier.parameters())
    assert set(terms.parts) == {'low', 'high', 'shared head'}
    # The target's own head learns from its labels alone, which are not in this loss.
    assert all(p.grad is None for p in given.target.head.parameters())


def test_windows_without_a_partner_or_a_label_are_passed_over():
    at = torch.where(torch.arange(24) < 4, torch.arange(24), -1)
    of = task(source(in_time=at))
    given = module('frequency_distillation', of).eval()
    assert step(given, of, [8, 9]).parts == {}
    some, more = step(given, of, [0, 1, 2]), step(given, of, [0, 1, 2, 9])
    assert some.parts == pytest.approx(more.parts, rel=1e-4)

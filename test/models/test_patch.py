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

"""What follows from the definitions of the patches."""

import math
from typing import get_args

import pytest
import torch

from test.bundles import make_imu_bundle
from xmodal_ros.errors import BundleError
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo, read_bundle_info
from xmodal_ros.models.configuration_patch import (
    AttentionPatchConfig,
    GatedPatchConfig,
    Kernel,
    LARGEST_BANK,
)
from xmodal_ros.models.modeling_patch import AttentionPatch, bank_bytes, GatedPatch
from xmodal_ros.models.precision import computing

DIM = 16
KERNELS = pytest.mark.parametrize('kernel', get_args(Kernel))


def attention(kernel: Kernel = 'exp', bank: int = 50, seed: int = 0, **more) -> AttentionPatch:
    torch.manual_seed(seed)
    spec = AttentionPatchConfig(bank=bank, key_dim=8, value_dim=DIM, kernel=kernel, **more)
    patch = AttentionPatch(spec, DIM)
    patch.store(torch.randn(bank, 8), torch.randn(bank, DIM))
    return patch


def gated(bank: int = 50, top: int = 5, seed: int = 0, *, gate: bool = True) -> GatedPatch:
    torch.manual_seed(seed)
    patch = GatedPatch(GatedPatchConfig(bank=bank, dim=8, top=top, gate=gate), DIM)
    patch.store(torch.rand(bank, 8))
    return patch


def features(count: int = 5, seed: int = 1) -> torch.Tensor:
    return torch.randn((count, DIM), generator=torch.Generator().manual_seed(seed))


@KERNELS
def test_attention_is_the_kernels_weighted_mean(kernel):
    patch, feature = attention(kernel), features()
    with torch.no_grad():
        patch.log_scale.fill_(0.3)
        expected = []
        for query in patch.query(feature):
            if kernel == 'exp':
                exponent = patch.keys @ query
            elif kernel == 'gaussian':
                exponent = -(patch.keys - query).square().sum(1) / 2
            else:
                exponent = -(patch.keys - query).abs().sum(1)
            weights = (math.exp(0.3) * exponent / math.sqrt(8)).exp()
            expected.append(weights @ patch.values / weights.sum())
        torch.testing.assert_close(
            patch.attend(feature), torch.stack(expected), atol=1e-5, rtol=1e-4
        )


@KERNELS
@pytest.mark.parametrize('chunk', [1, 7, 49])
def test_chunks_give_what_the_whole_bank_gives_and_the_same_gradients(kernel, chunk):
    patch, feature = attention(kernel), features().requires_grad_()
    whole = patch.attend(feature)
    expected = torch.autograd.grad(whole.square().sum(), [feature, patch.query.weight])
    patch.chunk = chunk
    parts = patch.attend(feature)
    found = torch.autograd.grad(parts.square().sum(), [feature, patch.query.weight])
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@KERNELS
def test_exponents_that_would_overflow_do_not(kernel):
    patch = attention(kernel)
    with torch.no_grad():
        patch.log_scale.fill_(math.log(1e6))
        patch.chunk = 3
        found = patch.attend(features())
    assert found.isfinite().all()
    # So sharp a kernel takes the single best.
    assert all((patch.values - row).abs().sum(1).min() < 1e-4 for row in found)


@KERNELS
def test_a_bank_of_one_repeated_sample_answers_with_it_whatever_is_asked(kernel):
    patch = attention(kernel)
    patch.store(torch.randn(1, 8).expand(50, -1), torch.arange(16.0).expand(50, -1))
    torch.testing.assert_close(patch.attend(features()), torch.arange(16.0).expand(5, -1))


@KERNELS
def test_the_order_of_the_bank_does_not_matter(kernel):
    patch, order = attention(kernel), torch.randperm(50)
    expected = patch.attend(features())
    patch.store(patch.keys[order].clone(), patch.values[order].clone())
    torch.testing.assert_close(patch.attend(features()), expected, atol=1e-5, rtol=1e-4)


def test_what_is_attended_lies_within_the_values():
    patch = attention()
    found = patch.attend(10 * features())
    assert (found <= patch.values.max(0).values + 1e-5).all()
    assert (found >= patch.values.min(0).values - 1e-5).all()


def test_fusion_sets_it_beside_the_feature_or_on_top():
    feature = features()
    beside, on_top = attention(), attention(fusion='residual')
    assert (beside.width, on_top.width) == (2 * DIM, DIM)
    torch.testing.assert_close(beside(feature)[:, :DIM], feature)
    torch.testing.assert_close(beside(feature)[:, DIM:], beside.attend(feature))
    torch.testing.assert_close(on_top(feature), feature + on_top.attend(feature))


def test_live_references_carry_gradients_until_a_bank_is_stored():
    patch = attention()
    keys = torch.randn(9, 8, requires_grad=True)
    values = torch.randn(9, DIM, requires_grad=True)
    patch.refer(keys, values)
    patch(features()).sum().backward()
    assert keys.grad is not None
    assert values.grad is not None
    before = patch(features())
    patch.store(torch.zeros(50, 8), torch.ones(50, DIM))
    assert not torch.equal(patch(features()), before)
    torch.testing.assert_close(patch.attend(features()), torch.ones(5, DIM))


def test_a_residual_must_have_the_features_dimension():
    spec = AttentionPatchConfig(bank=4, key_dim=8, value_dim=8, fusion='residual')
    with pytest.raises(ValueError, match='need 16 dimensions, not 8'):
        spec.build(DIM)
    spec.check(8)


def test_enhancing_is_as_the_definition_says():
    patch, feature = gated(), features()
    with torch.no_grad():
        for row, given in zip(feature, patch.enhance(feature), strict=True):
            query = torch.relu(patch.query.weight @ row)
            scores, places = (patch.bank @ query).topk(5)
            taken = scores.softmax(0) @ patch.bank[places]
            torch.testing.assert_close(given, torch.relu(patch.back.weight @ taken))


@pytest.mark.parametrize('chunk', [1, 7, 49])
def test_the_best_of_chunks_are_the_best_of_all(chunk):
    patch = gated()
    expected = patch.enhance(features())
    patch.chunk = chunk
    torch.testing.assert_close(patch.enhance(features()), expected)


def test_hidden_features_are_as_if_they_were_not_there():
    patch, feature = gated(), features()
    bank, hidden = torch.rand(20, 8), torch.zeros(5, 20, dtype=torch.bool)
    hidden[2, 3:] = True
    hidden[4] = True
    patch.refer(bank, hidden)
    found = patch.enhance(feature)
    patch.refer(bank[:3])
    torch.testing.assert_close(found[2], patch.enhance(feature)[2])
    assert (found[4] == 0).all()
    patch.refer(bank)
    torch.testing.assert_close(found[[0, 1, 3]], patch.enhance(feature)[[0, 1, 3]])


def test_hiding_everything_breaks_no_gradient():
    patch, feature = gated(), features().requires_grad_()
    patch.refer(torch.rand(3, 8), torch.ones(5, 3, dtype=torch.bool))
    found = patch(feature)
    found.sum().backward()
    # There is nothing to add to the feature, which goes through as it is.
    assert torch.equal(found, feature)
    assert feature.grad is not None
    assert torch.equal(feature.grad, torch.ones_like(feature))


def test_the_gate_starts_nearly_closed_and_without_one_the_feature_is_replaced():
    patch, feature = gated(), features()
    openness = (patch(feature) - feature) / patch.enhance(feature).clamp_min(1e-9)
    assert openness[patch.enhance(feature) > 0].max() < 0.35
    bare = gated(gate=False)
    torch.testing.assert_close(bare(feature), bare.enhance(feature))


def test_more_may_be_asked_for_than_the_bank_holds():
    patch, whole = gated(bank=3, top=5), gated(bank=3, top=3)
    torch.testing.assert_close(patch.enhance(features()), whole.enhance(features()))


@pytest.mark.parametrize('patch', [attention(), gated()])
def test_what_is_saved_answers_the_same_and_its_size_is_known(patch):
    again = patch.config.build(DIM)
    again.load_state_dict(patch.state_dict())
    assert torch.equal(again(features()), patch(features()))
    assert bank_bytes(patch) == 4 * 50 * (8 + DIM if isinstance(patch, AttentionPatch) else 8)


@pytest.mark.parametrize('patch', [attention(), attention('laplace'), gated()])
def test_half_precision_answers_nearly_the_same(patch):
    expected = patch(features())
    with computing(torch.device('cpu'), 'bf16'):
        found = patch(features()).float()
    assert (found - expected).abs().max() < 0.1 * expected.abs().max()


def test_a_document_with_a_patch_that_cannot_be_is_refused(tmp_path):
    content = read_bundle_info(make_imu_bundle(tmp_path / 'imu')).model_dump()
    patch = {'kind': 'attention_patch', 'bank': 9, 'key_dim': 8, 'value_dim': 8}
    BundleInfo.model_validate({**content, 'patch': patch})
    for change, message in (
        ({'fusion': 'residual'}, 'need 16 dimensions, not 8'),
        ({'bank': LARGEST_BANK + 1}, 'less than or equal'),
        ({'kernel': 'cubic'}, 'laplace'),
    ):
        with pytest.raises(ValueError, match=message):
            BundleInfo.model_validate({**content, 'patch': {**patch, **change}})


def test_a_patch_travels_in_the_bundle_and_must_be_the_one_of_the_document(tmp_path):
    info = read_bundle_info(make_imu_bundle(tmp_path / 'imu'))
    patched = info.model_copy(update={'patch': attention().config})
    classifier = patched.make_classifier()
    assert classifier.patch is not None
    classifier.patch.load_state_dict(attention().state_dict())
    window = torch.randn(patched.window_shape)
    save_bundle(tmp_path / 'patched', patched, classifier, window)
    loaded = load_bundle(tmp_path / 'patched')
    with torch.no_grad():
        assert torch.equal(loaded.classifier(window[None]), classifier(window[None]))
    smaller = info.model_copy(update={'patch': attention(bank=49).config})
    save_bundle(tmp_path / 'wrong', smaller, classifier, window)
    with pytest.raises(BundleError, match=r'patch\.keys'):
        load_bundle(tmp_path / 'wrong')

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

"""The classifier shared by every modality and method."""

import math

import pytest
import torch

from xmodal_ros.models.classifier import Classifier, probabilities
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_preprocessing import StandardiseStep
from xmodal_ros.models.modeling_preprocessing import Preprocessing


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    steps = [StandardiseStep(mean=(1.0,) * 6, std=(2.0,) * 6)]
    return Classifier(Preprocessing(steps), ImuCnnConfig(width=16, dim=32), 6, 5).eval()


def test_outputs_give_every_stage_that_methods_may_use(classifier):
    outputs = classifier.outputs(torch.randn(3, 100, 6))
    assert outputs.tokens.shape == (3, 13, 32)
    for projected in (outputs.query, outputs.key, outputs.value):
        assert projected.shape == (3, 4, 13, 8)
    assert outputs.feature.shape == (3, 32)
    assert outputs.logits.shape == (3, 5)


def test_forward_gives_the_logits_alone(classifier):
    window = torch.randn(2, 100, 6)
    assert torch.equal(classifier(window), classifier.outputs(window).logits)


def test_attention_is_softmax_of_scaled_products_with_a_residual(classifier):
    attention = classifier.attention
    tokens = torch.randn(2, 7, 32)
    attended, query, key, value = attention(tokens)
    weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(8), dim=-1)
    mixed = attention.project_out((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attended, tokens + mixed)


def test_raw_windows_go_in_and_preprocessing_is_part_of_the_model(classifier):
    window = torch.randn(2, 100, 6)
    bare = Classifier(Preprocessing([]), ImuCnnConfig(width=16, dim=32), 6, 5).eval()
    bare.load_state_dict(classifier.state_dict())
    torch.testing.assert_close(classifier(window), bare((window - 1) / 2))


def test_probabilities_sum_to_one_and_soften_with_temperature():
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    sharp, soft = probabilities(logits, 0.5), probabilities(logits, 2.0)
    assert sharp.dtype == torch.float64
    assert sharp.sum().item() == pytest.approx(1, abs=1e-12)
    assert sharp[0, 0] > soft[0, 0] > 1 / 3

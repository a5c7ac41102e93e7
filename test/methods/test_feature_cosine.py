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

"""What follows from the definition of feature alignment."""

import pytest
import torch

from test.methods.classifiers import classifier, paired
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.feature_cosine import cosine_loss, FeatureCosine, FeatureCosineOptions

RAW = torch.randn(5, 40, 6, generator=torch.Generator().manual_seed(3))


def test_same_directions_give_zero_opposite_ones_two_and_unrelated_ones_about_one():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn((64, 100), generator=generator)
    assert cosine_loss(features, 3 * features).item() == pytest.approx(0, abs=1e-6)
    assert cosine_loss(features, -features).item() == pytest.approx(2, abs=1e-6)
    others = torch.randn((64, 100), generator=generator)
    assert cosine_loss(features, others).item() == pytest.approx(1, abs=0.1)


def test_no_gradient_reaches_the_head_or_the_source():
    target, teacher = classifier(0), classifier(1)
    source = paired(teacher, RAW)
    terms = FeatureCosine(FeatureCosineOptions()).compute_loss(
        torch.zeros(()), target.outputs(RAW), {'camera': source}
    )
    terms.loss.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is None for p in target.head.parameters())
    assert all(p.grad is not None for p in target.encoder.parameters())


def test_the_distance_is_weighed_and_averaged_over_sources():
    target, near, far = (classifier(seed).eval() for seed in range(3))
    outputs = target.outputs(RAW)
    sources = {'near': paired(near, RAW), 'far': paired(far, RAW)}
    distances = [cosine_loss(outputs.feature, s.outputs.feature) for s in sources.values()]
    terms = FeatureCosine(FeatureCosineOptions(weight=0.5)).compute_loss(
        torch.tensor(3.0), outputs, sources
    )
    torch.testing.assert_close(terms.loss, 3 + 0.5 * (distances[0] + distances[1]) / 2)


def test_features_of_other_dimensions_are_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r'16 dimensions.* 32: train both'):
        cosine_loss(torch.zeros(2, 16), torch.zeros(2, 32))


def test_without_a_weight_the_tasks_loss_is_left_as_it_is():
    task_loss = torch.tensor(1.5)
    outputs = classifier(0).outputs(RAW)
    method = FeatureCosine(FeatureCosineOptions(weight=0))
    assert method.compute_loss(
        task_loss, outputs, {'camera': paired(classifier(1), RAW)}
    ).loss is (task_loss)

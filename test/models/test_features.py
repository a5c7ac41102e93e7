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

"""Fixed features of windows: what they keep, and how little rounding does to them."""

import pytest
import torch

from xmodal_ros.models.configuration_features import RocketFeatures, StatisticsFeatures
from xmodal_ros.models.modeling_features import StandardisedFeatures, WindowStatistics

KINDS = pytest.mark.parametrize('config', [StatisticsFeatures(), RocketFeatures(biases=2)])


def prepared(config: StatisticsFeatures | RocketFeatures, windows: torch.Tensor):
    torch.manual_seed(0)
    features = StandardisedFeatures(config, windows.shape[2]).eval()
    values = features.prepare(windows, torch.Generator().manual_seed(0))
    return features, values


@pytest.fixture
def windows() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    strength = torch.rand((60, 1, 1), generator=generator) + 0.5
    return strength * torch.randn((60, 40, 3), generator=generator)


@KINDS
def test_they_are_standardised_by_the_windows_they_were_prepared_with(config, windows):
    features, values = prepared(config, windows)
    assert values.shape == (60, features.count)
    assert values.mean(dim=0).abs().max() < 0.2
    torch.testing.assert_close(features.in_parts(windows), values)


def test_statistics_tell_how_a_limb_hangs_and_how_strongly_it_moves(windows):
    features, values = prepared(StatisticsFeatures(), windows)
    hanging = features.in_parts(windows + torch.tensor([2.0, 0, 0]))
    stronger = features.in_parts(2 * windows)
    for other in (hanging, stronger):
        assert (other - values).abs().amax(dim=1).min() > 1


@KINDS
def test_a_silent_channel_and_rounding_errors_move_no_feature(config, windows):
    silent = windows.clone()
    silent[:, :, 2] = 0
    features, values = prepared(config, silent)
    assert bool(values.isfinite().all())
    noise = 1e-7 * torch.randn(silent.shape, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(features.in_parts(silent + noise), values, atol=1e-3, rtol=0)


@KINDS
def test_windows_far_from_all_that_was_seen_stay_within_bounds(config, windows):
    features, _ = prepared(config, windows)
    assert features.in_parts(1000 * windows).abs().max() <= 6


def test_a_window_that_stands_still_far_off_has_the_statistics_of_one_at_rest():
    # As silence is, of a channel that hardly varies about gravity where it is learnt from.
    statistics = WindowStatistics(StatisticsFeatures(), 3)
    far = torch.full((1, 250, 3), -53.556114)
    torch.testing.assert_close(
        statistics(far).double(), statistics(far.double()), rtol=1e-6, atol=1e-6
    )


def test_segments_of_kernels_average_to_the_window(windows):
    whole, _ = prepared(RocketFeatures(biases=2), windows)
    parts, _ = prepared(RocketFeatures(biases=2, segments=4), windows)
    torch.testing.assert_close(
        parts.features(windows).mean(dim=1), whole.features(windows)[:, 0], atol=1e-5, rtol=0
    )

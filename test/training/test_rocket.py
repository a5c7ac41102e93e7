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

"""MiniRocket tells apart what it was made for, and is the same for the same seed."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV
import torch

from xmodal_ros.training.rocket import MiniRocket


def windows(count: int, steps: int = 60, channels: int = 3) -> tuple[torch.Tensor, np.ndarray]:
    """Two rhythms of one strength at a random phase: means and deviations tell nothing."""
    rng = np.random.default_rng(3)
    kinds = np.arange(count) % 2
    time = np.arange(steps)[None, :, None]
    phase = rng.uniform(0, 2 * np.pi, (count, 1, channels))
    values = np.sin(time * (0.4 + 0.3 * kinds[:, None, None]) + phase)
    return torch.from_numpy(values + rng.normal(0, 0.2, values.shape)).float(), kinds


def test_rhythms_are_told_apart_on_windows_not_seen():
    values, kinds = windows(120)
    rocket = MiniRocket(values[:60], seed=0, features=840)
    model = RidgeClassifierCV().fit(rocket(values[:60]), kinds[:60])
    assert model.score(rocket(values[60:]), kinds[60:]) == 1.0


def test_features_are_shares_that_no_scale_and_no_other_window_changes():
    values, _ = windows(20)
    features = MiniRocket(values, seed=0, features=840)(values)
    assert features.shape[0] == 20
    assert 800 <= features.shape[1] <= 1000
    assert features.min() >= 0
    assert features.max() <= 1
    assert 0.3 < features.mean() < 0.7
    # Another unit of a channel, by a power of two lest rounding matters.
    scale = torch.tensor([4.0, 1.0, 0.25])
    again = MiniRocket(values * scale, seed=0, features=840)
    assert np.mean(again(values * scale) != features) < 0.01
    alone = MiniRocket(values, seed=0, features=840)(values[:1])
    assert np.mean(alone != features[:1]) < 0.01
    assert not np.array_equal(MiniRocket(values, seed=1, features=840)(values), features)


@pytest.mark.parametrize(('steps', 'channels'), [(1, 1), (5, 1), (9, 2), (30, 48)])
def test_short_windows_and_many_or_constant_channels_are_no_trouble(steps, channels):
    values = torch.zeros(6, steps, channels)
    features = MiniRocket(values, seed=0, features=168)(values)
    assert np.isfinite(features).all()

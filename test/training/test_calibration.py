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

"""Temperature and threshold, chosen on validation."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score

from xmodal_ros.training.calibration import calibrate, calibrated_loss


def sampled(sharpness: float, windows: int = 4000, classes: int = 5, seed: int = 0):
    """Labels drawn from the softmax of random logits, which are then given sharper."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(windows, classes))
    chances = softmax(logits, axis=1)
    labels = np.array([rng.choice(classes, p=row) for row in chances])
    return sharpness * logits, labels


@pytest.mark.parametrize('sharpness', [0.5, 1.0, 3.0])
def test_the_temperature_undoes_over_and_under_confidence(sharpness):
    calibration = calibrate(*sampled(sharpness))
    assert calibration.temperature == pytest.approx(sharpness, rel=0.1)


def test_the_threshold_costs_at_most_half_a_point_and_is_the_largest_such():
    logits, labels = sampled(1.0)
    calibration = calibrate(logits, labels)
    chances = softmax(logits / calibration.temperature, axis=1)

    def macro_f1(threshold: float) -> float:
        answers = np.where(chances.max(axis=1) >= threshold, chances.argmax(axis=1), -1)
        return float(f1_score(labels, answers, labels=np.unique(labels), average='macro'))

    threshold = calibration.unknown_threshold
    assert 0 < threshold < 0.5
    assert macro_f1(threshold) >= macro_f1(0) - 0.005
    assert macro_f1(threshold + 0.01) < macro_f1(0) - 0.005


def test_a_majority_is_never_overruled():
    labels = np.arange(200) % 4
    logits = 20 * np.eye(4)[labels]
    assert calibrate(logits, labels).unknown_threshold == 0.5


def test_the_calibrated_loss_does_not_mind_how_sure_a_model_is_of_itself():
    logits, labels = sampled(1.0)
    assert calibrated_loss(3 * logits, labels) == pytest.approx(
        calibrated_loss(logits, labels), abs=1e-3
    )
    assert calibrated_loss(logits, labels) < calibrated_loss(logits[::-1], labels) - 0.5
    # Knowing nothing is as bad as it gets, but for being wrong.
    assert calibrated_loss(0 * logits, labels) == pytest.approx(np.log(5))


@pytest.mark.parametrize('scale', [0.01, 0.3, 1.0, 3.0, 100.0])
@pytest.mark.parametrize('seed', range(4))
def test_the_calibrated_loss_is_the_least_of_all_temperatures(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 30)
    logits = scale * (random.normal(size=(30, 4)) + np.eye(4)[labels])
    chosen = softmax(logits[:, None] / np.geomspace(0.2, 5.0, 161)[:, None], axis=-1)
    of_labels = np.take_along_axis(chosen, labels[:, None, None], axis=2)[:, :, 0]
    with np.errstate(divide='ignore'):
        every = -np.log(of_labels).mean(axis=0)
    assert calibrated_loss(logits, labels) == pytest.approx(every.min(), rel=1e-9)


def test_a_loss_that_is_no_number_stays_none() -> None:
    assert np.isnan(calibrated_loss(np.full((3, 2), np.nan), np.zeros(3, np.int64)))

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

"""The engine decides on one window at a time, and says 'unknown' rather than guess."""

import numpy as np
import pytest
import torch

from test.bundles import LABELS, make_camera_bundle, make_imu_bundle
from test.messages import EPOCH
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.devices import choose_device, make_deterministic
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.windows.assembler import Window


@pytest.fixture(scope='module')
def bundle(tmp_path_factory):
    return load_bundle(make_imu_bundle(tmp_path_factory.mktemp('engine') / 'bundle'))


def window(seed=0, coverage=1.0):
    values = np.random.default_rng(seed).normal(0, 5, (100, 6)).astype(np.float32)
    return Window(EPOCH, values, coverage, 'imu_link')


def test_the_likeliest_class_comes_first_and_scores_sum_to_one(bundle):
    prediction = Engine(bundle).classify(window())
    scores = [score for _, score in prediction.scores]
    assert {name for name, _ in prediction.scores} == set(LABELS)
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)
    assert prediction.label == LABELS[int(np.argmax(prediction.probabilities))]
    assert (prediction.stamp_ns, prediction.frame_id) == (EPOCH, 'imu_link')
    with torch.no_grad():
        logits = bundle.classifier(torch.from_numpy(window().values)[None])[0].double()
    np.testing.assert_allclose(prediction.probabilities, torch.softmax(logits, 0), rtol=1e-6)


def test_too_little_coverage_is_unknown_without_a_guess(bundle):
    least = bundle.info.window.min_coverage
    weak = Engine(bundle).classify(window(coverage=least - 0.01))
    assert weak.scores == (('unknown', 1.0),)
    assert weak.probabilities == ()
    assert Engine(bundle).classify(window(coverage=least)).label in LABELS


def test_weak_evidence_puts_unknown_first_with_what_the_best_class_lacks(bundle):
    plain = Engine(bundle, unknown_threshold=0.0).classify(window())
    best = max(plain.probabilities)
    assert Engine(bundle, unknown_threshold=best).classify(window()).label == plain.label
    doubtful = Engine(bundle, unknown_threshold=np.nextafter(best, 1)).classify(window())
    assert doubtful.scores[0] == ('unknown', 1 - best)
    assert doubtful.scores[1:] == plain.scores
    assert doubtful.probabilities == plain.probabilities


def test_the_same_window_gives_the_same_bits(bundle):
    make_deterministic()
    engine = Engine(bundle)
    first = engine.classify(window())
    for seed in (1, 2, 3):
        engine.classify(window(seed))
    assert engine.classify(window()) == first


def test_scores_that_are_no_numbers_are_unknown_without_a_guess(bundle):
    values = np.full((100, 6), np.nan, np.float32)
    prediction = Engine(bundle).classify(Window(EPOCH, values, 1.0, 'imu_link'))
    assert prediction.scores == (('unknown', 1.0),)
    assert prediction.probabilities == ()


def test_integer_frames_are_classified_as_they_come(tmp_path):
    engine = Engine(load_bundle(make_camera_bundle(tmp_path / 'camera')))
    engine.warm_up()
    frames = np.random.default_rng(0).integers(0, 255, (8, 16, 16, 1)).astype(np.uint8)
    prediction = engine.classify(Window(EPOCH, frames, 1.0, 'camera_link'))
    assert sum(prediction.probabilities) == pytest.approx(1)


def test_auto_takes_what_is_there():
    expected = 'cuda' if torch.cuda.is_available() else 'cpu'
    assert choose_device('auto').type == expected
    assert choose_device('cpu').type == 'cpu'


def test_the_one_cpu_may_be_given_any_number():
    # An input is made on torch.device('cpu'), which must be the very device of the weights.
    assert choose_device('cpu:7') == torch.device('cpu')


@pytest.mark.parametrize('name', ['cuda:99', 'gpu', '', 'mps', 'cpu:x'])
def test_a_device_that_is_not_there_is_an_error_that_names_those_that_may_be(name):
    with pytest.raises(ConfigurationError, match="'cpu'"):
        choose_device(name)

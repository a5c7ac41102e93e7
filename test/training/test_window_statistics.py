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

"""Baselines without a net."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.models.configuration_preprocessing import MotionStep
from xmodal_ros.training.window_statistics import (
    OtherSensor,
    StatisticsBaseline,
    window_statistics,
)

MODELS = pytest.mark.parametrize(
    'model', ['random_forest', 'logistic_regression', 'minirocket_ridge']
)


def examples(count: int = 60, seed: int = 0) -> WindowsDataset:
    """Three activities that shake more or less."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    values = rng.normal(0, 1 + labels[:, None, None], (count, 50, 6))
    return WindowsDataset(
        values.astype(np.float32), labels, np.zeros(count, dtype=np.int64), np.arange(count)
    )


def test_each_channel_is_described_by_what_it_does_over_time():
    ramp = torch.arange(101.0)
    windows = torch.stack([ramp, torch.full((101,), 7.0)], dim=1)[None]
    mean, deviation, low, middle, high, change, wobble = window_statistics([], windows).reshape(
        7, 2
    )
    assert mean.tolist() == [50, 7]
    assert deviation == pytest.approx([ramp.std(correction=0).item(), 0])
    assert [low[0], middle[0], high[0]] == [10, 50, 90]
    assert change == pytest.approx([100 / 101, 0])
    assert wobble[1] == 0


def test_preprocessing_comes_first_and_pictures_become_a_grid():
    assert window_statistics([], torch.randn(3, 8, 30, 40, 1)).shape == (3, 7 * 48)
    assert window_statistics([MotionStep()], torch.randn(3, 8, 30, 40, 1)).shape == (3, 14 * 48)
    assert window_statistics([], torch.randn(3, 1, 6)).shape == (3, 42)


@MODELS
def test_it_learns_and_repeats_itself(model):
    baseline = StatisticsBaseline(model, [], examples(), 4, 0)
    test = examples(30, seed=1)
    chances = baseline.probabilities(test.values)
    assert chances.shape == (30, 4)
    assert chances.sum(axis=1) == pytest.approx(1)
    # The fourth activity was never seen.
    assert (chances[:, 3] == 0).all()
    assert (chances.argmax(axis=1) == test.labels).mean() > 0.9
    again = StatisticsBaseline(model, [], examples(), 4, 0).probabilities(test.values)
    assert np.array_equal(chances, again)


@MODELS
def test_no_window_gives_no_answer(model):
    baseline = StatisticsBaseline(model, [], examples(), 3, 0)
    assert baseline.probabilities(np.zeros((0, 50, 6), np.float32)).shape == (0, 3)


def test_two_activities_have_chances_too():
    two = examples()
    two = replace(two, labels=np.minimum(two.labels, 1))
    chances = StatisticsBaseline('minirocket_ridge', [], two, 2, 0).probabilities(two.values)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (chances.argmax(axis=1) == two.labels).mean() > 0.9


@MODELS
def test_another_sensor_helps_where_there_is_one(model):
    """The target is noise; only the other sensor, which some windows lack, shows what is done."""
    known = examples(seed=2)
    noise = np.random.default_rng(3).normal(size=known.values.shape).astype(np.float32)
    row_of = np.where(np.arange(60) % 5 == 4, -1, np.arange(60))
    beside = OtherSensor(known.values, row_of)
    deaf = replace(known, values=noise)
    baseline = StatisticsBaseline(model, [], deaf, 3, 0, {'wrist': ([], beside)})
    shown = examples(seed=4)
    chances = baseline.probabilities(noise, {'wrist': OtherSensor(shown.values, row_of)})
    assert chances.sum(axis=1) == pytest.approx(1)
    right = chances.argmax(axis=1) == shown.labels
    assert right[row_of >= 0].mean() > 0.8


@MODELS
@pytest.mark.filterwarnings('ignore:Skipping features without any observed values')
@pytest.mark.parametrize('lacking', ['learnt from', 'tested'])
def test_another_sensor_may_be_missing_wherever_it_is_learnt_from_or_tested(model, lacking):
    known = examples(seed=2)
    there, nowhere = np.arange(60), np.full(60, -1)
    learnt, asked = (nowhere, there) if lacking == 'learnt from' else (there, nowhere)
    # As of people of whom none has it: a window of somebody else's says how large one is.
    beside = OtherSensor(known.values, learnt)
    baseline = StatisticsBaseline(model, [], known, 3, 0, {'wrist': ([], beside)})
    shown = examples(seed=4)
    chances = baseline.probabilities(shown.values, {'wrist': OtherSensor(known.values, asked)})
    assert chances.sum(axis=1) == pytest.approx(1)
    # What it learnt of the other sensor, means in its place say nothing of.
    right = (chances.argmax(axis=1) == shown.labels).mean()
    assert right > (0.8 if lacking == 'learnt from' else 0.3)

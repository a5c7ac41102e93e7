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

"""Simulated recordings are a task that one can fail, and that one can learn."""

import numpy as np
import pytest

from benchmarks.simulator_difficulty import (
    HIGHEST,
    LOWEST,
    read_windows,
    Score,
    score_across_subjects,
    Windows,
)
from xmodal_ros.simulator.simulate import plan_recordings, simulate

SENSORS = ('imu_wrist', 'camera', 'microphone')


@pytest.fixture(scope='module')
def windows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Windows]:
    folder = tmp_path_factory.mktemp('difficulty')
    bags = [bag.path for bag in simulate(folder, plan_recordings(6, 2.0, 0), jobs=2)]
    return {sensor: read_windows(bags, sensor) for sensor in SENSORS}


@pytest.fixture(scope='module')
def scores(windows: dict[str, Windows]) -> dict[str, Score]:
    return {name: score_across_subjects(part, test_size=2) for name, part in windows.items()}


@pytest.mark.parametrize('sensor', SENSORS)
def test_random_forest_neither_fails_nor_excels_on_people_it_has_not_met(scores, sensor):
    assert len(scores[sensor].labels) == 10
    assert LOWEST < scores[sensor].macro_f1 < HIGHEST


def test_what_one_sensor_confuses_another_tells_apart(scores):
    share = {}
    for name, score in scores.items():
        share[name] = score.confusion / score.confusion.sum(axis=1, keepdims=True)
        np.fill_diagonal(share[name], 0.0)
    for name in SENSORS:
        worst = np.unravel_index(share[name].argmax(), share[name].shape)
        others = [share[other][worst] for other in SENSORS if other != name]
        assert min(others) < 0.5 * share[name][worst], name


def test_score_of_shuffled_labels_is_chance(windows):
    wrist = windows['imu_wrist']
    shuffled = Windows(wrist.features[::-1], wrist.labels, wrist.subjects)
    assert score_across_subjects(shuffled, test_size=2).macro_f1 < 0.25

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

"""The windows of a study, and how its settings decide on them."""

from collections.abc import Mapping
import importlib
from pathlib import Path

import numpy as np
import pytest

from test.paired_bags import write_paired_bag
from test.studies.small_study import LOGISTIC, study, UNIMODAL
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.datamodule import load_recordings
from xmodal_ros.data.recording import (
    load_recording,
    read_facts,
    RecordingFacts,
    RecordingWindows,
)
from xmodal_ros.errors import BagError, ConfigurationError, TrainingError
from xmodal_ros.models import configuration_camera_efficientnet
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.progress import NullReporter
from xmodal_ros.registry import other_code
from xmodal_ros.studies import run_code
from xmodal_ros.studies.recipes import make_recipes, place_sensors
from xmodal_ros.studies.run_code import code_of
from xmodal_ros.studies.runs import groups, Run

NAMES = ('imu', 'camera')


def read_windows(
    facts: RecordingFacts, recipes: Mapping[str, Recipe], folder: Path
) -> RecordingWindows:
    options = DataOptions(folder, strict=True)
    (recording,) = load_recordings([facts], recipes, options, NullReporter())
    assert isinstance(recording, RecordingWindows)
    return recording


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_paired_bag(tmp_path / 'bag', '1')


def test_windows_are_cut_once_and_again_when_what_they_are_cut_from_changes(bag, tmp_path):
    facts, folder = read_facts(bag, lambda _: NAMES), tmp_path / 'windows'
    recipes = make_recipes(study(), [facts])
    first = read_windows(facts, recipes, folder)
    kept = {path.name for path in folder.iterdir()}
    assert len(kept) == 2
    again = read_windows(facts, recipes, folder)
    assert {path.name for path in folder.iterdir()} == kept
    fresh = load_recording(facts, {n: (r.stream, r.training_window) for n, r in recipes.items()})
    for name in NAMES:
        for each in (first, again):
            expected, found = fresh.windows[name], each.windows[name]
            np.testing.assert_array_equal(np.asarray(found.values), np.asarray(expected.values))
            np.testing.assert_array_equal(found.ends_ns, expected.ends_ns)
    assert len(fresh.windows['imu'].values)
    larger = make_recipes(study(sensors={'camera': {'height': 16}}), [facts])
    read_windows(facts, {'camera': larger['camera']}, folder)
    assert len({path.name for path in folder.iterdir()} - kept) == 1


def test_what_cannot_be_used_ends_the_study_in_words(bag, tmp_path):
    facts = read_facts(bag, lambda _: NAMES)
    recipes = make_recipes(study(), [facts])
    (tmp_path / 'windows').write_text('a file')
    with pytest.raises(TrainingError, match='windows'):
        read_windows(facts, recipes, tmp_path / 'windows')
    (file,) = facts.files
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(BagError, match='bag'):
        read_windows(facts, recipes, tmp_path / 'others')


def test_settings_reach_the_recipes_and_those_that_cannot_be_are_refused(bag):
    facts = read_facts(bag, lambda _: NAMES)
    settings = {'width': 24, 'dim': 16, 'height': 16, 'image_width': 24}
    settings |= {'epochs': 3, 'pretrain': 7}
    recipe = make_recipes(study(sensors={'camera': settings}), [facts])['camera']
    assert (recipe.fit.epochs, recipe.fit.pretrain) == (3, 7)
    assert (recipe.encoder.width, recipe.encoder.dim) == (24, 16)
    assert recipe.stream.sample_shape == (16, 24, 1)
    with pytest.raises(ConfigurationError, match='height mean nothing to sensors of'):
        make_recipes(study(sensors={'imu': {'height': 16}}), [facts])
    large = make_recipes(
        study(sensors={'camera': {'size': 'large', 'frames_per_token': 4}}), [facts]
    )
    encoder = large['camera'].encoder
    assert isinstance(encoder, CameraCnnConfig)
    assert (encoder.width, encoder.frames_per_token) == (32, 4)
    assert large['imu'].encoder == make_recipes(study(sensors={}), [facts])['imu'].encoder


def test_a_study_keeps_the_weights_that_an_encoder_begins_with(bag, tmp_path, monkeypatch):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    monkeypatch.setattr(configuration_camera_efficientnet, 'find_weights', lambda _: weights)
    facts = read_facts(bag, lambda _: NAMES)
    settings = {'encoder': 'camera_efficientnet', 'width': 24}
    asked = study(sensors={'camera': settings})
    recipes = make_recipes(asked, [facts])
    encoder = recipes['camera'].encoder
    assert isinstance(encoder, CameraEfficientNetConfig)
    assert (encoder.weights, encoder.width) == (weights, 24)
    group = next(each for each in groups(asked) if each.sources)
    run = Run(group, group.rows[0])
    before = code_of(run, recipes)
    weights.write_bytes(b'others')
    after = code_of(run, make_recipes(asked, [facts]))
    assert {name for name in before if before[name] != after[name]} == {
        'weights of camera_efficientnet'
    }


def test_a_study_keeps_the_code_of_another_packages_modality(bag, tmp_path, monkeypatch):
    module = tmp_path / 'modality_elsewhere.py'
    text = 'from xmodal_ros.modalities.imu.modality import Imu\nclass Other(Imu): ...\n'
    module.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    other = importlib.import_module('modality_elsewhere').Other()
    asked = study(methods=[UNIMODAL, LOGISTIC], targets={'imu': []})
    recipes = make_recipes(asked, [read_facts(bag, lambda _: NAMES)])
    (group,) = groups(asked)
    runs = [Run(group, row) for row in group.rows]
    assert not any('modality imu' in code_of(run, recipes) for run in runs)
    monkeypatch.setattr(run_code, 'find_modality', lambda _: other)
    before = [code_of(run, recipes)['modality imu'] for run in runs]
    module.write_text(text + '# changed\n')
    # As another process would.
    other_code.cache_clear()
    assert all(code_of(r, recipes)['modality imu'] not in before for r in runs)


def test_a_study_says_which_part_of_the_picture_is_looked_at(bag, tmp_path):
    facts = read_facts(bag, lambda _: NAMES)
    all_of_it = study(sensors={})
    part = study(sensors={'camera': {'region': [0.5, 0.0, 0.5, 1.0]}})
    cut = {}
    for each in (all_of_it, part):
        placed, recipes = place_sensors(each, facts), make_recipes(each, [facts])
        recording = read_windows(placed, recipes, tmp_path / 'windows')
        cut[each is part] = np.asarray(recording.windows['camera'].values)
    assert cut[True].shape == cut[False].shape
    assert not np.array_equal(cut[True], cut[False])

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

from pathlib import Path

import numpy as np
import pytest
import torch

from test.bags.importers.small_utd_mhad import write_archives
from test.training.configured import configure
from xmodal_ros.bags.importers.utd_mhad import import_subject, load_clips
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.recipe import make_recipe
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.recording import load_recording, read_facts, sample_messages
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.modeling_preprocessing import fit_standardise
from xmodal_ros.progress import NullReporter


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('utd')
    clips = load_clips(write_archives(folder / 'archives'))
    for subject in (1, 2):
        import_subject(clips, subject, folder / 'bags')
    return folder / 'bags'


def test_a_skeleton_is_a_source_and_a_target(bags: Path) -> None:
    asked = configure(
        bags, sources=('skeleton',), method='distillation', test_subjects=('2',), length_s=1.0
    )
    material = prepare_data(asked, NullReporter())
    windows = material.sets['skeleton'].training.values
    assert windows.shape[1:] == (20, 60)
    # Both are of the same clips, so most windows have a partner.
    ends = [set(material.sets[name].training.ends_ns.tolist()) for name in ('imu', 'skeleton')]
    assert len(ends[0] & ends[1]) > 0.8 * len(ends[0])
    alone = configure(bags, target='skeleton', test_subjects=('2',), length_s=1.0)
    ours = prepare_data(alone, NullReporter()).sets['skeleton'].training
    assert ours.ends_ns.tolist() == material.sets['skeleton'].training.ends_ns.tolist()


def test_a_model_of_a_skeleton_is_written_and_read_back(bags: Path, tmp_path: Path) -> None:
    facts = read_facts(bags / 'utd_mhad_s1', lambda _: ['skeleton'])
    recipe = make_recipe(
        facts.sensors['skeleton'],
        facts.msgtypes['skeleton'],
        sample_messages(facts, 'skeleton'),
        RecipeChoices(),
    )
    streams = {'skeleton': (recipe.stream, recipe.training_window)}
    values = load_recording(facts, streams).windows['skeleton'].values
    windows = torch.from_numpy(np.asarray(values))
    info = BundleInfo(
        labels=('clap', 'wave'),
        sensor='skeleton',
        stream=recipe.stream,
        window=recipe.window,
        preprocessing=(*recipe.derived, fit_standardise(recipe.derived, windows)),
        encoder=recipe.encoder,
        method='unimodal',
    )
    classifier = info.make_classifier().eval()
    changed = recipe.augmentation(windows, torch.Generator().manual_seed(0))
    assert changed.shape == windows.shape
    assert classifier(windows).shape == (len(windows), 2)
    save_bundle(tmp_path / 'bundle', info, classifier, windows[0])
    loaded = load_bundle(tmp_path / 'bundle')
    assert loaded.info.stream == recipe.stream
    assert torch.equal(loaded.logits(windows[:1]), classifier(windows[:1]))

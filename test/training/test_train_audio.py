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

"""A microphone as target and as source of a training run."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from test.sound_bags import LABELS, write_heard_subjects, write_sound_bag
from test.training.configured import configure, train_into
from xmodal_ros.errors import TrainingError
from xmodal_ros.models.bundle import load_bundle


@pytest.fixture(scope='module')
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heard_subjects(tmp_path_factory.mktemp('heard'))


def test_a_microphone_learns_what_is_easy(heard, tmp_path):
    result = train_into(
        tmp_path / 'microphone',
        configure(heard, target='microphone', length_s=1.0, epochs=2, batch_size=32),
    )
    assert result.evaluation.scores is not None
    assert result.evaluation.scores.macro_f1 > 0.9
    info = load_bundle(tmp_path / 'microphone').info
    assert (info.modality, info.labels) == ('audio', LABELS)
    assert [step.kind for step in info.preprocessing] == ['log_mel', 'standardise']
    golden = load_file(tmp_path / 'microphone' / 'golden.safetensors')['window'].numpy()
    assert golden.shape == (16_000,)
    assert golden.dtype == np.float32
    assert 0.05 < np.abs(golden).max() < 0.2


def test_a_microphone_teaches_an_imu(heard, tmp_path):
    learnt = configure(heard, length_s=1.0, method='dcat', sources=('microphone',))
    result = train_into(tmp_path / 'imu', learnt)
    assert result.info.sources == ('microphone',)
    assert result.info.modality == 'imu'


def test_test_subjects_whose_format_is_lost_are_found_before_anything_is_learnt(tmp_path):
    bags = write_heard_subjects(tmp_path / 'bags', ('1', '2'))
    write_sound_bag(bags / 'bag_3', '3', infos=())
    words = r"subject '3' nothing.*bag_3' does not say its rate.*as /audio_info"
    with pytest.raises(TrainingError, match=words):
        train_into(tmp_path / 'microphone', configure(bags, target='microphone', length_s=1.0))
    assert not (tmp_path / 'microphone').exists()

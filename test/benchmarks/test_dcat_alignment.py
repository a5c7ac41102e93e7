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

"""Watching D-CAT shows what it does, and changes nothing."""

import json

import pytest
import torch

from benchmarks.dcat_alignment import main, shares
from test.methods.classifiers import source
from test.paired_bags import write_subjects
from test.studies.small_study import document, TINY, write_study
from xmodal_ros.models.classifier import Outputs


def test_losses_gradients_and_controls_are_measured(tmp_path, capsys):
    recordings = write_subjects(tmp_path / 'recordings')
    sensors = {
        'imu': {**TINY, 'epochs': 2},
        'camera': {**TINY, 'height': 8, 'image_width': 8},
    }
    study = write_study(tmp_path / 'study.yaml', document(recordings, sensors=sensors))
    common = [str(study), '--recordings', str(recordings), '--target', 'imu']
    common += ['--source', 'camera', '--train', '1']
    main([*common, '--test', '2', '--json', str(tmp_path / 'a.json')])
    found = json.loads((tmp_path / 'a.json').read_text())
    assert sum(found['shares'].values()) == pytest.approx(1, abs=1e-4)
    assert set(found['runs']) == {'real', 'untrained', 'shuffled'}
    for run in found['runs'].values():
        assert 0 <= run['macro_f1'] <= 1
        assert all(0 < look['alignment'] < 2 for look in run['looks'])
        assert all(look['gradient_share'] > 0 for look in run['looks'])
    first = {name: run['looks'][0]['alignment'] for name, run in found['runs'].items()}
    assert len(set(first.values())) == 3
    assert 'untrained: macro-F1' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*common, '--test', 'nobody'])
    assert 'nobody' in capsys.readouterr().err


def test_shares_tell_what_is_common_from_what_an_activity_or_a_window_is():
    outputs = source().outputs
    labels = torch.arange(24) % 3
    same = Outputs(**{k: v[:1].expand(24, *v.shape[1:]) for k, v in vars(outputs).items()})
    assert shares(same, labels) == pytest.approx(
        {'common': 1, 'activity': 0, 'window': 0}, abs=1e-5
    )
    by_label = Outputs(**{k: v[labels] for k, v in vars(outputs).items()})
    found = shares(by_label, labels)
    assert found['window'] == pytest.approx(0, abs=1e-5)
    assert found['common'] + found['activity'] == pytest.approx(1, abs=1e-5)
    assert found['activity'] > 0

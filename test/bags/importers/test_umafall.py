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
from typing import Any

import numpy as np
import pytest

from test.bags.importers.small_utd_mhad import save
from xmodal_ros.bags.importers.umafall import (
    choose_subjects,
    FILE,
    import_subject,
    load_trials,
    SENSORS,
)
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.imu.decoder import ImuDecoder

MS = 1_000_000
# Samples of three trials: two of subject 1, one of subject 3, who has no ankle at all.
COUNTS = {'rightpocket': (100, 90, 80), 'chest': (20, 18, 16), 'waist': (20, 0, 16)}
COUNTS |= {'wrist': (20, 18, 16), 'ankle': (20, 18, 0)}


def write_archive(folder: Path, **changes: Any) -> Path:
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        'subject': np.array([1, 1, 3], np.int8),
        'label': np.array([0, 1, 1], np.int8),
        'label_names': np.array(['Walking', 'fall_lateralFall']),
        'scale_acc_g': np.float32(1 / 2048),
        'scale_gyro_dps': np.float32(1 / 64),
    }
    for name, counts in COUNTS.items():
        total, step = sum(counts), 10 if name == 'rightpocket' else 50
        arrays[f'n_acc_{name}'] = np.array(counts, np.int32)
        arrays[f't_acc_{name}'] = np.full(total, step, np.int16)
        arrays[f'acc_{name}'] = random.integers(-4096, 4096, (total, 3)).astype(np.int16)
        if name != 'rightpocket':
            arrays[f'n_gyro_{name}'] = np.array(counts, np.int32)
            arrays[f'gyro_{name}'] = random.integers(-4096, 4096, (total, 3)).astype(np.int16)
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / FILE, **arrays | changes)
    return folder


def test_a_trial_is_a_segment_and_missing_sensors_are_missing(tmp_path: Path) -> None:
    trials = load_trials(write_archive(tmp_path / 'data'))
    assert choose_subjects(trials, []) == (1, 3)
    bag = import_subject(trials, 1, tmp_path)
    assert (bag.path.name, bag.clips) == ('umafall_s01', 2)
    with BagReader(bag.path) as reader:
        segments = read_segments(reader)
        counts = {s.name: reader.topics[s.topic].count for s in reader.sensors}
        assert reader.metadata['missing'] == 'imu_waist in 1 of 2 trials'
        wrist = [ImuDecoder()(m.data) for m in reader.messages(['/imu_wrist'])]
        pocket = [ImuDecoder('acc')(m.data) for m in reader.messages(['/imu_pocket'])]
    assert [s.label for s in segments] == ['Walking', 'fall_lateralFall']
    assert counts['imu_waist'] == 20
    assert counts['imu_pocket'] == 190
    assert wrist[0].stamp_ns - segments[0].start_ns == 50 * MS
    assert pocket[1].stamp_ns - segments[0].start_ns == 20 * MS
    assert segments[0].end_ns - segments[0].start_ns == 1000 * MS
    with np.load(tmp_path / 'data' / FILE) as archive:
        acceleration = archive['acc_wrist'][0] / 2048 * 9.80665
        rate = np.deg2rad(archive['gyro_wrist'][0] / 64)
    assert wrist[0].values == pytest.approx(np.r_[acceleration, rate])
    other = import_subject(trials, 3, tmp_path).path
    with BagReader(other) as reader:
        assert [s.name for s in reader.sensors] == [
            *('imu_pocket', 'imu_chest', 'imu_waist', 'imu_wrist')
        ]


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'label': np.zeros(2)}, 'differ in length'),
        ({'label': np.full(3, 7)}, 'does not name'),
        ({'gyro_wrist': np.zeros((5, 3))}, "'wrist' differ"),
        ({'n_gyro_wrist': np.array([18, 20, 16])}, "'wrist' differ"),
        ({'n_acc_rightpocket': np.array([1, 2, 3])}, 'as it was published'),
        ({'t_acc_rightpocket': np.full(270, -1)}, 'runs backwards'),
    ],
)
def test_an_archive_of_another_layout_is_refused(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BagError, match=problem):
        load_trials(write_archive(tmp_path, **changes))


def test_the_real_data_set_is_imported(shared_data: Path, tmp_path: Path) -> None:
    trials = load_trials(shared_data / 'umafall')
    assert (len(trials), len(choose_subjects(trials, []))) == (726, 18)
    missing = {name: sum(name not in trial.traces for trial in trials) for name in SENSORS}
    assert missing == {'rightpocket': 0, 'chest': 1, 'waist': 109, 'wrist': 0, 'ankle': 103}
    bag = import_subject(trials, 10, tmp_path)
    with BagReader(bag.path) as reader:
        assert len(read_segments(reader)) == bag.clips == 19
        wrist = [ImuDecoder()(m.data) for m in reader.messages(['/imu_wrist'])]
        assert reader.metadata['missing'] == 'imu_waist in 16 of 19 trials'
    lengths = np.linalg.norm([sample.values[:3] for sample in wrist], axis=1)
    assert np.median(lengths) == pytest.approx(9.8, abs=0.5)

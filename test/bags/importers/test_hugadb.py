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
from xmodal_ros.bags.importers.hugadb import (
    choose_subjects,
    FILE,
    import_subject,
    load_stretches,
    ONE_PERSONS,
)
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.imu.contents import measure
from xmodal_ros.modalities.imu.decoder import IMU_TYPE, ImuDecoder
from xmodal_ros.modalities.imu.modality import Imu
from xmodal_ros.streams.sample import DecodeError, Sample

NAMES = ('walking', 'sitting', 'bicycling')
# Of subject, label, samples; the second stretch has a broken gyroscope at the thigh.
STRETCHES = ((1, 0, 60), (1, 1, 59), (1, 2, 30), (2, 0, 40))


def write_archive(folder: Path, **changes: Any) -> Path:
    random = np.random.default_rng(0)
    count = sum(stretch[2] for stretch in STRETCHES)
    corrupted = np.zeros((len(STRETCHES), 2), bool)
    corrupted[1, 1] = True
    arrays: dict[str, Any] = {
        'acc': random.integers(-2048, 2048, (count, 2, 3)).astype(np.int16),
        'gyro': random.integers(-2048, 2048, (count, 2, 3)).astype(np.int16),
        'lengths': np.array([stretch[2] for stretch in STRETCHES], np.int32),
        'subject': np.array([stretch[0] for stretch in STRETCHES], np.int8),
        'label': np.array([stretch[1] for stretch in STRETCHES], np.int8),
        'label_names': np.array(NAMES),
        'imu_names': np.array(['right_foot', 'right_thigh']),
        'gyro_corrupted': corrupted,
        'rate_hz': np.float32(29.5),
        'scale_acc_g': np.float32(1 / 1024),
        'scale_gyro_dps': np.float32(1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / FILE, **arrays | changes)
    return folder


def test_a_subject_becomes_a_bag_without_what_one_person_alone_did(tmp_path: Path) -> None:
    data = load_stretches(write_archive(tmp_path / 'data'))
    assert choose_subjects(data, []) == (1, 2)
    bag = import_subject(data, 1, tmp_path)
    assert (bag.path.name, bag.clips) == ('hugadb_s01', 2)
    with BagReader(bag.path) as reader:
        segments = read_segments(reader)
        foot = [ImuDecoder()(m.data) for m in reader.messages(['/imu_right_foot'])]
        assert [sensor.name for sensor in reader.sensors] == ['imu_right_foot', 'imu_right_thigh']
    assert [s.label for s in segments] == ['walking', 'sitting']
    with np.load(tmp_path / 'data' / FILE) as archive:
        expected = np.r_[
            archive['acc'][0, 0] / 1024 * 9.80665, np.deg2rad(archive['gyro'][0, 0].astype(float))
        ]
    assert foot[0].values == pytest.approx(expected)
    # 59 samples of 29.5 Hz are two seconds.
    assert foot[59].stamp_ns - foot[0].stamp_ns == 2_000_000_000
    assert segments[1].end_ns - segments[1].start_ns == 2_000_000_000


def test_flagged_gyroscopes_are_said_not_to_be_measured_unless_they_are_wanted(
    tmp_path: Path,
) -> None:
    data = load_stretches(write_archive(tmp_path / 'data'))
    sound = import_subject(data, 1, tmp_path / 'sound').path
    with BagReader(sound) as reader:
        messages = [m.data for m in reader.messages(['/imu_right_thigh'])]
        assert 'imu_right_thigh 0.50' in reader.metadata['gyroscopes']
    assert len(ImuDecoder()(messages[0]).values) == 6
    with pytest.raises(DecodeError, match='no gyro'):
        ImuDecoder()(messages[60])
    assert len(ImuDecoder('acc')(messages[60]).values) == 3
    dirty = import_subject(data, 1, tmp_path / 'recorded', 'recorded').path
    with BagReader(dirty) as reader:
        assert all(ImuDecoder()(m.data) for m in reader.messages(['/imu_right_thigh']))
    # A bag made otherwise is not taken for it.
    with pytest.raises(BagError, match='give --force'):
        import_subject(data, 1, tmp_path / 'sound', 'recorded')


@pytest.mark.parametrize(
    'changes',
    [
        {'lengths': np.array([1, 2, 3, 4])},
        {'label': np.full(4, 9)},
        {'gyro': np.zeros((5, 2, 3))},
        {'gyro_corrupted': np.zeros((4, 3), bool)},
    ],
)
def test_an_archive_of_another_layout_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BagError, match=r'hugadb29\.npz.*as it was published'):
        load_stretches(write_archive(tmp_path, **changes))


def test_a_folder_without_the_archive_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=f'expected {FILE}'):
        load_stretches(tmp_path)


def test_the_real_data_set_is_imported(shared_data: Path, tmp_path: Path) -> None:
    data = load_stretches(shared_data / 'hugadb')
    assert len(choose_subjects(data, [])) == 18
    labels = {stretch.label for stretch in data.stretches}
    assert len(labels) == 10
    assert not labels & set(ONE_PERSONS)
    bag = import_subject(data, 17, tmp_path)
    with BagReader(bag.path) as reader:
        thigh = list(reader.messages(['/imu_right_thigh']))
        assert len(read_segments(reader)) == bag.clips == 141
    # The 17th's gyroscopes are all flagged.
    details = Imu().describe_contents(IMU_TYPE, [(m.data, 0) for m in thigh[:300]]).details
    assert details is not None
    assert 'no gyro' in list(details.in_words())


def test_clipped_gyroscopes_of_the_real_data_set_are_told(shared_data: Path) -> None:
    data = load_stretches(shared_data / 'hugadb')
    told = {}
    # All gyroscopes of the 14th are flagged, none of the 8th's.
    for subject in (8, 14):
        own = [stretch for stretch in data.stretches if stretch.subject == subject]
        values = np.concatenate([np.c_[s.acceleration[:, 0], s.rate[:, 0]] for s in own])
        stamps = range(0, 34_000_000 * len(values), 34_000_000)
        foot = [Sample(stamp, 'foot', row) for stamp, row in zip(stamps, values, strict=True)]
        told[subject] = ' '.join(problem.problem for problem in measure(foot).check())
    assert 'of angular rate' in told[14]
    assert 'of angular rate' not in told[8]

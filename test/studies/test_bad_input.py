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

"""Recordings as people have them: few, one-sided, broken, at any rate."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from test.messages import EPOCH, imu_bytes, SECOND
from test.recordings import clips, IMU, IMU_TYPE
from test.studies.small_study import InThisProcess, study, UNIMODAL
from test.studies.test_datamodule import group, RECIPE, RECIPES, recording
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.data.recording import load_recording, read_facts
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.datamodule import prepare_group
from xmodal_ros.studies.runs import Fold
from xmodal_ros.studies.specification import Direction
from xmodal_ros.studies.study import StudyRuns

REGRESSION = {'row': 'regression', 'statistics': 'logistic_regression'}


def fold(train: str, test: str) -> Fold:
    return Fold('across', 0, Direction(train=tuple(train), test=tuple(test)))


def test_of_two_people_each_learns_from_the_other():
    both = [recording('1'), recording('2')]
    data = prepare_group(both, RECIPES, group(fold('1', '2')))
    # Nobody is left to validate: segments of the one who trains do.
    assert len(data.sets['wrist'].validation)
    assert set(data.test.subjects) == {'2'}


def test_a_person_with_one_activity_teaches_it_and_is_tested_on_it():
    one_sided = [recording('1', 'aaaa'), recording('2'), recording('3')]
    learnt = prepare_group(one_sided, RECIPES, group(fold('12', '3')))
    assert learnt.labels == ('a', 'b')
    tested = prepare_group(one_sided, RECIPES, group(fold('23', '1')))
    assert set(tested.test.truth) == {'a'}
    # Alone such a person teaches nothing that could be told from anything.
    with pytest.raises(TrainingError, match='show 1 activities, but two are needed'):
        prepare_group(one_sided, RECIPES, group(fold('1', '2')))


def test_an_activity_of_one_person_is_missed_where_it_is_tested_and_learnt_where_it_trains():
    rare = [recording('1', 'ababcc'), recording('2'), recording('3')]
    tested = prepare_group(rare, RECIPES, group(fold('23', '1')))
    assert 'c' not in tested.labels
    assert 'c' in tested.test.truth
    assert prepare_group(rare, RECIPES, group(fold('12', '3'))).labels == ('a', 'b', 'c')


def test_a_source_that_half_of_the_recordings_lack_teaches_with_the_others():
    people = [recording(name) for name in '1234']
    for number in (1, 3):
        only = {'wrist': people[number].windows['wrist']}
        people[number] = replace(people[number], windows=only)
    data = prepare_group(people, RECIPES, group(fold('123', '4')))
    assert set(data.sets['wrist'].training.recordings.tolist()) == {0, 1, 2}
    assert set(data.sets['thigh'].training.recordings.tolist()) == {0, 2}


def test_five_windows_in_all_are_refused_in_words():
    few = [recording('1', 'a'), recording('2', 'b'), recording('3')]
    few = [*(replace(r, windows={n: _first(w) for n, w in r.windows.items()}) for r in few[:2]),
           few[2]]  # fmt: skip
    with pytest.raises(TrainingError, match='left for validation: label more than one segment'):
        prepare_group(few, RECIPES, group(fold('12', '3')))


def _first(windows):
    return replace(
        windows,
        values=windows.values[:3],
        ends_ns=windows.ends_ns[:3],
        segment_of=windows.segment_of[:3],
    )


@pytest.mark.parametrize('rate_hz', [18, 29.4, 100, 200])
def test_imus_of_any_usual_rate_give_as_many_windows(tmp_path: Path, rate_hz: float):
    segments = clips('ab', seconds=5, pause=0)
    with BagWriter(tmp_path / 'bag', sensors=[IMU], subject='1') as writer:
        write_segments(writer, segments)
        for index in range(int(10 * rate_hz)):
            stamp = EPOCH + round(index * SECOND / rate_hz)
            writer.write(IMU.topic, IMU_TYPE, stamp, imu_bytes(stamp))
    facts = read_facts(tmp_path / 'bag', lambda _: ('imu',))
    cut = load_recording(facts, {'imu': (RECIPE.stream, RECIPE.training_window)})
    windows = cut.windows['imu']
    assert len(windows.ends_ns) >= 7
    assert np.asarray(windows.values).shape[1:] == (100, 6)
    assert 'weak' not in windows.left_out or windows.left_out['weak'] <= 1


@pytest.fixture(scope='module')
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people: an axis that never changes, and a gyroscope that is tenfold and clipped."""
    folder = tmp_path_factory.mktemp('dirty')
    rng = np.random.default_rng(0)
    for subject in '123':
        segments = clips(6 * 'ab', seconds=3, pause=1)
        tenfold, limit = (10.0, 34.9) if subject == '2' else (1.0, np.inf)
        with BagWriter(folder / subject, sensors=[IMU], subject=subject) as writer:
            write_segments(writer, segments)
            for index in range(48 * 30):
                stamp = EPOCH + index * SECOND // 30
                fast = (index // 120) % 2
                swing = np.sin(index / (1 + fast)) * 3
                acc = (swing + rng.normal(0, 0.1), 0.0, 9.81)
                gyro = np.clip(tenfold * np.array([4 * swing, 0.0, 1.0]), -limit, limit)
                writer.write(IMU.topic, IMU_TYPE, stamp, imu_bytes(stamp, acc, gyro.tolist()))
    return folder


def test_constant_channels_and_clipped_gyroscopes_are_learnt_from(dirty, tmp_path):
    small = study(
        dirty,
        targets={'imu': []},
        methods=[UNIMODAL, REGRESSION],
        splits={'across': {'folds': 'leave_one_out'}},
    )
    runs = StudyRuns(small, tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    runs.do(1, NullReporter(), InThisProcess)
    result = runs.result()
    assert (result.done, result.failed) == (6, 0)
    assert all(line.macro_f1 is not None for line in result.tables[0].lines)


def test_folds_of_one_person_are_refused_with_what_can_be_done(dirty, tmp_path):
    small = study(
        dirty / '1', targets={'imu': []}, methods=[UNIMODAL],
        splits={'across': {'folds': 'leave_one_out'}},
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"show 1 person.*'within'"):
        StudyRuns(small, tmp_path, 'cpu').prepare(NullReporter(), 1)

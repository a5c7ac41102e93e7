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

"""Who is held out to judge by, and that nothing of them is learnt from."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.training.folds import HeldOut, make_folds
from xmodal_ros.windows.windowing import SECOND_NS

PEOPLE = ('ann', 'bob', 'ann', 'cid', 'dan')
LENGTHS = {'wrist': 2 * SECOND_NS, 'thigh': 3 * SECOND_NS}


def windows(recordings: list[int], labels: list[int], first: int = 0) -> WindowsDataset:
    """A window a second in each recording; its value is its recording and its end."""
    numbers = np.repeat(recordings, len(labels))
    ends = np.tile(np.arange(first, first + len(labels)), len(recordings))
    values = (numbers * 1000 + ends).astype(np.float32)[:, None, None]
    return WindowsDataset(
        values, np.tile(labels, len(recordings)), numbers.astype(np.int64), ends * SECOND_NS
    )


def sets(
    recordings: list[int], labels: list[int], validate: list[int] | None = None
) -> Mapping[str, DatasetSplit]:
    validation = windows(recordings, validate or [0, 1], first=100)
    both = DatasetSplit(windows(recordings, labels), validation, {})
    return {'wrist': both, 'thigh': both}


def recordings_of(fold: HeldOut, sensor: str) -> set[int]:
    kept = fold.sets[sensor]
    return {*kept.training.recordings.tolist(), *kept.validation.recordings.tolist()}


def test_every_person_is_held_out_once_with_all_recordings_and_of_every_sensor():
    of = sets([0, 1, 2, 3, 4], [0, 1, 2, NO_LABEL])
    unit, folds = make_folds(of, 'wrist', PEOPLE, LENGTHS, 3, seed=0)
    assert (unit, len(folds)) == ('people', 3)
    held = [{str(owner) for owner in fold.owners} for fold in folds]
    assert sorted(name for names in held for name in names) == ['ann', 'bob', 'cid', 'dan']
    for fold, names in zip(folds, held, strict=True):
        out = {number for number, name in enumerate(PEOPLE) if name in names}
        for sensor in of:
            assert recordings_of(fold, sensor) == set(range(5)) - out
        assert set(fold.judged.recordings.tolist()) == out
        # Those who are held out are judged on all that is labelled, of training and validation.
        assert len(fold.judged) == 5 * len(out)
        assert NO_LABEL not in fold.judged.labels


def test_who_is_held_out_is_in_recordings_without_a_label_too():
    of = dict(sets([0, 1, 2], [0, 1, NO_LABEL]))
    people = ('ann', 'bob', 'cid', 'ann', 'bob')
    # Of ann there is one without a label, of bob one without the target.
    for name, others in (('wrist', [3]), ('thigh', [3, 4])):
        more = windows(others, [NO_LABEL] * 3)
        training = of[name].training
        joined = WindowsDataset(
            *(
                np.concatenate([getattr(part, each) for part in (training, more)])
                for each in ('values', 'labels', 'recordings', 'ends_ns')
            )
        )
        of[name] = replace(of[name], training=joined)
    _, folds = make_folds(of, 'wrist', people, LENGTHS, 3, seed=0)
    for fold in folds:
        (name,) = {str(owner) for owner in fold.owners}
        out = {number for number, each in enumerate(people) if each == name}
        for sensor in of:
            assert not recordings_of(fold, sensor) & out


def test_activities_that_the_others_do_not_show_are_not_judged():
    wrist = sets([0, 1], [0, 1])['wrist']
    own = np.where(
        wrist.training.recordings == 1, wrist.training.labels + 1, wrist.training.labels
    )
    changed = WindowsDataset(
        wrist.training.values, own, wrist.training.recordings, wrist.training.ends_ns
    )
    of = {'wrist': DatasetSplit(changed, windows([0], [0, 1], first=100), {})}
    _, folds = make_folds(of, 'wrist', ('ann', 'bob'), LENGTHS, 3, seed=0)
    judged = {str(fold.owners[0]): set(fold.judged.labels.tolist()) for fold in folds}
    assert judged == {'ann': {1}, 'bob': {1}}


def test_those_who_only_validate_are_not_held_out():
    training, validation = windows([0, 1], [0, 1]), windows([3], [0, 1])
    of = {'wrist': DatasetSplit(training, validation, {})}
    _, folds = make_folds(of, 'wrist', PEOPLE, LENGTHS, 3, seed=0)
    assert {str(owner) for fold in folds for owner in fold.owners} == {'ann', 'bob'}
    assert all(set(fold.sets['wrist'].validation.recordings.tolist()) == {3} for fold in folds)


def test_of_one_person_recordings_are_held_out():
    unit, folds = make_folds(sets([0, 2], [0, 1]), 'wrist', PEOPLE, LENGTHS, 3, seed=0)
    assert (unit, len(folds)) == ('recordings', 2)


def test_of_one_recording_parts_are_and_no_window_that_reaches_into_one_is_learnt_from():
    labels = [0] * 8 + [1] * 8 + [0] * 8 + [1] * 8
    of = {
        name: DatasetSplit(windows([0], labels), windows([0], [0, 1], first=100), {})
        for name in LENGTHS
    }
    unit, folds = make_folds(of, 'wrist', PEOPLE, LENGTHS, 2, seed=0)
    assert (unit, len(folds)) == ('parts of a recording', 2)
    for fold in folds:
        for name, each in fold.sets.items():
            gaps = each.training.ends_ns[:, None] - fold.judged.ends_ns[None]
            assert np.abs(gaps).min() >= max(LENGTHS[name], LENGTHS['wrist'])
            assert set(each.training.labels.tolist()) == {0, 1}


@pytest.mark.parametrize('labels', [[0, 0], [0, NO_LABEL]])
def test_where_too_little_is_labelled_nobody_is_held_out(labels):
    _, folds = make_folds(sets([0, 1], labels, validate=[0]), 'wrist', PEOPLE, LENGTHS, 3, seed=0)
    assert folds == []


def test_without_a_window_to_validate_on_those_that_train_do():
    nobody = windows([], [0])
    of = {'wrist': DatasetSplit(windows([0, 1], [0, 1, NO_LABEL]), nobody, {})}
    _, folds = make_folds(of, 'wrist', PEOPLE, LENGTHS, 3, seed=0)
    assert [fold.sets['wrist'].validation.labels.tolist() for fold in folds] == [[0, 1], [0, 1]]


def test_a_score_is_the_macro_f1_of_each_unit_over_what_it_shows():
    judged = windows([0, 1], [0, 0, 1])
    fold = HeldOut({}, judged, np.array(['ann'] * 3 + ['bob'] * 3))
    assert fold.scores(np.array([0, 0, 1, 2, 2, 2])) == {'ann': 1.0, 'bob': 0.0}
    assert fold.scores(np.array([0, 1, 1, 0, 0, 1]))['ann'] == pytest.approx(2 / 3)

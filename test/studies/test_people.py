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

"""Folds over people, curves over how many there are, and choices made among those who train."""

import json

import numpy as np
import pytest

from test.paired_bags import write_subjects
from test.studies.small_study import COSINE, InThisProcess, study, UNIMODAL
from xmodal_ros.data.datamodule import load_recordings
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies import runner
from xmodal_ros.studies.curves import find_curves
from xmodal_ros.studies.report import markdown, write_report
from xmodal_ros.studies.runner import _GroupRunner
from xmodal_ros.studies.runs import folds_over_people, Group, groups, inner_folds, People, Run
from xmodal_ros.studies.specification import Direction
from xmodal_ros.studies.study import StudyRuns
from xmodal_ros.studies.summary import summarise

PEOPLE = People(tuple(map(str, range(1, 12))))
RIDGE = {'row': 'ridge', 'statistics': 'minirocket_ridge'}
REGRESSION = {'row': 'regression', 'statistics': 'logistic_regression'}
CEILING = {'row': 'ceiling', 'statistics': 'logistic_regression', 'all_sensors': True}
BEST = {'row': 'best', 'choose': [REGRESSION, RIDGE], 'inner_folds': 2}


def across(**keys):
    return {'across': {'folds': 'leave_one_out', **keys}}


def direction_of(group: Group) -> Direction:
    assert group.fold.direction is not None
    return group.fold.direction


def run(small, out):
    runs = StudyRuns(small, out, 'cpu')
    runs.prepare(NullReporter(), 1)
    runs.do(1, NullReporter(), InThisProcess)
    return runs.result()


def test_people_to_make_folds_of_whom_no_recording_shows_are_named(recordings, tmp_path):
    across = {'folds': 2, 'subjects': ['1', '2', '77']}
    with pytest.raises(ConfigurationError, match='no recording shows 77; there are 1, 2, 3'):
        run(study(recordings, splits={'across': across}), tmp_path)
    assert not (tmp_path / 'runs').exists()


@pytest.mark.parametrize(('folds', 'count'), [(2, 2), (4, 4), ('leave_one_out', 11)])
def test_everybody_is_tested_once_by_what_learnt_from_all_others(folds, count):
    made = folds_over_people(PEOPLE.subjects, folds)
    assert len(made) == count
    tested = [name for direction in made for name in direction.test]
    assert sorted(tested) == sorted(PEOPLE.subjects)
    for direction in made:
        assert {*direction.train, *direction.test} == {*PEOPLE.subjects}
    sizes = {len(direction.test) for direction in made}
    assert max(sizes) - min(sizes) <= 1
    # Names in any order are the same folds.
    assert folds_over_people(PEOPLE.subjects[::-1], folds) == made


def test_too_few_people_for_folds_are_told_what_to_do():
    with pytest.raises(ConfigurationError, match=r"show 1 person.*divide .* with 'within'"):
        folds_over_people(['ada'], 'leave_one_out')
    with pytest.raises(ConfigurationError, match=r"3 folds .* of 2 people: give 'folds: 2'"):
        folds_over_people(['ada', 'bea'], 3)


def test_fewer_people_are_drawn_anew_for_each_fold_and_seed_and_more_hold_the_fewer():
    labels = [{'people': 3}, {'people': 5}, {}]
    small = study(methods=[UNIMODAL], splits=across(labels=labels), seeds=[0, 1])
    drawn: dict[tuple, set[str]] = {}
    for group in groups(small, PEOPLE):
        direction = direction_of(group)
        assert not {*direction.train} & {*direction.test}
        drawn[group.labels.people, group.seed, group.fold.number] = set(direction.train)
    assert {len(names) for (count, *_), names in drawn.items() if count} == {3, 5}
    for seed in (0, 1):
        for fold in range(11):
            assert drawn[3, seed, fold] < drawn[5, seed, fold] < drawn[None, seed, fold]
    assert len({frozenset(names) for (count, *_), names in drawn.items() if count == 3}) > 11
    with pytest.raises(ConfigurationError, match=r'12 people .* in fold 1 there are 10'):
        list(groups(study(splits=across(labels=[{'people': 12}])), PEOPLE))


def test_those_drawn_are_labelled_and_the_others_there_without_where_they_are_to_be():
    labels = [{'people': 3}, {'people': 3, 'unlabelled': True}, {}]
    small = study(methods=[UNIMODAL], splits=across(labels=labels), seeds=[0])
    made: dict[str, list[Group]] = {}
    for group in groups(small, PEOPLE):
        made.setdefault(group.labels.title, []).append(group)
    alone, beside, all_of_them = made.values()
    assert list(made) == ['3 people', '3 people, the others unlabelled', 'all labels']
    for few, some, everybody in zip(alone, beside, all_of_them, strict=True):
        assert some.labelled == direction_of(few).train
        assert not few.labelled
        assert direction_of(some) == direction_of(everybody)
        assert some.split.labels.people == some.labelled
        assert few.labelled == everybody.labelled == ()
    # Of those from whom only sources learn these keep the labels.
    direction = {'train': ['1', '2'], 'test': ['3'], 'sources_only': ['4']}
    apart = study(
        methods=[UNIMODAL],
        splits={
            'across': {'directions': [direction], 'labels': [{'people': 1, 'unlabelled': True}]}
        },
    )
    (group,) = groups(apart, PEOPLE)
    assert len(group.labelled) == 2
    assert group.labelled[-1] == '4'


def test_who_lacks_a_target_is_not_tested_for_it_and_still_teaches():
    people = People(('1', '2', '3'), {'imu': frozenset({'2'}), 'camera': frozenset()})
    both = {'imu': [['camera']], 'camera': [['imu']]}
    made = list(groups(study(targets=both, splits=across()), people))
    tested = {(g.target, direction_of(g).test) for g in made}
    assert ('imu', ('2',)) not in tested
    assert ('camera', ('2',)) in tested
    assert any('2' in direction_of(g).train for g in made if g.target == 'imu')
    # Folds are of those who have any target at all.
    alone = list(groups(study(splits=across(), methods=[UNIMODAL]), people))
    assert {direction_of(g).test for g in alone} == {('1',), ('3',)}


def test_fewer_people_are_drawn_of_those_who_have_the_target():
    without = frozenset(PEOPLE.subjects[::2])
    people = People(PEOPLE.subjects, {'imu': without})
    labels = [{'people': 3}, {'people': 3, 'unlabelled': True}, {'people': 7}]
    keys = {'methods': [UNIMODAL], 'splits': across(labels=labels)}
    made = list(groups(study(targets={'imu': [], 'camera': []}, **keys), people))
    for group in made:
        learnt_from = {*(group.labelled or direction_of(group).train)}
        if group.target == 'imu':
            assert len(learnt_from - without) == min(4, group.labels.people or 0)
    # Of other targets they are drawn as ever.
    of_camera = [group for group in made if group.target == 'camera']
    assert of_camera == list(groups(study(targets={'camera': []}, **keys), PEOPLE))


def test_choices_are_made_among_those_who_train():
    small = study(methods=[UNIMODAL, BEST], splits=across(labels=[{'people': 4}, {'people': 1}]))
    for group in groups(small, PEOPLE):
        row = group.rows[1]
        outer = direction_of(group)
        inner = inner_folds(group, row)
        assert len(inner) == 2
        assert all(each.rows == row.choose for each in inner)
        if len(outer.train) == 1:
            assert all(each.fold.subjects == outer.train for each in inner)
            continue
        tested = [name for each in inner for name in direction_of(each).test]
        assert sorted(tested) == sorted(outer.train)
        for each in inner:
            assert not {*direction_of(each).train} & {*outer.test, *direction_of(each).test}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'splits': {'across': {}}}, "either 'directions' or 'folds'"),
        ({'splits': {'across': {'folds': 1}}}, 'folds'),
        ({'splits': {'within': {'labels': [{'people': 2}]}}}, "of 'across' only"),
        ({'methods': [UNIMODAL, BEST], 'splits': {'within': {}}}, "only with 'across'"),
        ({'methods': [UNIMODAL, {**BEST, 'choose': [BEST]}]}, 'chooses nothing itself'),
        ({'methods': [UNIMODAL, {**COSINE, 'all_sensors': True}]}, "of 'statistics' only"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(changes, message):
    with pytest.raises(ValueError, match=message):
        study(**changes)


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Four people, of whom two have no camera."""
    folder = tmp_path_factory.mktemp('recordings')
    return write_subjects(folder, ('1', '2', '3', '4'), without_camera=('2', '3'))


def test_a_source_that_half_of_the_people_lack_and_what_all_sensors_say(recordings, tmp_path):
    rows = [UNIMODAL, COSINE, CEILING, BEST]
    result = run(study(recordings, methods=rows, splits={'across': {'folds': 2}}), tmp_path)
    assert result.failed == 0, markdown(result)
    (everybody,) = result.tables
    lines = {line.row: line for line in everybody.lines}
    # Whose speed and brightness tell all: easy for what looks at windows.
    assert lines['best'].macro_f1 > 0.9
    assert lines['ceiling'].macro_f1 > 0.9
    assert lines['ceiling'].sources_kept == {'camera': 2}
    assert all(line.subjects == 4 for line in lines.values())
    assert sum(lines['best'].chosen.values()) == 2
    assert lines['cosine'].best_alone_row in {'best', 'unimodal'}
    assert lines['best'].better[0] + lines['best'].better[1] <= 4
    write_report(result, tmp_path)
    text = (tmp_path / 'table.md').read_text()
    assert not (tmp_path / 'curve.png').exists()
    assert 'best (' in text
    written = json.loads((tmp_path / 'study.json').read_text())
    chosen = [r['outcome']['facts'] for r in written['results'] if r['run']['row'] == 'best']
    assert all(set(facts['inner_macro_f1']) == {'regression', 'ridge'} for facts in chosen)
    assert {facts['inner_folds'] for facts in chosen} == {'2 over people'}


def test_a_curve_is_drawn_where_there_are_several_amounts(recordings, tmp_path):
    labels = [{'people': 1}, {}, {'fraction': 0.3}]
    small = study(
        recordings,
        targets={'imu': []},
        methods=[UNIMODAL, REGRESSION],
        splits={'across': {'folds': 2, 'labels': labels}},
    )
    result = run(small, tmp_path)
    write_report(result, tmp_path)
    assert '## Across, 1 person' in (tmp_path / 'table.md').read_text()
    assert (tmp_path / 'curve.png').read_bytes().startswith(b'\x89PNG')
    one, everybody, few = result.tables
    assert [table.people for table in (one, everybody, few)] == [1, 2, 2]
    assert [table.fraction for table in (one, everybody, few)] == [1, 1, 0.3]
    line = everybody.lines[0]
    low, high = line.interval
    assert low < line.macro_f1 < high


def test_what_learns_from_the_others_without_a_label_has_a_curve_of_its_own():
    labels = [
        {'people': 3, 'unlabelled': True},
        {'people': 3},
        {},
        {'people': 5},
        {'fraction': 0.1},
        {'fraction': 0.1, 'unlabelled': True},
    ]
    small = study(methods=[UNIMODAL], targets={'imu': []}, splits=across(labels=labels))
    made = [(Run(group, row), None) for group in groups(small, PEOPLE) for row in group.rows]
    curves = find_curves(summarise(small, made))
    found = [[(amount, table.labels) for amount, table in each.points] for each in curves]
    assert found == [
        [(3, '3 people'), (5, '5 people'), (10, 'all labels')],
        [(10, '10 % of the labels'), (100, 'all labels')],
        [(3, '3 people, the others unlabelled'), (10, 'all labels')],
        [
            (10, '10 % of the labels, the other windows unlabelled'),
            (100, 'all labels'),
        ],
    ]
    assert len({each.axis for each in curves}) == 4


def test_what_is_chosen_is_what_scored_best_inside(recordings, tmp_path, monkeypatch):
    asked: list[tuple[str, tuple[str, ...]]] = []
    test_one = _GroupRunner.train_and_test

    def listen(self, run):
        found = test_one(self, run)
        asked.append((run.row.row, self._group.fold.direction.test))
        if self._group.rows[0].row == 'regression':
            # Inside the other is made to look bad.
            found = found.model_copy(update={'macro_f1': 0.1 * (run.row.row == 'regression')})
        return found

    monkeypatch.setattr(_GroupRunner, 'train_and_test', listen)
    direction = {'directions': [{'train': ['1', '2', '3'], 'test': ['4']}]}
    small = study(
        recordings, targets={'imu': []}, methods=[UNIMODAL, BEST], splits={'across': direction}
    )
    result = run(small, tmp_path)
    ((_, record),) = [(r, found) for r, found in result.records if r.row.row == 'best']
    assert record.outcome.facts['chosen'] == 'regression'
    assert record.outcome.facts['inner_macro_f1'] == {'regression': 0.1, 'ridge': 0}
    inner = [tested for row, tested in asked if row == 'ridge']
    assert sorted(name for tested in inner for name in tested) == ['1', '2', '3']
    assert np.isclose(sum(len(tested) for _, tested in asked), 3 + 3 + 1 + 1 + 1)


def choosing_of_three(folder):
    """A camera's best method, chosen on three people by leaving each out."""
    return study(
        folder,
        targets={'camera': [['imu']]},
        methods=[UNIMODAL, {**BEST, 'inner_folds': 3}],
        splits={'across': {'directions': [{'train': ['1', '2', '3'], 'test': ['4']}]}},
    )


def test_who_lacks_the_target_is_not_asked_for_in_choosing(tmp_path):
    folder = write_subjects(tmp_path / 'recordings', ('1', '2', '3', '4'), without_camera=('2',))
    result = run(choosing_of_three(folder), tmp_path / 'out')
    assert result.failed == 0, markdown(result)
    (facts,) = [r.outcome.facts for each, r in result.records if each.row.row == 'best']
    assert facts['inner_folds'] == '2 over people'
    assert set(facts['inner_macro_f1']) == {'regression', 'ridge'}


def test_where_no_fold_is_left_to_choose_by_the_run_fails_with_the_reason(tmp_path):
    names = ('1', '2', '3', '4')
    folder = write_subjects(tmp_path / 'recordings', names, without_camera=('2', '3'))
    result = run(choosing_of_three(folder), tmp_path / 'out')
    (failure,) = [found.failure for _, found in result.records if found.failure]
    assert "no window of sensor 'camera' is left to test on" in failure


def test_a_fold_to_choose_by_that_cannot_be_read_is_not_left_out(
    recordings, tmp_path, monkeypatch
):
    def damaged(facts, *given):
        # All but the first time, which is of the run itself.
        monkeypatch.setattr(runner, 'load_recordings', gone)
        return load_recordings(facts, *given)

    def gone(*_):
        raise TrainingError('No space left on device')

    small = study(
        recordings,
        targets={'imu': []},
        methods=[UNIMODAL, BEST],
        splits={'across': {'directions': [{'train': ['1', '2', '3'], 'test': ['4']}]}},
    )
    runs = StudyRuns(small, tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    monkeypatch.setattr(runner, 'load_recordings', damaged)
    runs.do(1, NullReporter(), InThisProcess)
    failures = {each.row.row: found.failure for each, found in runs.result().records if found}
    assert failures == {'unimodal': '', 'best': 'No space left on device'}


@pytest.mark.parametrize(
    ('few', 'inner'),
    [
        ({'fraction': 0.5}, '2 over people'),
        ({'fraction': 0.5, 'unlabelled': True}, '2 over people'),
        ({'people': 2, 'unlabelled': True}, '2 over people'),
        # A segment of each activity is left: one who is held out at most leaves enough.
        ({'fraction': 0.01}, '1 over people'),
    ],
)
def test_with_few_labels_choices_are_made_by_those_alone(
    recordings, tmp_path, monkeypatch, few, inner
):
    tested = []
    test_one = _GroupRunner.train_and_test

    def listen(self, run):
        if self._group.rows[0].row == 'regression':
            tested.append((self._group_data.sets['imu'], self._group_data.test))
        return test_one(self, run)

    monkeypatch.setattr(_GroupRunner, 'train_and_test', listen)
    direction = {'train': ['1', '2', '3'], 'test': ['4']}
    small = study(
        recordings,
        targets={'imu': []},
        methods=[UNIMODAL, BEST],
        splits={'across': {'directions': [direction], 'labels': [few]}},
    )
    result = run(small, tmp_path)
    assert result.failed == 0, markdown(result)
    ((_, record),) = [(r, found) for r, found in result.records if r.row.row == 'best']
    assert record.outcome.facts['inner_folds'] == inner
    labelled = record.outcome.windows['training']
    for learnt, test in tested:
        assert 0 < len(learnt.training.labelled) < labelled
        assert '4' not in test.subjects
        held = {number for number, _ in test.clips}
        assert not held & set(learnt.training.recordings.tolist())

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

"""A study is checked before anything is read."""

from pathlib import Path
import re

import pytest
import yaml

from test.studies.small_study import COSINE, document, LOGISTIC, study, UNIMODAL, write_study
from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import make_method
from xmodal_ros.studies.runs import file_name, groups, People, Run
from xmodal_ros.studies.specification import (
    Across,
    Direction,
    Labels,
    load_study,
    MethodRow,
    SensorSettings,
    SHIPPED,
    Splits,
    Study,
    WindowSettings,
    Within,
)

TWICE = {'train': ['1', '2'], 'test': ['2']}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'recordings': []}, 'recordings'),
        ({'colour': 1}, 'colour'),
        ({'methods': [LOGISTIC]}, "exactly one row must be of method 'unimodal'"),
        ({'methods': [UNIMODAL, UNIMODAL]}, "row 'unimodal' is named twice"),
        ({'methods': [{'row': 'x'}]}, "'method', 'statistics' or 'choose'"),
        ({'methods': [UNIMODAL, {'row': 'x', 'method': 'magic'}]}, "no transfer method 'magic'"),
        ({'methods': [UNIMODAL, {**COSINE, 'options': {'wight': 1}}]}, "option 'wight'"),
        (
            {'methods': [UNIMODAL, {**LOGISTIC, 'options': {'weight': 1}}]},
            'only a method has options',
        ),
        ({'targets': {'imu': [['imu']]}}, 'a source of its own'),
        ({'targets': {'imu': [['camera'], ['camera']]}}, 'is named twice'),
        (
            {'targets': {'imu': [[]]}},
            'targets.imu.0: a set of sources holds one at least: a target that learns from none',
        ),
        ({'splits': {'across': {'folds': 2, 'subjects': [5, '6']}}}, '5 is no text .* in quotes'),
        (
            {'splits': {'across': {'folds': 2, 'subjects': [False, '6']}}},
            'YAML reads no, off and false as a truth, not as text: put it in quotes',
        ),
        (
            {'splits': {'across': {'folds': 2, 'subjects': [None, '6']}}},
            'YAML reads null, ~ and what is empty as nothing, not as text: put it in quotes',
        ),
        ({'splits': {}}, "'across', 'within' or both"),
        ({'splits': {'across': {'directions': [TWICE]}}}, "subject '2' is named twice"),
        ({'splits': {'within': {'folds': 1}}}, 'splits.within.folds'),
        ({'splits': {'within': {'labels': [{'fraction': 0.1, 'shots': 4}]}}}, 'not both'),
        ({'splits': {'within': {'labels': [{'unlabelled': True}]}}}, "needs a 'fraction'"),
        (
            {'splits': {'across': {'labels': [{'people': 3, 'shots': 4, 'unlabelled': True}]}}},
            "no 'shots'",
        ),
        ({'seeds': [1, 1]}, "seed '1' is named twice"),
        ({'sensors': {'imu': {'epochs': 0}}}, 'sensors.imu.epochs'),
        ({'sensors': {'nose': {}}}, 'sensors.nose'),
        ({'sensors': {'imu': {'encoder': 'imu_cn'}}}, "sensors.imu.encoder: .*'imu_cnn'"),
        ({'sensors': {'imu': {'size': 'small', 'width': 16}}}, "'size' or 'width'"),
        ({'sensors': {'camera': {'region': [0.5, 0, 0.6, 1]}}}, 'sensors.camera.*region'),
    ],
)
@pytest.mark.parametrize('where', ['', 'quick'])
def test_what_makes_no_sense_is_refused_with_where_it_stands(tmp_path, changes, message, where):
    content = document(quick=changes) if where else {**document(), **changes}
    with pytest.raises(ConfigurationError, match=message) as refused:
        load_study(str(write_study(tmp_path / 'study.yaml', content)))
    assert ('with quick' in str(refused.value)) == bool(where)
    assert 'Value error' not in str(refused.value)


@pytest.mark.parametrize('text', ['a: [', '- 1', ''])
def test_a_file_that_is_no_study_is_refused(tmp_path, text):
    (tmp_path / 'study.yaml').write_text(text)
    with pytest.raises(ConfigurationError, match='study'):
        load_study(str(tmp_path / 'study.yaml'))


def test_a_name_that_is_no_file_is_answered_with_those_that_are_shipped():
    with pytest.raises(ConfigurationError, match=r'hugadb, .*simulated, .*umafall'):
        load_study('nothing.yaml')


def test_quick_replaces_whole_keys_and_is_missed_where_there_is_none(tmp_path):
    path = str(write_study(tmp_path / 'a.yaml', document(quick={'seeds': [7], 'sensors': {}})))
    assert load_study(path).seeds == (0,)
    assert load_study(path, quick=True).seeds == (7,)
    assert load_study(path, quick=True).sensors == {}
    with pytest.raises(ConfigurationError, match="has no 'quick'"):
        load_study(str(write_study(tmp_path / 'b.yaml', document())), quick=True)


@pytest.mark.parametrize('quick', [False, True])
@pytest.mark.parametrize('name', ['simulated', 'utd-mhad'])
def test_shipped_studies_hold_every_method_and_both_baselines_without_a_net(
    name: str, quick: bool
):
    shipped = load_study(name, quick=quick)
    own = {
        name
        for name, entry in registry.entries(registry.METHODS).items()
        if entry.value.startswith('xmodal_ros.')
    }
    assert {row.method for row in shipped.methods if row.method} == own
    assert {row.statistics for row in shipped.methods if row.statistics} == {
        'random_forest',
        'logistic_regression',
        'minirocket_ridge',
    }
    banks = {row.options.get('bank') for row in shipped.methods if row.method == 'attention_patch'}
    assert banks == {None, 'noise', 'shuffled', 'none'}
    assert len(shipped.seeds) >= (2 if quick else 5)


@pytest.mark.parametrize('quick', [False, True])
@pytest.mark.parametrize('path', sorted(SHIPPED.glob('*.yaml')), ids=lambda path: path.stem)
def test_shipped_studies_can_be_read_and_divide_into_runs(path: Path, quick: bool):
    shipped = load_study(path.stem, quick=quick)
    # So many people as the largest data set has, or those that it names.
    across = shipped.splits.across
    people = People((across and across.subjects) or tuple(map(str, range(23))))
    assert all(group.rows for group in groups(shipped, people))
    assert {row.statistics for row in shipped.methods} >= {'random_forest', 'logistic_regression'}


def test_digits_pair_by_label_only_and_say_so():
    digits = load_study('digits')
    assert 'paired by label only' in digits.title
    for row in digits.methods:
        if row.method and row.learns_from_sources:
            assert not make_method(row.method, row.options).needs_overlap, row.row
            # TAP's bank, and what controls it, need no pairs at all.
            assert 'paired by label' in row.row or row.method == 'attention_patch'


def test_the_skeleton_teaches_and_is_never_a_target():
    named = load_study('utd-mhad').targets
    assert 'skeleton' not in named
    assert all(('skeleton',) in sets for sets in named.values())


def test_rows_that_learn_from_nobody_are_run_once_a_target():
    small = study(targets={'imu': [['camera'], ['other']]}, seeds=[0, 1])
    named = [(g.seed, g.sources, tuple(row.row for row in g.rows)) for g in groups(small)]
    assert named[:3] == [
        (0, (), ('unimodal', 'logistic')),
        (0, ('camera',), ('cosine',)),
        (0, ('other',), ('cosine',)),
    ]
    assert [seed for seed, _, _ in named] == [0, 0, 0, 1, 1, 1]


def test_a_table_is_finished_before_the_next_is_begun():
    across = {'directions': [{'train': ['1'], 'test': ['2']}, {'train': ['2'], 'test': ['1']}]}
    few = {**across, 'labels': [{}, {'shots': 4}]}
    small = study(seeds=[0, 1], splits={'across': few, 'within': {}}, methods=[UNIMODAL])
    order = [(g.fold.kind, g.labels.title, g.seed, g.fold.number) for g in groups(small)]
    tables = [('across', 'all labels'), ('across', '4 windows an activity')]
    tables.append(('within', 'all labels'))
    assert order == [(*t, seed, number) for t in tables for seed in (0, 1) for number in (0, 1)]


def test_the_page_explains_every_key():
    page = (Path(__file__).parents[2] / 'docs' / 'study.md').read_text(encoding='utf-8')
    models = (
        Study,
        MethodRow,
        Labels,
        Direction,
        Across,
        Within,
        Splits,
        SensorSettings,
        WindowSettings,
    )
    for key in {'quick', *(key for model in models for key in model.model_fields)}:
        assert re.search(rf'`([a-z]+\.)*{key}`', page), key


def test_a_run_of_other_settings_is_another_run():
    def names(**changes):
        changed = study(**changes)
        return {
            file_name(Run(group, row).identity(changed, {'bag': 'x'}, {'imu', 'camera'}))
            for group in groups(changed)
            for row in group.rows
        }

    assert len(names()) == 3
    assert names(title='Other') == names()
    assert len(names() & names(methods=[UNIMODAL, LOGISTIC, {**COSINE, 'options': {}}])) == 2
    assert not names() & names(windows={'hop_s': 2})
    assert not names() & names(sensors={})
    assert not names() & names(splits={'within': {}})
    assert names() < names(seeds=[0, 1])


def test_settings_of_other_modalities_than_a_runs_make_it_no_other_run():
    small, more = study(), study(sensors={**document()['sensors'], 'audio': {'epochs': 3}})
    group = next(groups(small))
    run = Run(group, group.rows[0])
    assert run.identity(small, {}, {'imu'}) == run.identity(more, {}, {'imu'})
    assert run.identity(small, {}, {'audio'}) != run.identity(more, {}, {'audio'})


def test_the_study_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[2] / 'docs' / 'study.md').read_text(encoding='utf-8')
    (document,) = re.findall(r'```yaml\n(title: My method.*?)```', page, flags=re.DOTALL)
    found = Study.model_validate(yaml.safe_load(document))
    assert [row.row for row in found.methods] == ['alone', 'distillation']

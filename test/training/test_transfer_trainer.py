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

"""A school trains whatever a course asks for, each time from the same start."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from test.training.small_trainer import (
    examples,
    learning_sets,
    RECIPES,
    SETTINGS,
    SOURCES,
    TARGET,
    trainer,
)
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.methods.verdict import Verdict
from xmodal_ros.progress import NullReporter
from xmodal_ros.training import shorter_fits
from xmodal_ros.training.callbacks import Callback, TrainerInterface
from xmodal_ros.training.checkpoint import NullCheckpointStore
from xmodal_ros.training.trainer import FitResult, repeatable
from xmodal_ros.windows.windowing import SECOND_NS


class Heard(NullReporter):
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []
        self.done: dict[str, float] = {}

    def note(self, text: str) -> None:
        self.notes.append(text)

    def begin(self, stage: str, total: int) -> None:
        self.stages.append(stage)

    def advance(self, done: float, detail: str = '') -> None:
        self.done[self.stages[-1]] = done


def weights(fitted: FitResult) -> torch.Tensor:
    return torch.cat([value.flatten() for value in fitted.classifier.state_dict().values()])


def test_what_else_is_trained_changes_nothing():
    unimodal, dcat = make_method('unimodal'), make_method('dcat')
    with repeatable(0):
        alone = weights(trainer(()).fit(unimodal, ()))
    with repeatable(0):
        busy = trainer()
        first = weights(busy.fit(dcat, SOURCES))
        assert torch.equal(weights(busy.fit(unimodal, ())), alone)
        assert torch.equal(weights(busy.fit(dcat, SOURCES)), first)
    assert not torch.equal(first, alone)


def test_a_frozen_source_is_trained_once_and_a_joint_one_not_at_all():
    heard = Heard()
    with repeatable(0):
        busy = trainer(reporter=heard)
        busy.fit(make_method('dcat'), ('thigh',))
        busy.fit(make_method('distillation'), SOURCES)
    assert heard.stages == [
        'training thigh',
        'asking thigh about its windows',
        'training wrist (dcat from thigh)',
        'training chest',
        'asking chest about its windows',
        'training wrist (distillation from thigh, chest)',
    ]
    assert set(busy.fits) == {'thigh', 'chest'}
    assert heard.done['asking thigh about its windows'] == len(learning_sets()['thigh'].training)


def test_it_may_go_on_from_where_another_fit_ended():
    # With no step worth the name, what comes out is what went in.
    with repeatable(0):
        busy = trainer(())
        first = busy.fit(make_method('unimodal'), ())
        kept = weights(first)
        again = busy.fit(make_method('unimodal'), (), first)
    assert torch.equal(weights(first), kept)
    assert again.history[0].validation_loss < first.history[0].validation_loss


def test_every_way_the_target_was_trained_is_on_record():
    with repeatable(0):
        busy = trainer()
        fitted = busy.fit(make_method('dcat'), ('thigh',))
        busy.fit(make_method('unimodal'), ())
    assert fitted.sources == ('thigh',)
    assert [(t.method, t.sources) for t in busy.candidates] == [
        ('dcat', ('thigh',)),
        ('unimodal', ()),
    ]
    assert busy.candidates[0].validation_loss == busy.validation_loss(fitted)


def test_the_mean_of_two_targets_lies_halfway_and_is_called_after_the_first():
    with repeatable(0):
        busy = trainer()
        taught = busy.fit(make_method('distillation'), ('thigh',))
        alone = busy.fit(make_method('unimodal'), ())
        mean = busy.average(taught, alone)
    torch.testing.assert_close(weights(mean), (weights(taught) + weights(alone)) / 2)
    assert mean.sources == ('thigh',)
    assert mean.facts['averaged'] == 'with wrist that learnt alone'
    assert torch.equal(weights(busy.average(alone, alone)), weights(alone))


def test_who_is_held_out_is_learnt_from_by_nobody_and_judges():
    sets, heard = learning_sets(), Heard()
    for name, each in sets.items():
        own = each.training
        of_three = replace(own, recordings=own.ends_ns // (15 * SECOND_NS) % 3)
        sets[name] = replace(each, training=of_three)
    with repeatable(0):
        busy = trainer(('thigh',), sets=sets, reporter=heard, people=('ann', 'bob', 'cid'))
        unit, folds = busy.folds(3)
        scored = [fold.judge(fold.fit(make_method('unimodal'), ())).scores for fold in folds]
        taught = folds[0].fit(make_method('distillation'), ('thigh',))
    assert unit == 'people'
    assert sorted(name for scores in scored for name in scores) == ['ann', 'bob', 'cid']
    assert all(0 <= score <= 1 for scores in scored for score in scores.values())
    # The source is trained anew, without those who are held out.
    assert heard.stages[-3:-1] == [
        'judging, part 1 of 3: training thigh',
        'judging, part 1 of 3: asking thigh about its windows',
    ]
    assert set(folds[0].fits) == {'thigh'}
    assert busy.fits == {}
    assert taught.sources == ('thigh',)
    assert list(busy.durations_s) == [stage for stage in heard.stages if 'asking' not in stage]


def test_it_learns_alone_after_all_where_sources_are_used_and_unwanted():
    verdict = Verdict('wrist', ('thigh',), 'people', 'kept', 0.1, 0.0, 2, 2)
    with repeatable(0):
        busy = trainer(('thigh',))
        assert busy.fit_alone_after_all(wanted=True) is None
        busy.conclude(replace(verdict, decision='not used'), (), ())
        assert busy.fit_alone_after_all(wanted=True) is None
        busy.conclude(verdict, (), ())
        assert busy.fit_alone_after_all(wanted=False) is None
        assert not busy.candidates
        alone = busy.fit_alone_after_all(wanted=True)
        expected = busy.fit(make_method('unimodal'), ())
        busy.average(expected, expected)
        # It is there already where it was averaged with another.
        assert busy.fit_alone_after_all(wanted=True) is expected
    assert alone is not None
    assert alone.sources == ()
    assert torch.equal(weights(alone), weights(expected))


class StepCounter(Callback):
    def __init__(self) -> None:
        self.steps: list[int] = []

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        self.steps.append(0)

    def on_step_end(self, trainer: TrainerInterface) -> None:
        self.steps[-1] += 1


def test_alone_a_target_with_sources_takes_as_many_steps_as_from_them():
    sets, counter = learning_sets(), StepCounter()
    ours = sets[TARGET].training
    labels = np.where(np.arange(len(ours)) < 8, ours.labels, NO_LABEL)
    sets[TARGET] = replace(sets[TARGET], training=replace(ours, labels=labels))
    with repeatable(0):
        busy = trainer(('chest',), sets=sets, callbacks=[counter])
        busy.train_source('chest')
        busy.fit(make_method('distillation'), ('chest',))
        busy.fit(make_method('unimodal'), ())
        trainer((), sets=sets, callbacks=[counter]).fit(make_method('unimodal'), ())
    _, taught, alone, without_sources = counter.steps
    assert alone == taught > without_sources


def test_who_was_trained_before_does_not_matter_to_one_that_starts_from_another():
    method, weights = make_method('distillation'), []
    for trained_before in (False, True):
        with repeatable(0):
            busy = trainer(('thigh',), sets=learning_sets())
            if trained_before:
                busy.train_source('thigh')
            start = busy.fit(make_method('unimodal'), ())
            weights.append(busy.fit(method, ('thigh',), start).classifier.state_dict())
    first, second = weights
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_nets_that_only_judge_take_fewer_steps_than_those_that_are_kept(monkeypatch):
    monkeypatch.setitem(shorter_fits._MOST_STEPS, 'sequence', 2)
    sets, counter = learning_sets(), StepCounter()
    for name, each in sets.items():
        own = each.training
        of_three = replace(own, recordings=own.ends_ns // (15 * SECOND_NS) % 3)
        sets[name] = replace(each, training=of_three)
    with repeatable(0):
        busy = trainer(('thigh',), sets=sets, people=('ann', 'bob', 'cid'), callbacks=[counter])
        for learning in (busy, *busy.folds(3)[1]):
            learning.fit(make_method('distillation'), ('thigh',))
            learning.fit(make_method('unimodal'), ())
    # Two epochs of 36 windows of the thigh and 48 of the wrist, 16 a step.
    assert counter.steps[:3] == [6, 6, 6]
    assert counter.steps[3:] == [2] * 9


def test_a_source_that_guesses_has_no_skill_and_one_that_knows_has():
    sets = learning_sets()
    rng = np.random.default_rng(0)
    random = examples(60, 7, noise=50)
    random.labels[:] = rng.integers(0, 3, 60)
    sets['chest'] = DatasetSplit(random, examples(60, 8, noise=50), {})
    longer = replace(SETTINGS, epochs=15)
    recipes = {name: replace(recipe, fit=longer) for name, recipe in RECIPES.items()}
    with repeatable(0):
        busy = trainer(sets=sets, recipes=recipes)
        assert busy.skill('thigh') > 0.3
        assert abs(busy.skill('chest')) < 0.2


def test_a_source_that_validation_shows_one_activity_of_may_have_skill():
    sets = learning_sets()
    validation = sets['thigh'].validation
    sets['thigh'] = replace(sets['thigh'], validation=validation.only(validation.labels == 1))
    longer = replace(SETTINGS, epochs=15)
    recipes = {name: replace(recipe, fit=longer) for name, recipe in RECIPES.items()}
    with repeatable(0):
        busy = trainer(('thigh',), sets=sets, recipes=recipes)
        assert busy.skill('thigh') > 0.3
    assert busy.unskilled == set()


@pytest.mark.parametrize('harm', ['guesses', 'no numbers'])
def test_a_source_that_is_worth_nothing_leaves_the_guarded_target_as_if_alone(harm):
    sets, heard = learning_sets(), Heard()
    training = sets['thigh'].training
    if harm == 'guesses':
        # What it has learnt is wrong throughout when it is asked.
        validation = sets['thigh'].validation
        wrong = replace(validation, labels=(validation.labels + 1) % 3)
        sets['thigh'] = DatasetSplit(training, wrong, {})
    else:
        training.values[3] = np.inf
    method = make_method('xmodal')
    with repeatable(0):
        longer = replace(RECIPES['thigh'], fit=replace(SETTINGS, epochs=15))
        recipes = {**RECIPES, 'thigh': longer}
        busy = trainer(('thigh',), sets=sets, recipes=recipes, reporter=heard)
        fitted = method.train_target(busy)
        alone = weights(busy.fit(make_method('unimodal'), ()))
    assert fitted.sources == ()
    assert torch.equal(weights(fitted), alone)
    assert any("'thigh' is left out" in note for note in heard.notes)


def test_a_source_that_half_of_the_people_lack_is_judged_by_all():
    sets = learning_sets()
    for name, each in sets.items():
        own = each.training
        persons = own.ends_ns // (12 * SECOND_NS)
        there = persons % 2 == 0 if name == 'chest' else persons >= 0
        sets[name] = replace(
            each,
            training=WindowsDataset(
                own.values[there], own.labels[there], persons[there], own.ends_ns[there]
            ),
        )
    longer = replace(RECIPES['chest'], fit=replace(SETTINGS, epochs=15))
    with repeatable(0):
        busy = trainer(('chest',), recipes={**RECIPES, 'chest': longer}, sets=sets, people='abcd')
        make_method('xmodal', {'folds': 2}).train_target(busy)
    assert busy.verdict is not None
    assert (busy.verdict.unit, busy.verdict.units) == ('people', 4)


def test_a_method_that_needs_pairs_in_time_is_refused_where_there_are_none():
    sets = learning_sets()
    apart = replace(sets['thigh'].training, ends_ns=sets['thigh'].training.ends_ns + 7)
    sets['thigh'] = DatasetSplit(apart, sets['thigh'].validation, {'unlabelled': 3})
    with repeatable(0):
        busy = trainer(sets=sets)
    message = r"source 'thigh' ends when one of 'wrist'.*pairing=class.*3 unlabelled"
    with pytest.raises(TrainingError, match=message):
        busy.check(make_method('dcat'))
    busy.check(make_method('dcat', {'pairing': 'class'}))
    busy.check(make_method('attention_patch'))
    busy.check(make_method('unimodal'))


def test_a_source_that_is_trained_along_needs_a_partner_with_a_label():
    sets = learning_sets()
    ours = sets['wrist'].training
    # The thigh's windows begin with the thirteenth: of its moments none is labelled.
    labels = np.where(ours.ends_ns < sets['thigh'].training.ends_ns[0], ours.labels, NO_LABEL)
    sets['wrist'] = replace(sets['wrist'], training=replace(ours, labels=labels))
    with repeatable(0):
        busy = trainer(('thigh',), sets=sets)
    with pytest.raises(TrainingError, match="no labelled window of source 'thigh' ends when"):
        busy.check(make_method('cotraining'))
    busy.check(make_method('cotraining', {'pairing': 'time_else_class'}))
    busy.check(make_method('distillation'))


def test_a_document_holds_the_sensors_own_statistics():
    with repeatable(0):
        busy = trainer()
        assert busy.document(TARGET) is busy.document(TARGET)
        assert len(busy.document('thigh').preprocessing[0].mean) == 3  # type: ignore[union-attr]


def test_a_fit_that_is_submitted_has_its_number_and_is_done_here_where_there_is_one_process():
    numbers: dict[str, int] = {}

    def keep(number: int, stage: str) -> NullCheckpointStore:
        numbers[stage] = number
        return NullCheckpointStore()

    with repeatable(0):
        busy = trainer(('thigh',), stores=keep)
        busy.train_source('thigh')
        pending = busy.submit_fit(make_method('unimodal'), ())
        busy.fit(make_method('distillation'), ('thigh',))
        alone = busy.fit(make_method('unimodal'), ())
        assert numbers.pop('training wrist') == 4
        assert torch.equal(weights(pending.result()), weights(alone))
    assert numbers == {
        'training thigh': 1,
        'training wrist': 2,
        'training wrist (distillation from thigh)': 3,
    }
    assert [candidate.method for candidate in busy.candidates] == [
        *('distillation', 'unimodal', 'unimodal'),
    ]

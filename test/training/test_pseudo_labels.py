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

"""What sources decide of windows without a label, and what members make of it."""

from dataclasses import replace

import numpy as np
import torch

from test.training.small_trainer import (
    chosen,
    examples,
    LABELS,
    learning_sets,
    Notes,
    SOURCES,
    TARGET,
    trainer,
)
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.training.ensemble import (
    _Material,
    _pays,
    EncoderChoice,
    PseudoLabels,
)
from xmodal_ros.training.pseudo_labels import make_pseudo_labels
from xmodal_ros.training.ridge import fit_ridge
from xmodal_ros.training.stacking import Stacked
from xmodal_ros.training.together import NET
from xmodal_ros.training.trainer import FitResult, repeatable


def with_few_labels(made: WindowsDataset, every: int) -> WindowsDataset:
    """Leave every so manieth run of three windows its labels."""
    labelled = np.arange(len(made)) // 3 % every == 0
    return replace(made, labels=np.where(labelled, made.labels, NO_LABEL))


def test_sources_decide_together_on_what_nobody_labelled_and_they_saw() -> None:
    ours = with_few_labels(examples(), 4)
    sets = learning_sets(**{TARGET: DatasetSplit(ours, examples(24, 1), {})})
    with repeatable(0):
        learns = trainer(sets=sets)
        for name in SOURCES:
            learns.train_source(name)
        fitted = learns.fits['chest']

        def asked(sources: tuple[str, ...]) -> PseudoLabels:
            found = make_pseudo_labels(
                learns, sets, replace(fitted, sources=sources), lambda _: _nothing_beside()
            )
            assert found is not None
            return found

        both, thigh = asked(()), asked(('thigh',))
        assert (both.by, both.net) == (SOURCES, False)
        assert (thigh.by, thigh.net) == (('thigh',), True)
        assert (both.labels[ours.labelled] == NO_LABEL).all()
        said = both.labels[ours.unlabelled]
        assert set(np.unique(said)) <= set(range(len(LABELS)))
        # The thigh was not there at first, and the chest not in the end.
        assert (thigh.labels[:12] == NO_LABEL).all()
        assert (thigh.labels[ours.unlabelled][ours.unlabelled >= 12] != NO_LABEL).all()
        none = make_pseudo_labels(learns, learning_sets(), fitted, lambda _: _nothing_beside())
        assert none is None


def _nothing_beside() -> EncoderChoice:
    return EncoderChoice(None, None, {})


def test_what_answers_beside_a_sources_net_teaches_too() -> None:
    ours = with_few_labels(examples(), 4)
    sets = learning_sets(**{TARGET: DatasetSplit(ours, examples(24, 1), {})})
    with repeatable(0):
        learns = trainer(('chest',), sets=sets)
        fitted = learns.train_source('chest')
        choice = chosen(replace(sets['chest'].training, recordings=np.arange(40) // 10), Notes())
        assert choice.ensemble is not None

        def labels(beside: EncoderChoice) -> list[int]:
            found = make_pseudo_labels(learns, sets, _taught_by(fitted, 'chest'), lambda _: beside)
            assert found is not None
            return list(found.labels)

        expected = np.where(ours.labels == NO_LABEL, examples().labels, NO_LABEL)[:40]
        net = np.array(labels(_nothing_beside()))[:40]
        together = np.array(labels(choice))[:40]
    assert (together == expected).mean() > (net == expected).mean()


def test_a_source_that_only_guesses_says_nothing_unless_it_is_learnt_from() -> None:
    ours = with_few_labels(examples(), 4)
    sets = learning_sets(**{TARGET: DatasetSplit(ours, examples(24, 1), {})})
    guesses = replace(sets['thigh'].validation, labels=(sets['thigh'].validation.labels + 1) % 3)
    sets['thigh'] = replace(sets['thigh'], validation=guesses)
    with repeatable(0):
        learns = trainer(sets=sets)
        skills = {name: learns.skill(name) for name in SOURCES}
        assert skills['thigh'] <= 0 < skills['chest']
        alone = replace(learns.fits['chest'], sources=())
        found = make_pseudo_labels(learns, sets, alone, lambda _: _nothing_beside())
        assert found is not None
        assert found.by == ('chest',)


def test_a_source_that_lacks_an_activity_does_not_decide_what_is_another() -> None:
    """Else all windows of that activity would be taught as others, and it would be unlearnt."""
    ours = with_few_labels(examples(), 4)
    sets = learning_sets(**{TARGET: DatasetSplit(ours, examples(24, 1), {})})
    theirs = sets['thigh'].training
    lacking = replace(theirs, labels=np.where(theirs.labels == 1, NO_LABEL, theirs.labels))
    sets['thigh'] = replace(sets['thigh'], training=lacking)
    with repeatable(0):
        heard = Notes()
        learns = trainer(sets=sets, reporter=heard)
        for name in SOURCES:
            learns.train_source(name)
        fitted = replace(learns.fits['chest'], sources=SOURCES)
        both = make_pseudo_labels(learns, sets, fitted, lambda _: _nothing_beside())
        assert both is not None
        assert both.by == ('chest',)
        assert any(f'thigh has not seen {LABELS[1]}: ' in note for note in heard.notes)
        alone = _taught_by(fitted, 'thigh')
        assert make_pseudo_labels(learns, sets, alone, lambda _: _nothing_beside()) is None
        # What the target is not shown either is nobody's to know.
        few = replace(ours, labels=np.where(ours.labels == 1, NO_LABEL, ours.labels))
        sets[TARGET] = replace(sets[TARGET], training=few)
        assert make_pseudo_labels(learns, sets, alone, lambda _: _nothing_beside()) is not None


def _taught_by(fitted: FitResult, source: str) -> FitResult:
    return replace(fitted, sources=(source,))


def test_members_learn_what_sources_say_where_people_left_out_are_the_better_for_it() -> None:
    made = replace(examples(144, noise=2.0), recordings=np.arange(144) // 36)
    ours = with_few_labels(made, 6)
    right = np.where(ours.labels == NO_LABEL, made.labels, NO_LABEL)
    heard = Notes()
    taught = chosen(ours, heard, pseudo=PseudoLabels(right, ('camera',), net=True))
    said = taught.document['pseudo_labels']
    assert said['by'] == ['camera']
    assert said['windows'] == len(ours.unlabelled)
    assert said['macro_f1'][1] > said['macro_f1'][0]
    assert taught.document['macro_f1'] == said['macro_f1'][1]
    assert taught.document['windows'] == len(ours.labelled)
    assert taught.with_sources(('chest', 'camera')) == ('chest', 'camera')
    assert taught.with_sources(()) == ('camera',)
    assert heard.notes[0].startswith('camera said what 120 windows without a label show: ')

    wrong = np.where(right == NO_LABEL, NO_LABEL, (right + 1) % 3)
    heard = Notes()
    left = chosen(ours, heard, pseudo=PseudoLabels(wrong, ('camera',), net=False))
    alone = chosen(ours, Notes())
    assert left.document['pseudo_labels']['by'] == []
    assert left.with_sources(('chest',)) == ('chest',)
    assert heard.notes[0].endswith('so it is left')
    assert left.ensemble is not None
    assert alone.ensemble is not None
    for name, value in alone.ensemble.state_dict().items():
        assert torch.equal(value, left.ensemble.state_dict()[name]), name


def test_what_the_net_gains_alone_is_no_gain_of_members() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    truth = 1.0 * (labels[:, None] == np.arange(3))
    windows = replace(examples(60), labels=labels)
    material = _Material(windows, np.arange(60) // 20, [], 'people', np.ones(60, dtype=bool))
    worse = Stacked({NET: 1.0, 'kernel': 1.0}, truth + rng.normal(size=(60, 3)), 0.7, {})
    better = Stacked({NET: 1.0, 'kernel': 0.0}, truth, 1.0, {})
    assert not _pays(worse, better, material)
    assert _pays(worse, replace(better, weights={NET: 1.0, 'kernel': 0.1}), material)
    assert not _pays(better, worse, material)
    # Of six people one alone is better: less than the standard error.
    six = replace(material, groups=np.arange(60) // 10)
    answers = truth.copy()
    answers[:5] = answers[:5, ::-1]
    little = Stacked({NET: 1.0, 'kernel': 1.0}, answers, 0.9, {})
    assert not _pays(little, replace(better, weights={'kernel': 1.0}), six)


def test_of_a_recording_whose_parts_are_left_out_members_learn_nothing_more() -> None:
    """They overlap windows that sources decide on; those of other recordings do not."""
    made = replace(examples(144, noise=1.5), recordings=np.arange(144) // 72)
    labelled = (np.arange(144) < 72) & (np.arange(144) // 3 % 2 == 0)
    ours = replace(made, labels=np.where(labelled, made.labels, NO_LABEL))
    right = np.where(ours.labels == NO_LABEL, made.labels, NO_LABEL)
    choice = chosen(ours, Notes(), 'ab', PseudoLabels(right, ('camera',), net=False))
    assert choice.document['over'] == 'parts of a recording'
    assert choice.document['pseudo_labels']['windows'] == 72
    first = np.where(made.recordings == 0, right, NO_LABEL)
    choice = chosen(ours, Notes(), 'ab', PseudoLabels(first, ('camera',), net=False))
    assert 'pseudo_labels' not in choice.document


def test_nobody_left_out_is_learnt_from_by_what_sources_say_of_him() -> None:
    rng = np.random.default_rng(0)
    labels, groups = np.arange(60) % 3, np.arange(60) // 20
    values = rng.normal(size=(60, 5)) + 2 * (labels[:, None] == np.arange(5))
    judged = np.arange(60) % 20 < 10
    folds = [np.array([group]) for group in range(3)]
    one = fit_ridge(values, labels, groups, folds, 3, judged)
    # What is said of the first person alone is another thing.
    other = np.where((groups == 0) & ~judged, (labels + 1) % 3, labels)
    another = fit_ridge(values, other, groups, folds, 3, judged)
    rows = judged & (groups == 0)
    assert one.strength == another.strength
    np.testing.assert_allclose(one.held_out[rows], another.held_out[rows])
    assert not np.allclose(one.weights, another.weights)


def test_only_methods_that_learn_what_a_source_answers_let_members_learn_it() -> None:
    assert make_method('distillation', {}).gives_pseudo_labels
    assert make_method('xmodal', {}).gives_pseudo_labels
    assert not make_method('distillation', {'pairing': 'class'}).gives_pseudo_labels
    assert not make_method('xmodal', {'alpha': 0}).gives_pseudo_labels
    assert not make_method('infonce', {}).gives_pseudo_labels
    assert not make_method('unimodal', {}).gives_pseudo_labels

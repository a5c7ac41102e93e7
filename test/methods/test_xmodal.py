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

"""The recipe's terms, and its guard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method, Pending, TransferMethod
from xmodal_ros.methods.verdict import Judged, Unit, Verdict


def terms(name: str, **options: object):
    of = task(source(), source('thigh', seed=3))
    given = module(name, of, **options).eval()
    step = batch(of)
    return given.training_step(step, given.target.outputs(step.windows), torch.tensor(2.0))


def test_it_is_the_sum_of_its_parts():
    found = terms('xmodal', alpha=0.2, relations=0.6, feature=0.5, dcat=0.7)
    expected = (
        terms('distillation', alpha=0.2).loss
        + (terms('feature_cosine', weight=0.5).loss - 2)
        + (terms('dcat', weight=0.7).loss - 2)
        + (terms('feature_relational', weight=0.6).loss - 2)
    )
    torch.testing.assert_close(found.loss, expected)
    assert set(found.parts) == {'distillation', 'relations', 'cosine', 'alignment'}


@pytest.mark.parametrize(
    ('options', 'part'),
    [
        ({'alpha': 0.3, 'relations': 0}, 'distillation'),
        ({'alpha': 0}, 'relations'),
        ({'alpha': 0, 'relations': 0, 'feature': 1}, 'cosine'),
        ({'alpha': 0, 'relations': 0, 'dcat': 1}, 'alignment'),
    ],
)
def test_a_part_without_weight_is_not_there(options, part):
    assert set(terms('xmodal', **options).parts) == {part}


@dataclass
class When:
    """What is done when its result is asked for."""

    result: Callable

    def cancel(self) -> None:
        self.result = lambda: pytest.fail('it was to be done without')


Scored = dict[tuple[str, ...], float]


@dataclass
class FakeTrainer:
    """Fits are what was asked for; what they score is given by the sources they learn from.

    ``scores`` are of people held out, ``averages`` those of the mean with the target alone.
    """

    scored: Scored
    averages: Scored = field(default_factory=dict)
    sources: Sequence[str] = ('near', 'far')
    skills: dict[str, float] = field(default_factory=dict)
    broken: str = ''
    people: int = 6
    losses: Scored = field(default_factory=dict)
    target: str = 'wrist'
    number: int = -1
    fits: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    submitted: list[Any] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    compared: list[tuple[Sequence[Judged], Sequence[Judged]]] = field(default_factory=list)

    def fit(
        self,
        method: TransferMethod,
        sources: Sequence[str],
        start: tuple[str, ...] | None = None,
    ) -> tuple[str, ...]:
        assert method.name == ('xmodal' if sources else 'unimodal')
        if self.broken in sources:
            raise TrainingError('values that are no numbers')
        self.fits.append(tuple(sources))
        return tuple(sources)

    def submit_fit(self, method: TransferMethod, sources: Sequence[str]) -> Pending:
        return When(lambda: self.fit(method, sources))

    def submit(self, work: Callable) -> Pending:
        self.submitted.append(work)
        return When(lambda: work(self))

    def average(self, taught: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        assert other == ()
        return (*taught, 'averaged')

    def folds(self, count: int) -> tuple[Unit, list['FakeTrainer']]:
        folds = min(count, self.people)
        return 'people', [replace(self, number=n, fits=[], notes=[]) for n in range(folds)]

    def judge(self, fitted: tuple[str, ...]) -> Judged:
        own = [n for n in range(self.people) if n % 3 == self.number]
        if fitted[-1:] == ('averaged',):
            score = self.averages.get(fitted[:-1], 0.6)
        else:
            score = self.scored[fitted]
        # People differ by more than methods do.
        scores = {f'person {n}': score + 0.05 * n + 0.02 * (-1) ** n * bool(fitted) for n in own}
        nowhere = np.zeros(0, np.int64)
        return Judged(scores, nowhere, nowhere, np.full((1, 2), float(len(fitted))))

    def conclude(
        self, verdict: Verdict, alone: Sequence[Judged], decided: Sequence[Judged]
    ) -> None:
        self.verdicts.append(verdict)
        self.compared.append((alone, decided))

    def validation_loss(self, fitted: tuple[str, ...]) -> float:
        return self.losses[fitted]

    def skill(self, source: str) -> float:
        return self.skills.get(source, 0.5)

    def note(self, text: str) -> None:
        self.notes.append(text)


BOTH = ('near', 'far')
ALONE, NEAR, FAR = (), ('near',), ('far',)


def course(trainer: FakeTrainer, **options: object) -> tuple[str, ...]:
    return make_method('xmodal', options).train_target(trainer)


@pytest.mark.parametrize(
    ('scored', 'kept'),
    [
        ({ALONE: 0.5, NEAR: 0.6, FAR: 0.55, BOTH: 0.65}, BOTH),
        ({ALONE: 0.5, NEAR: 0.6, FAR: 0.65, BOTH: 0.55}, FAR),
        ({ALONE: 0.5, NEAR: 0.4, FAR: 0.3, BOTH: 0.45}, ALONE),
    ],
)
def test_what_people_that_were_not_met_like_best_is_trained_with_all(scored, kept):
    trainer = FakeTrainer(scored, averages=dict.fromkeys((NEAR, FAR, BOTH), 0.5))
    assert course(trainer) == kept
    # On all people nothing is trained but what is kept.
    assert trainer.fits == [kept]
    assert len(trainer.verdicts) == 1


def test_where_nobody_can_tell_the_two_are_averaged():
    trainer = FakeTrainer({ALONE: 0.5, NEAR: 0.495}, sources=NEAR, averages={NEAR: 0.5})
    assert course(trainer) == ('near', 'averaged')
    assert trainer.fits == [NEAR, ALONE]
    verdict = trainer.verdicts[0]
    assert verdict.decision == 'averaged'
    alone, decided = trainer.compared[0]
    # What each part of the people was answered by: the target alone, and the average.
    assert [float(part.logits[0, 0]) for part in alone] == [0, 0, 0]
    assert [float(part.logits[0, 0]) for part in decided] == [2, 2, 2]
    assert 'too little to tell, averaged with what wrist learnt alone' in verdict.sentence


@pytest.mark.parametrize(('taught', 'kept'), [(0.505, NEAR), (0.495, ALONE)])
def test_an_average_that_fell_apart_is_not_taken(taught, kept):
    trainer = FakeTrainer({ALONE: 0.5, NEAR: taught}, sources=NEAR, averages={NEAR: 0.1})
    assert course(trainer) == kept


def test_a_source_no_better_than_guessing_is_not_even_tried():
    trainer = FakeTrainer({ALONE: 0.5, FAR: 0.6}, skills={'near': -0.01})
    assert course(trainer) == FAR
    assert trainer.notes == [
        "source 'near' is left out: on validation windows it is no better than guessing"
    ]


def test_a_source_that_cannot_be_learnt_from_is_dropped_with_the_reason():
    trainer = FakeTrainer({ALONE: 0.5, FAR: 0.6}, broken='near')
    assert course(trainer) == FAR
    assert 'near cannot teach and is left out: values that are no numbers' in trainer.notes


def test_without_a_source_that_is_worth_anything_the_target_learns_alone():
    trainer = FakeTrainer({ALONE: 0.5}, skills=dict.fromkeys(BOTH, 0.0))
    assert course(trainer) == ALONE
    assert trainer.verdicts == []
    # Nobody would ask what came of it.
    assert all(work.keywords['sources'] for work in trainer.submitted)


@pytest.mark.parametrize(('loss', 'kept'), [(0.9, BOTH), (1.1, ALONE)])
def test_where_nobody_can_be_held_out_validation_decides_and_the_user_is_told(loss, kept):
    trainer = FakeTrainer({}, people=0, losses={ALONE: 1.0, BOTH: loss})
    assert course(trainer) == kept
    assert 'nobody can be held out' in trainer.notes[0]


def test_it_judges_in_as_many_parts_as_asked():
    trainer = FakeTrainer({ALONE: 0.5, NEAR: 0.6}, sources=NEAR, averages={NEAR: 0.5})
    course(trainer, folds=2)
    assert trainer.verdicts[0].units == 4


def test_without_the_guard_all_sources_are_taken_at_their_word():
    trainer = FakeTrainer({})
    assert course(trainer, guard=False) == BOTH
    assert trainer.fits == [BOTH]

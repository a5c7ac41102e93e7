"""The recipe's terms, and its guard."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch

from test.methods.classifiers import batch, module, source, task
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method, TransferMethod


def terms(name: str, **options: object):
    of = task(source(), source('thigh', seed=3))
    given = module(name, of, **options).eval()
    step = batch(of)
    return given.training_step(step, given.target.outputs(step.windows), torch.tensor(2.0))


def test_it_is_the_sum_of_its_parts():
    found = terms('xmodal', alpha=0.2, feature=0.5, dcat=0.7)
    expected = (
        terms('distillation', alpha=0.2).loss
        + (terms('feature_cosine', weight=0.5).loss - 2)
        + (terms('dcat', weight=0.7).loss - 2)
    )
    torch.testing.assert_close(found.loss, expected)
    assert set(found.parts) == {'distillation', 'cosine', 'alignment'}


@pytest.mark.parametrize(
    ('options', 'part'),
    [
        ({'alpha': 0.3, 'feature': 0, 'dcat': 0}, 'distillation'),
        ({'alpha': 0, 'feature': 1, 'dcat': 0}, 'cosine'),
        ({'alpha': 0, 'feature': 0, 'dcat': 1}, 'alignment'),
    ],
)
def test_a_part_without_weight_is_not_there(options, part):
    assert set(terms('xmodal', **options).parts) == {part}


@dataclass
class FakeTrainer:
    """Fits are what was asked for; their losses are given by the sources they learn from."""

    losses: dict[tuple[str, ...], float]
    sources: Sequence[str] = ('near', 'far')
    skills: dict[str, float] = field(default_factory=dict)
    broken: str = ''
    fits: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

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

    def validation_loss(self, fitted: tuple[str, ...]) -> float:
        return self.losses[fitted]

    def skill(self, source: str) -> float:
        return self.skills.get(source, 0.5)

    def note(self, text: str) -> None:
        self.notes.append(text)


BOTH = ('near', 'far')


def test_sources_that_help_teach_together():
    trainer = FakeTrainer({(): 1.0, ('near',): 0.9, ('far',): 0.95, BOTH: 0.8})
    assert make_method('xmodal').train_target(trainer) == BOTH
    assert trainer.notes == []


@pytest.mark.parametrize(
    ('losses', 'kept', 'together'),
    [
        ({(): 1.0, ('near',): 0.9, ('far',): 1.1}, ('near',), False),
        ({(): 1.0, ('near',): 1.2, ('far',): 1.1}, (), False),
        ({(): 1.0, ('near',): 0.9, ('far',): 0.8, BOTH: 0.85}, ('far',), True),
    ],
)
def test_who_hurts_on_validation_is_dropped_and_the_best_is_kept(losses, kept, together):
    trainer = FakeTrainer(losses)
    assert make_method('xmodal').train_target(trainer) == kept
    assert (BOTH in trainer.fits) == together
    for name in BOTH:
        dropped = losses[name,] > 1
        assert any(f"'{name}' is left out" in note for note in trainer.notes) == dropped


def test_tolerance_bears_with_a_little_harm():
    losses = {(): 1.0, ('near',): 1.05, ('far',): 1.2}
    trainer = FakeTrainer({**losses, BOTH: 0.7})
    assert make_method('xmodal', {'tolerance': 0.3}).train_target(trainer) == BOTH
    trainer = FakeTrainer(losses)
    assert make_method('xmodal', {'tolerance': 0.1}).train_target(trainer) == ()
    assert ['far' in note for note in trainer.notes] == [True]


def test_a_source_no_better_than_guessing_is_not_even_tried():
    trainer = FakeTrainer({(): 1.0, ('far',): 0.9}, skills={'near': -0.01})
    assert make_method('xmodal').train_target(trainer) == ('far',)
    assert ('near',) not in trainer.fits
    assert 'no better than guessing' in trainer.notes[0]


def test_a_source_that_cannot_be_learnt_from_is_dropped_with_the_reason():
    trainer = FakeTrainer({(): 1.0, ('far',): 0.9}, broken='near')
    assert make_method('xmodal').train_target(trainer) == ('far',)
    assert 'no numbers' in trainer.notes[0]


def test_without_the_guard_all_sources_are_taken_at_their_word():
    trainer = FakeTrainer({BOTH: 9.0})
    assert make_method('xmodal', {'guard': False}).train_target(trainer) == BOTH
    assert trainer.fits == [BOTH]

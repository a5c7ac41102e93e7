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

"""A net that learnt from a source is judged once more, beside all else that answers."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest

from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.verdict import Judged, Verdict
from xmodal_ros.training import answering
from xmodal_ros.training.answering import choose_answering
from xmodal_ros.training.ensemble import EncoderChoice
from xmodal_ros.training.together import compare_together, HeldOutAnswers, overruled

PEOPLE, EACH, CLASSES = 6, 60, 3
COUNT = PEOPLE * EACH
RNG = np.random.default_rng(0)
LABELS = RNG.integers(CLASSES, size=COUNT)
GROUPS = np.repeat(np.arange(PEOPLE), EACH)
ENDS_NS = np.tile(np.arange(EACH) * 10**9, PEOPLE)
# The member knows some windows well, and of the others nothing.
KNOWN = RNG.random(COUNT) < 0.6


def answers(known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Answer known windows right, and others by chance; it is surer of what it knows."""
    guessed = RNG.normal(size=(COUNT, CLASSES))
    right = 3.0 * np.eye(CLASSES)[LABELS]
    return np.asarray(np.where(known[:, None], right, guessed))


MEMBER = {'forest': answers(KNOWN)}


def held_out(rows: NDArray[np.intp] | None = None) -> HeldOutAnswers:
    rows = np.arange(COUNT) if rows is None else rows
    member = {name: own[rows] for name, own in MEMBER.items()}
    return HeldOutAnswers(GROUPS[rows], ENDS_NS[rows], LABELS[rows], GROUPS[rows], member, member)


def judged(logits: NDArray[np.float64], seed: int = 1) -> list[Judged]:
    """Give them in three folds of two people each, in another order."""
    order = np.random.default_rng(seed).permutation(COUNT)
    folds = [order[GROUPS[order] % 3 == fold] for fold in range(3)]
    return [Judged({}, GROUPS[rows], ENDS_NS[rows], logits[rows]) for rows in folds]


def right(logits: NDArray[np.float64]) -> float:
    return float((logits.argmax(axis=1) == LABELS).mean())


# What the member lacks; and, more of it, what the member knows as well.
OTHERS, SAME = answers(~KNOWN), answers(KNOWN | (RNG.random(COUNT) < 0.1))


def test_a_net_that_is_better_alone_may_be_worth_less_beside_others():
    assert right(SAME) > right(OTHERS) + 0.05
    found = compare_together(held_out(), judged(OTHERS), judged(SAME))
    assert found is not None
    assert found.gain < -0.1
    assert found.gain < -found.error
    assert (found.units, found.better) == (PEOPLE, 0)


def test_one_that_knows_what_others_do_not_is_worth_more():
    found = compare_together(held_out(), judged(SAME), judged(OTHERS))
    assert found is not None
    assert found.gain > 0.1


def test_windows_are_found_by_recording_and_time_where_each_lacks_some():
    # Of one person the nets have nothing, and of each a half was not taken for the members.
    some = np.flatnonzero(ENDS_NS % (2 * 10**9) == 0)
    alone, decided = judged(OTHERS)[:2], judged(SAME)[:2]
    found = compare_together(held_out(some), alone, decided)
    assert found is not None
    assert found.units == 4
    assert found.gain < -0.1
    # All the same, nothing is won or lost.
    same = compare_together(held_out(some), alone, judged(OTHERS)[:2])
    assert same is not None
    assert (same.gain, same.better) == (0.0, 0)


def test_where_no_window_is_the_same_nothing_is_said():
    elsewhere = [
        Judged({}, part.recordings + 100, part.ends_ns, part.logits) for part in judged(SAME)
    ]
    assert compare_together(held_out(), elsewhere, elsewhere) is None


KEPT = Verdict(
    'wrist', ('thigh',), 'people', 'kept', 0.05, 0.01, 5, 6, {'alone': 0.5, 'thigh': 0.55}
)


@dataclass
class FakeTrainer:
    """Fits are names."""

    verdict: Verdict | None
    judged: Any
    target: str = 'wrist'
    asked: list[bool] = field(default_factory=list)

    def fit_alone_after_all(self, *, wanted: bool) -> str | None:
        self.asked.append(wanted)
        return 'alone' if wanted else None

    def conclude(self, verdict: Verdict, alone: Any, decided: Any) -> None:
        assert alone is decided
        self.verdict = verdict


class Chosen:
    """What was asked for, name by name."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, name: str, pseudo: Any = None, /) -> EncoderChoice:
        self.asked.append((name, pseudo))
        return EncoderChoice(None, None, {'pseudo': pseudo}, held_out())


@pytest.fixture(autouse=True)
def _pseudo_labels(monkeypatch):
    monkeypatch.setattr(answering, 'make_pseudo_labels', lambda *_args: 'said by thigh')


def choose(trainer: Any) -> tuple[Any, EncoderChoice, Chosen]:
    choose_for, fitted = Chosen(), 'taught'
    found: Any = choose_answering(make_method('xmodal'), trainer, {}, fitted, choose_for)  # type: ignore[arg-type]
    return *found, choose_for


def test_sources_are_given_up_where_all_together_is_worse_with_them():
    trainer = FakeTrainer(KEPT, (judged(OTHERS), judged(SAME)))
    fitted, choice, chosen = choose(trainer)
    assert fitted == 'alone'
    assert choice.document == {'pseudo': None}
    assert chosen.asked == [('wrist', 'said by thigh'), ('wrist', None)]
    assert trainer.verdict is not None
    assert trainer.verdict.decision == 'not used'
    assert trainer.verdict.document()['judged'] == 'all that answers'
    said = 'thigh taught wrist, beside all else that answers: -0.'
    assert trainer.verdict.sentence.startswith(said)
    assert trainer.verdict.sentence.endswith('(0 of 6 better); not used')


def test_else_what_was_decided_stays():
    trainer = FakeTrainer(KEPT, (judged(SAME), judged(OTHERS)))
    fitted, choice, chosen = choose(trainer)
    assert (fitted, choice.document) == ('taught', {'pseudo': 'said by thigh'})
    assert trainer.asked == [False]
    assert trainer.verdict == KEPT
    assert len(chosen.asked) == 1
    assert KEPT.document()['judged'] == 'the net'


def test_where_no_guard_judged_nothing_is_asked_for():
    trainer = FakeTrainer(None, None)
    assert choose(trainer)[0] == 'taught'
    assert trainer.asked == [False]


def test_the_scores_of_the_nets_stay_on_record():
    found = compare_together(held_out(), judged(OTHERS), judged(SAME))
    assert found is not None
    verdict = overruled(KEPT, found)
    assert verdict.scores == KEPT.scores
    assert verdict.gain == found.gain

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

"""Whether a target that learnt from others is better than alone, by those whom it had not met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import TrainingError

# Who or what is met or not: people; recordings of one person; parts of one recording.
Unit = Literal['people', 'recordings', 'parts of a recording']
Decision = Literal['kept', 'averaged', 'not used']
# Macro-F1 of each unit, by its name.
Scores = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Judged:
    """The ``scores`` of a target on those held out of its training, and what it answered them.

    ``logits`` (N, classes) are those of the windows that end at ``ends_ns`` (N,) in
    ``recordings`` (N,).
    """

    scores: Scores
    recordings: NDArray[np.int64]
    ends_ns: NDArray[np.int64]
    logits: NDArray[np.float64]


@dataclass(frozen=True)
class UnitDifference:
    """How much better one is than another, unit by unit; ``gain`` is the mean difference.

    ``error`` is the standard error of the mean over units, endless where there is only one.
    """

    gain: float
    error: float
    better: int
    units: int


def compare(scores: Scores, reference: Scores) -> UnitDifference:
    """Compare the scores of the same units."""
    differences = [scores[name] - reference[name] for name in sorted(reference)]
    count = len(differences)
    if not count:
        raise TrainingError('nobody is left to judge by')
    gain = math.fsum(differences) / count
    error = math.inf
    if count > 1:
        variance = math.fsum((each - gain) ** 2 for each in differences) / (count - 1)
        error = math.sqrt(variance / count)
    return UnitDifference(gain, error, sum(each > 0 for each in differences), count)


@dataclass(frozen=True)
class Way:
    """A set of sources to learn from, and what came of it on units that were not learnt from.

    ``taught`` are the scores with the sources, ``averaged`` those of the mean of its weights and
    those of the target that learnt alone.
    """

    sources: tuple[str, ...]
    taught: Scores
    averaged: Scores


@dataclass(frozen=True)
class Verdict:
    """What was decided, of which sources, and why.

    ``gain`` is that of what was decided on, or where nothing is used of the best that there was,
    in macro-F1, over ``units`` of which ``better`` were better; ``scores`` are the mean macro-F1
    of all that was compared. ``together`` says that not the net alone was judged but all that
    answers with it.
    """

    target: str
    sources: tuple[str, ...]
    unit: Unit
    decision: Decision
    gain: float
    error: float
    better: int
    units: int
    scores: Mapping[str, float] = field(default_factory=dict)
    together: bool = False

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        unmet = 'not been taught on' if self.unit == 'parts of a recording' else 'not met'
        beside = ', beside all else that answers' if self.together else ''
        found = (
            f'{" and ".join(self.sources)} taught {self.target}{beside}: {self.gain:+.2f} '
            f'macro-F1 on {self.unit} it had {unmet} ({self.better} of {self.units} better)'
        )
        if self.decision == 'averaged':
            why = 'kept' if self.gain > self.error else 'which is too little to tell'
            return f'{found}; {why}, averaged with what {self.target} learnt alone'
        return f'{found}; {self.decision}'

    def document(self) -> dict[str, object]:
        """Give what JSON says of it."""
        return {
            'sentence': self.sentence,
            'decision': self.decision,
            'judged': 'all that answers' if self.together else 'the net',
            'sources': list(self.sources),
            'unit': self.unit,
            'gain': round(self.gain, 4),
            'standard_error': round(self.error, 4) if math.isfinite(self.error) else None,
            'better': self.better,
            'units': self.units,
            'macro_f1': {name: round(score, 4) for name, score in self.scores.items()},
        }


def way_name(sources: Sequence[str], decision: str) -> str:
    """Name what was decided as the scores of a verdict do: by its sources, or as alone."""
    name = ' and '.join(sources)
    return {'kept': name, 'averaged': f'{name}, averaged'}.get(decision, 'alone')


def judge(target: str, unit: Unit, alone: Scores, ways: Sequence[Way]) -> Verdict:
    """Decide on the way of the greatest gain.

    It is kept where it gains more than the standard error, and not used where it loses as much.
    In between nobody can tell, and the mean of both is taken: it is as good as the two of them
    on average or better, unless the scores say that it fell apart; then it is the better of them.
    """
    best = max(ways, key=lambda way: compare(way.taught, alone).gain)
    taught, averaged = compare(best.taught, alone), compare(best.averaged, alone)
    against_taught = compare(best.averaged, best.taught)
    scores = {way_name((), 'not used'): _mean(alone)}
    for way in ways:
        scores[way_name(way.sources, 'kept')] = _mean(way.taught)
        scores[way_name(way.sources, 'averaged')] = _mean(way.averaged)

    def decided(decision: Decision, by: UnitDifference) -> Verdict:
        return Verdict(
            target,
            best.sources,
            unit,
            decision,
            by.gain,
            by.error,
            by.better,
            by.units,
            scores,
        )

    if averaged.gain > averaged.error and against_taught.gain > against_taught.error:
        return decided('averaged', averaged)
    if taught.gain > taught.error:
        return decided('kept', taught)
    if taught.gain < -taught.error:
        return decided('not used', taught)
    # The mean of two nets that are far from each other may be worse than both.
    if averaged.gain >= min(0.0, taught.gain):
        return decided('averaged', averaged)
    return decided('kept' if taught.gain > 0 else 'not used', taught)


def _mean(scores: Scores) -> float:
    return math.fsum(scores.values()) / len(scores)

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

"""Who does what when: the order of activities and of the pauses between."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.gestures import pausing
from xmodal_ros.simulator.motion import Take
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.person import draw_person, subject_rng
from xmodal_ros.simulator.stage import draw_stage

SHORTEST_MINUTES: Final = 1.0
LONGEST_MINUTES: Final = 120.0
_LEAD_S: Final = 1.0
# Changing what the hands do is quick; going somewhere else takes longer.
_CHANGE_S: Final = (0.7, 1.1)
_GO_S: Final = (1.2, 1.8)
_PAUSE_S: Final = (1.2, 3.0)
_PAUSE_PROBABILITY: Final = 0.25
_USUAL_SEGMENT_S: Final = (6.0, 12.0)
_FEWEST_ROUNDS: Final = 2
_USUAL_ROUNDS: Final = 3
_SHORT_S: Final = 180.0
_LARGEST_IDLE_SHARE: Final = 0.35
_PLACES: Final = {
    'hammering': 'bench',
    'sawing': 'bench',
    'typing': 'bench',
    'walking': 'path',
}


@dataclass(frozen=True)
class _Slot:
    """One motion to be: the activity ('' for a pause) and its times in seconds."""

    activity: str
    start: float
    end: float


def _order(rng: np.random.Generator, rounds: int) -> list[str]:
    """Give every activity once a round, in another order each time, none twice in a row."""
    names = list(ACTIVITIES)
    order: list[str] = []
    for _ in range(rounds):
        block = [names[place] for place in rng.permutation(len(names))]
        if order and block[0] == order[-1]:
            block.append(block.pop(0))
        order += block
    return order


def _slots(rng: np.random.Generator, duration: float) -> list[_Slot]:
    usual_slot = sum(_USUAL_SEGMENT_S) / 2 + sum(_GO_S) / 2 + 0.5
    short = duration < _SHORT_S
    fewest = _FEWEST_ROUNDS if short else _USUAL_ROUNDS
    rounds = max(fewest, int(duration / (usual_slot * len(ACTIVITIES))))
    names: list[str] = []
    for activity in _order(rng, rounds):
        if rng.uniform() < _PAUSE_PROBABILITY and not short:
            names.append('')
        names.append(activity)
    names.append('')
    gaps = np.array(
        [
            rng.uniform(*(_CHANGE_S if _PLACES.get(one) == _PLACES.get(other) else _GO_S))
            for one, other in pairwise([*names, ''])
        ]
    )
    pauses = rng.uniform(*_PAUSE_S, len(names))
    wanted = rng.uniform(*_USUAL_SEGMENT_S, len(names))
    is_pause = np.array([name == '' for name in names])
    # Unlabelled time is never stretched; in very short recordings it shrinks.
    idle = gaps.sum() + pauses[is_pause].sum()
    shrink = min(1.0, _LARGEST_IDLE_SHARE * duration / idle)
    gaps, pauses = shrink * gaps, shrink * pauses
    left = duration - 2 * _LEAD_S - gaps.sum() - pauses[is_pause].sum()
    lengths = np.where(is_pause, pauses, wanted * left / wanted[~is_pause].sum())
    slots, now = [], _LEAD_S
    for name, length, gap in zip(names, lengths, gaps, strict=True):
        slots.append(_Slot(name, now, now + float(length)))
        now += float(length + gap)
    return slots


def draw_performance(seed: int, index: int, minutes: float) -> Performance:
    """Draw all that the person number ``index`` does in a recording of ``minutes``.

    Raises :class:`ConfigurationError` when so many activities do not fit into the time.
    """
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise ConfigurationError(
            f'recordings of {minutes:g} minutes cannot be simulated: every activity is done '
            f'several times, choose {SHORTEST_MINUTES:g} to {LONGEST_MINUTES:g} minutes'
        )
    person = draw_person(seed, index)
    stage = draw_stage(person)
    rng = subject_rng(seed, index, 'script')
    duration = 60.0 * minutes
    names = list(ACTIVITIES)
    motions = []
    for number, slot in enumerate(_slots(rng, duration)):
        habit = person.habit(names.index(slot.activity) if slot.activity else len(names))
        take_rng = subject_rng(seed, index, 'script', number)
        take = Take(person, stage, slot.start, slot.end, habit, take_rng)
        motions.append(ACTIVITIES[slot.activity](take) if slot.activity else pausing(take))
    return Performance(person, stage, duration, tuple(motions))

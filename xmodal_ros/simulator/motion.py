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

"""What a motion is: posture as a function of time, and the sounds and jolts that go with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xmodal_ros.simulator.body import CHANNELS, rest_posture
from xmodal_ros.simulator.person import Person
from xmodal_ros.simulator.rhythm import Wobble
from xmodal_ros.simulator.rotations import FloatArray
from xmodal_ros.simulator.stage import SimulatedStage, StagePlace

Posture = dict[str, FloatArray]
Site = Literal['wrist', 'thigh']
Tool = Literal[
    '', 'hammer', 'saw', 'broom', 'broom_in_other_hand', 'cup', 'cup_in_other_hand', 'laptop'
]


@dataclass(frozen=True)
class SoundCue:
    """A sound made at ``time`` (seconds); ``kind`` names a voice of :mod:`.voices`."""

    time: float
    kind: str
    gain: float
    duration: float = 0.0


@dataclass(frozen=True)
class Jolt:
    """A knock that rings through flesh and strap: felt by an IMU, too short for joint angles.

    ``acceleration`` is its first peak, m/s² in (forward, dominant side, up) of the person.
    """

    time: float
    site: Site
    acceleration: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Motion:
    """One thing a person does, ``start`` to ``end`` in seconds; ``activity`` '' is unlabelled.

    ``posture`` may be asked about any time, so that neighbours can be blended.
    """

    activity: str
    start: float
    end: float
    posture: Callable[[FloatArray], FloatArray]
    sounds: tuple[SoundCue, ...] = ()
    jolts: tuple[Jolt, ...] = ()
    tool: Tool = ''


@dataclass(frozen=True, eq=False)
class Take:
    """What a motion is drawn from: who, where, when, the habits of the person and chance."""

    person: Person
    stage: SimulatedStage
    start: float
    end: float
    habit: np.random.Generator
    rng: np.random.Generator

    def rate(self, usual_hz: float, spread: float = 0.06) -> float:
        """Draw this person's rate of a movement usually done at ``usual_hz``."""
        own = self.person.tempo * np.exp(self.habit.normal(0, spread))
        return float(usual_hz * own * np.exp(self.rng.normal(0, 0.5 * spread)))

    def size(self, spread: float = 0.12) -> float:
        """Draw this person's size of a movement, relative to the usual."""
        own = self.person.amplitude * np.exp(self.habit.normal(0, spread))
        return float(np.clip(own * np.exp(self.rng.normal(0, 0.5 * spread)), 0.65, 1.4))

    def posture(
        self, moves: Callable[[FloatArray], Posture], place: StagePlace
    ) -> Callable[[FloatArray], FloatArray]:
        """Complete ``moves``, which gives some channels, by the ease and sway of standing."""
        rest = rest_posture(self.person) | {
            'east': place.east,
            'north': place.north,
            'heading': place.heading,
        }
        sway = {
            name: (size, Wobble.draw(self.rng, 0.08, highest))
            for name, (size, highest) in _SWAY.items()
        }

        def channels(t: FloatArray) -> FloatArray:
            given = moves(t)
            columns = []
            for name in CHANNELS:
                column = given.get(name, np.full(len(t), rest[name]))
                if name in sway:
                    size, wobble = sway[name]
                    column = column + size * wobble(t)
                columns.append(column)
            return np.stack(columns, axis=1)

        return channels


# Nobody stands still: size (m, rad) and highest frequency (Hz) of what is added to each channel.
_SWAY: dict[str, tuple[float, float]] = {
    'shift': (0.008, 0.4),
    'surge': (0.006, 0.4),
    'pitch': (0.008, 0.4),
    'bend': (0.015, 0.5),
    'turn': (0.03, 0.4),
    'look': (0.15, 0.5),
    'nod': (0.06, 0.5),
    'd_x': (0.006, 0.8),
    'd_y': (0.006, 0.8),
    'd_z': (0.006, 0.8),
    'd_swivel': (0.03, 0.6),
    'd_pronation': (0.06, 0.8),
    'o_x': (0.006, 0.8),
    'o_y': (0.006, 0.8),
    'o_z': (0.006, 0.8),
    'heading': (0.03, 0.2),
}


def swap_sides(posture: Posture) -> Posture:
    """Do the same with the other hand and leg."""
    other = {'d_': 'o_', 'o_': 'd_'}
    return {
        other[name[:2]] + name[2:] if name[:2] in other else name: column
        for name, column in posture.items()
    }

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

"""Smooth random functions of time, the stuff that motions are made of.

Everything here is a pure function of time with continuous second derivatives, so that a pose
can be evaluated at any instant, in any order, and differentiated into what an IMU feels.
"""

from dataclasses import dataclass

import numpy as np

from xmodal_ros.simulator.rotations import FloatArray

_EVENT_GRID_S = 0.004


def smooth_step(position: FloatArray) -> FloatArray:
    """Go from 0 (position <= 0) to 1 (position >= 1) with two continuous derivatives."""
    u = np.clip(position, 0.0, 1.0)
    return np.asarray(u * u * u * (u * (6.0 * u - 15.0) + 10.0))


@dataclass(frozen=True, eq=False)
class Wobble:
    """A random function of time with zero mean and unit variance: a few sinusoids."""

    angular: FloatArray
    phases: FloatArray

    @classmethod
    def draw(
        cls, rng: np.random.Generator, low_hz: float, high_hz: float, terms: int = 4
    ) -> 'Wobble':
        """Draw one whose frequencies lie between ``low_hz`` and ``high_hz``."""
        return cls(
            2 * np.pi * rng.uniform(low_hz, high_hz, terms), rng.uniform(0, 2 * np.pi, terms)
        )

    def __call__(self, t: FloatArray) -> FloatArray:
        """Evaluate at times ``t`` (T,) seconds."""
        waves = np.sin(t[:, None] * self.angular + self.phases)
        return np.asarray(waves.sum(axis=1) * np.sqrt(2.0 / len(self.angular)))


@dataclass(frozen=True, eq=False)
class Rhythm:
    """The phase of a repeated movement whose tempo wanders as people's tempo does."""

    rate_hz: float
    offset: float
    depth: float
    wander: Wobble

    @classmethod
    def draw(cls, rng: np.random.Generator, rate_hz: float, unsteadiness: float) -> 'Rhythm':
        """Draw one; ``unsteadiness`` is the phase's wandering in radians at 1 Hz."""
        highest = 0.35 * min(1.0, rate_hz)
        return cls(
            rate_hz,
            float(rng.uniform(0, 2 * np.pi)),
            unsteadiness,
            Wobble.draw(rng, 0.3 * highest, highest),
        )

    def __call__(self, t: FloatArray) -> FloatArray:
        """Give the phase in radians at times ``t`` (T,) seconds."""
        steady = 2 * np.pi * self.rate_hz * t + self.offset
        return np.asarray(steady + self.depth * self.wander(t))

    def times(self, start: float, end: float, phase: float = 0.0) -> FloatArray:
        """Give the instants in [start, end) at which the phase passes ``phase`` (mod 2 pi)."""
        grid = np.arange(start, end + _EVENT_GRID_S, _EVENT_GRID_S)
        turns = (self(grid) - phase) / (2 * np.pi)
        wanted = np.arange(np.ceil(turns[0]), np.floor(turns[-1]) + 1)
        found = np.interp(wanted, turns, grid)
        return np.asarray(found[(found >= start) & (found < end)])


@dataclass(frozen=True, eq=False)
class Bursts:
    """Work in spells: 1 while at it, 0 in the short breaks between, with smooth edges."""

    starts: FloatArray
    ends: FloatArray
    edge_s: float

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        span: tuple[float, float],
        on_s: tuple[float, float],
        off_s: tuple[float, float],
        edge_s: float = 0.3,
    ) -> 'Bursts':
        """Draw spells that cover ``span`` (seconds) and a little beyond on either side."""
        starts, ends = [], []
        now = span[0] - 3.0 - rng.uniform(0, on_s[0])
        while now < span[1] + 3.0:
            starts.append(now)
            now += rng.uniform(*on_s)
            ends.append(now)
            now += rng.uniform(*off_s)
        return cls(np.array(starts), np.array(ends), edge_s)

    def __call__(self, t: FloatArray) -> FloatArray:
        """Evaluate at times ``t`` (T,) seconds."""
        rise = smooth_step((t[:, None] - self.starts) / self.edge_s)
        fall = smooth_step((t[:, None] - self.ends) / self.edge_s)
        return np.asarray((rise - fall).sum(axis=1))

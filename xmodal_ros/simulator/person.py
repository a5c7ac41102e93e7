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

"""Who is recorded: size, handedness, tempo, habits, clothes, and how the IMUs sit on them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.simulator.rotations import about_axis, FloatArray, unit

Colour = tuple[int, int, int]
REFERENCE_HEIGHT_M: Final = 1.75
# One of every five people is left-handed: more than in life (one in ten), so that six do.
_PEOPLE_A_LEFT_HANDER: Final = 5

# Keys under which a subject's random numbers are spawned. Each purpose has its own stream, so
# that a change in one sensor's model leaves the others' recordings as they were.
SEED_KEYS: Final = {
    'person': 0,
    'script': 1,
    'imu_wrist': 2,
    'imu_thigh': 3,
    'camera': 4,
    'microphone': 5,
    'habits': 6,
    'room': 7,
}
# What all recordings of a simulation share; beyond every subject's own keys.
_SHARED_KEY: Final = 1_000_000
SHARED_KEYS: Final = {'handedness': 0, 'lab': 1, 'walls': 2}


def subject_rng(seed: int, index: int, purpose: str, *more: int) -> np.random.Generator:
    """Give the random numbers of one subject (0, 1, ...) for one purpose of ``SEED_KEYS``."""
    key = (index, SEED_KEYS[purpose], *more)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def shared_rng(seed: int, purpose: str, *more: int) -> np.random.Generator:
    """Give random numbers that are the same for every subject, for one of ``SHARED_KEYS``."""
    key = (_SHARED_KEY, SHARED_KEYS[purpose], *more)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True)
class Appearance:
    """Colours (red, green, blue; 0-255) and girth of the limbs relative to the average."""

    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    shoes: Colour
    girth: float
    long_sleeves: bool


@dataclass(frozen=True, eq=False)
class Person:
    """One person. Angles in radians; mounts are small rotations (3, 3) off the ideal position.

    ``tempo`` and ``amplitude`` multiply every movement's rate and size; ``unsteadiness`` is how
    much rhythm and size vary from cycle to cycle. The IMUs are on the dominant side.
    """

    seed: int
    index: int
    height_m: float
    left_handed: bool
    tempo: float
    amplitude: float
    unsteadiness: float
    lean: float
    elbows_out: float
    appearance: Appearance
    wrist_mount: FloatArray
    thigh_mount: FloatArray

    @property
    def scale(self) -> float:
        """Size relative to a person of 1.75 m."""
        return self.height_m / REFERENCE_HEIGHT_M

    def habit(self, activity: int) -> np.random.Generator:
        """Give random numbers that are the same whenever this person does this activity."""
        return subject_rng(self.seed, self.index, 'habits', activity)


def _mount(rng: np.random.Generator, tilt_deg: float, roll_deg: float) -> FloatArray:
    """Tilt about any axis, and slip around the limb (the sensor's x axis)."""
    axis = unit(rng.normal(size=3))
    tilt = about_axis(axis, np.radians(rng.normal(0, tilt_deg)))
    slip = about_axis(np.array([1.0, 0.0, 0.0]), np.radians(rng.normal(0, roll_deg)))
    return np.asarray(tilt @ slip)


def _colour(rng: np.random.Generator, low: int, high: int, spread: int) -> Colour:
    """Draw a brightness in [low, high], and red, green, blue about it."""
    drawn = np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 0, 255)
    return int(drawn[0]), int(drawn[1]), int(drawn[2])


def _between(rng: np.random.Generator, dark: Colour, light: Colour) -> Colour:
    mixed = np.array(dark) + rng.uniform() * (np.array(light) - np.array(dark))
    return int(mixed[0]), int(mixed[1]), int(mixed[2])


def draw_person(seed: int, index: int) -> Person:
    """Draw the person number ``index`` (0, 1, ...) of the simulation ``seed``."""
    group, place = divmod(index, _PEOPLE_A_LEFT_HANDER)
    left_hander = shared_rng(seed, 'handedness', group).integers(_PEOPLE_A_LEFT_HANDER)
    rng = subject_rng(seed, index, 'person')
    return Person(
        seed=seed,
        index=index,
        height_m=float(rng.uniform(1.56, 1.94)),
        left_handed=bool(place == left_hander),
        tempo=float(np.exp(np.clip(rng.normal(0, 0.13), -0.26, 0.26))),
        amplitude=float(np.exp(np.clip(rng.normal(0, 0.18), -0.36, 0.36))),
        unsteadiness=float(rng.uniform(0.15, 0.4)),
        lean=float(rng.normal(0.04, 0.04)),
        elbows_out=float(rng.uniform(0.05, 0.5)),
        appearance=Appearance(
            shirt=_colour(rng, 40, 220, 35),
            trousers=_colour(rng, 30, 130, 20),
            skin=_between(rng, (95, 62, 45), (236, 196, 168)),
            hair=_between(rng, (25, 20, 18), (165, 130, 85)),
            shoes=_colour(rng, 15, 110, 12),
            girth=float(rng.uniform(0.85, 1.25)),
            long_sleeves=bool(rng.uniform() < 0.6),
        ),
        wrist_mount=_mount(rng, 9.0, 20.0),
        thigh_mount=_mount(rng, 7.0, 12.0),
    )

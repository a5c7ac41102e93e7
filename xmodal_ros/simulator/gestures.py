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

"""Motions of free hands: waving, clapping, drinking, and the fidgets of a pause."""

import numpy as np

from xmodal_ros.simulator.motion import Jolt, Motion, Posture, SoundCue, swap_sides, Take
from xmodal_ros.simulator.rhythm import Bursts, Rhythm, smooth_step, Wobble
from xmodal_ros.simulator.rotations import FloatArray

# How often a gesture of one hand is made with the other: the wrist IMU then misses it.
_OTHER_HAND = 0.2


def waving(take: Take) -> Motion:
    """Wave to the robot, small beside the shoulder or large overhead."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(1.8, 0.15), take.person.unsteadiness)
    spells = Bursts.draw(rng, (take.start, take.end), (1.5, 4.0), (0.5, 1.5))
    width = float(habit.uniform(0.08, 0.18)) * take.size(0.15)
    height = float(habit.uniform(0.02, 0.42))
    ahead = float(habit.uniform(0.12, 0.3))
    other = rng.uniform() < _OTHER_HAND

    def moves(t: FloatArray) -> Posture:
        swing, up = spells(t) * np.sin(rhythm(t)), 0.6 + 0.4 * spells(t)
        still = np.zeros_like(t)
        posture = {
            'd_x': ahead + still,
            'd_y': 0.36 + width * swing,
            'd_z': height * up,
            'd_swivel': 0.2 + 0.3 * swing,
            'd_pronation': 0.9 + 0.3 * swing,
            'd_wrist': -0.1 + still,
            'side': -0.04 + 0.03 * swing,
        }
        return swap_sides(posture) if other else posture

    sleeve = float(habit.uniform(0.3, 1.2))
    sounds = tuple(
        SoundCue(float(time), 'rustle', sleeve * float(rng.uniform(0.5, 1.5)), 0.25)
        for time in rhythm.times(take.start, take.end)
    )
    place = take.stage.spot(rng)
    return Motion('waving', take.start, take.end, take.posture(moves, place), sounds)


def clapping(take: Take) -> Motion:
    """Clap hands in front of the chest."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(2.3, 0.2), take.person.unsteadiness)
    spells = Bursts.draw(rng, (take.start, take.end), (1.5, 4.0), (0.5, 1.5))
    apart = 0.12 * take.size(0.3)
    palms = float(habit.uniform(-0.2, 1.2))
    height = float(habit.uniform(-0.26, -0.06))
    ahead = float(habit.uniform(0.28, 0.4))

    def moves(t: FloatArray) -> Posture:
        phase = rhythm(t)
        gap = 0.5 - 0.5 * np.cos(phase + 0.4 * (np.cos(phase) - 1.0))
        gap = 0.4 + (gap - 0.4) * spells(t)
        posture: Posture = {}
        for side in ('d_', 'o_'):
            posture |= {
                side + 'x': ahead + np.zeros_like(t),
                side + 'y': 0.03 + apart * gap,
                side + 'z': height + 0.05 * gap,
                side + 'swivel': take.person.elbows_out + 0.2 * gap,
                side + 'pronation': palms + np.zeros_like(t),
            }
        return posture

    strength = float(habit.uniform(0.4, 1.4))
    sounds, jolts = [], []
    times = rhythm.times(take.start, take.end)
    for time in times[spells(times) > 0.7] if len(times) else times:
        force = strength * float(np.exp(rng.normal(0, 0.25)))
        sounds.append(SoundCue(float(time), 'clap', force))
        jolts.append(Jolt(float(time), 'wrist', (0.0, 18.0 * force, 4.0 * force)))
    place = take.stage.spot(rng)
    return Motion(
        'clapping',
        take.start,
        take.end,
        take.posture(moves, place),
        tuple(sounds),
        tuple(jolts),
    )


def drinking(take: Take) -> Motion:
    """Drink from a cup, sip by sip."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(0.24, 0.15), 0.5 * take.person.unsteadiness)
    low = float(habit.uniform(-0.36, -0.2))
    tilt = 0.5 * take.size(0.2)
    elbow = float(habit.uniform(0.2, 0.8))
    other = rng.uniform() < _OTHER_HAND
    pocket = habit.uniform() < 0.3

    def moves(t: FloatArray) -> Posture:
        raised = smooth_step(0.55 + 0.85 * np.sin(rhythm(t)))
        still = np.zeros_like(t)
        posture = {
            'nod': 0.15 - 0.5 * tilt * raised,
            'd_x': 0.30 - 0.13 * raised,
            'd_y': 0.20 - 0.15 * raised,
            'd_z': low + (0.07 - low) * raised,
            'd_swivel': 0.2 + elbow * raised,
            'd_pronation': 0.1 + 0.5 * tilt * raised,
            'd_wrist': 0.1 + tilt * raised,
        }
        if pocket:
            posture |= {'o_x': 0.08 + still, 'o_y': 0.2 + still, 'o_z': -0.44 + still}
        return swap_sides(posture) if other else posture

    slurp, cup = float(habit.uniform(0.2, 1.2)), float(habit.uniform(0.0, 0.8))
    sounds = [
        SoundCue(float(time), 'sip', slurp, 0.5)
        for time in rhythm.times(take.start, take.end, 0.45 * np.pi)
    ]
    sounds += [
        SoundCue(float(time), 'clink', cup * float(rng.uniform(0.3, 1.0)))
        for time in rhythm.times(take.start, take.end, 1.4 * np.pi)
    ]
    place = take.stage.spot(rng)
    return Motion(
        'drinking',
        take.start,
        take.end,
        take.posture(moves, place),
        tuple(sounds),
        tool='cup_in_other_hand' if other else 'cup',
    )


# Where the hand goes in a pause: wrist x, y, z (m) and swivel; nose, hair, wrist watch, hip.
_FIDGETS = (
    (0.16, 0.05, 0.10, 0.4),
    (0.10, 0.12, 0.30, 0.9),
    (0.28, 0.06, -0.22, 0.3),
    (0.02, 0.26, -0.36, 1.0),
)


def pausing(take: Take) -> Motion:
    """Stand about, perhaps scratch; not an activity, and not labelled as one."""
    rng = take.rng
    goal = np.array(_FIDGETS[int(rng.integers(len(_FIDGETS)))])
    home = np.array([0.05, 0.24, -0.55, 0.1])
    middle = 0.5 * (take.start + take.end)
    length = max(0.6, 0.4 * (take.end - take.start))
    keen = float(rng.uniform() < 0.6)
    tremble = Wobble.draw(rng, 1.0, 3.0)
    other = rng.uniform() < 0.5

    def moves(t: FloatArray) -> Posture:
        near = keen * (
            smooth_step((t - middle) / length + 1.0) - smooth_step((t - middle) / length)
        )
        hand = home + near[:, None] * (goal - home)
        posture = {
            'd_x': hand[:, 0] + 0.01 * near * tremble(t),
            'd_y': hand[:, 1],
            'd_z': hand[:, 2],
            'd_swivel': hand[:, 3],
        }
        return swap_sides(posture) if other else posture

    sounds = (SoundCue(middle, 'rustle', float(rng.uniform(0.3, 1.5)), length),)
    place = take.stage.spot(rng)
    return Motion('', take.start, take.end, take.posture(moves, place), sounds)

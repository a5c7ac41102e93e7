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

"""Motions of working hands: hammering, sawing, typing, sweeping."""

import numpy as np

from xmodal_ros.simulator.motion import Jolt, Motion, Posture, SoundCue, swap_sides, Take
from xmodal_ros.simulator.rhythm import Bursts, Rhythm, Wobble
from xmodal_ros.simulator.rotations import FloatArray

# While the effort is below this, the tool does not touch.
_AT_WORK = 0.7


def _working(effort: Bursts, times: FloatArray) -> FloatArray:
    return np.asarray(times[effort(times) > _AT_WORK]) if len(times) else times


def hammering(take: Take) -> Motion:
    """Hammer at the bench: slow up, fast down, a pause to see how it goes."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(1.6, 0.1), take.person.unsteadiness)
    effort = Bursts.draw(rng, (take.start, take.end), (2.5, 5.0), (0.5, 1.2))
    height = 0.26 * take.size(0.2)
    bent = float(habit.uniform(0.1, 0.35))
    across = float(habit.uniform(0.02, 0.14))
    # Some pieces lie flat, some stand: from above or from behind.
    aim = float(habit.uniform(0.0, 1.2))

    def moves(t: FloatArray) -> Posture:
        phase = rhythm(t)
        raised = 0.5 - 0.5 * np.cos(phase + 0.5 * (np.cos(phase) - 1.0))
        raised = 0.15 + (raised - 0.15) * effort(t)
        still = np.zeros_like(t)
        return {
            'bend': bent + 0.05 * (1.0 - raised),
            'nod': 0.45 + still,
            'd_x': 0.38 - (0.08 + height * np.sin(aim)) * raised,
            'd_y': across + still,
            'd_z': -0.34 + height * np.cos(aim) * raised,
            'd_swivel': take.person.elbows_out + still,
            'd_wrist': 0.1 + 0.6 * raised,
            'o_x': 0.40 + still,
            'o_y': 0.06 + still,
            'o_z': -0.36 + still,
            'o_hip': 0.15 + still,
            'o_knee': 0.12 + still,
        }

    strength = float(habit.uniform(0.5, 1.3))
    sounds, jolts = [], []
    for time in _working(effort, rhythm.times(take.start, take.end)):
        force = strength * float(np.exp(rng.normal(0, 0.2)))
        sounds.append(SoundCue(float(time), 'hammer', force))
        jolts.append(Jolt(float(time), 'wrist', (-8.0 * force, 0.0, 40.0 * force)))
    place = take.stage.workplace(rng)
    return Motion(
        'hammering',
        take.start,
        take.end,
        take.posture(moves, place),
        tuple(sounds),
        tuple(jolts),
        'hammer',
    )


def sawing(take: Take) -> Motion:
    """Saw at the bench: to and fro, loud on the push."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(1.3, 0.12), take.person.unsteadiness)
    effort = Bursts.draw(rng, (take.start, take.end), (3.0, 6.0), (0.4, 1.0))
    stroke = 0.10 * take.size(0.2)
    slope = float(habit.uniform(0.0, 1.2))
    bent = float(habit.uniform(0.15, 0.45))

    def moves(t: FloatArray) -> Posture:
        push = effort(t) * np.sin(rhythm(t))
        still = np.zeros_like(t)
        return {
            'bend': bent + 0.04 * push,
            'turn': 0.1 * push,
            'nod': 0.4 + still,
            'd_x': 0.30 + stroke * push,
            'd_y': 0.14 + still,
            'd_z': -0.26 - slope * stroke * push,
            'd_swivel': 0.3 * take.person.elbows_out + still,
            'd_wrist': -0.1 + still,
            'o_x': 0.38 + still,
            'o_y': 0.12 + still,
            'o_z': -0.34 + still,
            'o_hip': 0.3 + still,
            'o_knee': 0.25 + still,
            'd_hip': -0.12 + still,
        }

    half = 0.5 / rhythm.rate_hz
    loud = float(habit.uniform(0.6, 1.4))
    sounds = [
        SoundCue(float(time), 'saw', gain * float(np.exp(rng.normal(0, 0.2))), half)
        for phase, gain in ((-0.5 * np.pi, loud), (0.5 * np.pi, 0.5 * loud))
        for time in _working(effort, rhythm.times(take.start, take.end, phase))
    ]
    place = take.stage.workplace(rng)
    return Motion(
        'sawing',
        take.start,
        take.end,
        take.posture(moves, place),
        tuple(sounds),
        tool='saw',
    )


def typing(take: Take) -> Motion:
    """Type on a laptop on the bench, in spells, with looks at the screen between."""
    habit, rng = take.habit, take.rng
    spells = Bursts.draw(rng, (take.start, take.end), (1.2, 4.0), (0.4, 1.5), edge_s=0.15)
    fingers = {name: Wobble.draw(rng, 2.0, 6.0) for name in ('d_x', 'd_z', 'o_x', 'o_z')}
    drift = {name: Wobble.draw(rng, 0.1, 0.5) for name in ('d_x', 'd_y', 'o_x', 'o_y')}
    bent = float(habit.uniform(0.05, 0.3))
    height = float(habit.uniform(-0.36, -0.3))
    hunt = 0.012 * take.size(0.3)

    def moves(t: FloatArray) -> Posture:
        still, busy = np.zeros_like(t), spells(t)
        posture = {
            'bend': bent + still,
            'nod': 0.25 + 0.2 * busy,
            'd_x': 0.36 + still,
            'd_y': 0.10 + still,
            'd_z': height + still,
            'o_x': 0.36 + still,
            'o_y': 0.10 + still,
            'o_z': height + still,
        }
        for name, wobble in fingers.items():
            posture[name] = posture[name] + 0.0025 * busy * wobble(t)
        for name, wobble in drift.items():
            posture[name] = posture[name] + hunt * wobble(t)
        for side in ('d_', 'o_'):
            posture |= {side + 'pronation': 1.35 + still, side + 'wrist': 0.15 + still}
        return posture

    keys = take.start + np.cumsum(
        rng.gamma(3.0, 1.0 / (3.0 * take.rate(5.5, 0.2)), int(20 * (take.end - take.start)))
    )
    loud = float(habit.uniform(0.6, 1.6))
    sounds = tuple(
        SoundCue(float(time), 'key', loud * float(np.exp(rng.normal(0, 0.35))))
        for time in _working(spells, keys[keys < take.end])
    )
    place = take.stage.workplace(rng)
    return Motion(
        'typing', take.start, take.end, take.posture(moves, place), sounds, tool='laptop'
    )


def sweeping(take: Take) -> Motion:
    """Sweep the floor: the trunk turns with each stroke, a small step with every other."""
    habit, rng = take.habit, take.rng
    rhythm = Rhythm.draw(rng, take.rate(0.8, 0.1), take.person.unsteadiness)
    width = 0.3 * take.size(0.2)
    bent = float(habit.uniform(0.15, 0.4))
    drift = {name: Wobble.draw(rng, 0.03, 0.08) for name in ('east', 'north', 'heading')}
    dominant_below = habit.uniform() < 0.6
    place = take.stage.spot(rng)

    def moves(t: FloatArray) -> Posture:
        phase = rhythm(t)
        stroke, step = np.sin(phase), np.sin(0.5 * phase)
        still = np.zeros_like(t)
        posture = {
            'east': place.east + 0.15 * drift['east'](t),
            'north': place.north + 0.25 * drift['north'](t),
            'heading': place.heading + 0.4 * drift['heading'](t),
            'bend': bent + 0.03 * np.cos(phase),
            'turn': width * stroke,
            'nod': 0.4 + still,
            'd_x': 0.30 + 0.35 * width * np.cos(phase + 0.6),
            'd_y': 0.06 + 0.25 * width * stroke,
            'd_z': -0.36 + still,
            'd_swivel': take.person.elbows_out + still,
            'o_x': 0.27 + 0.1 * width * stroke,
            'o_y': 0.02 - 0.1 * width * stroke,
            'o_z': -0.13 + still,
            'd_hip': 0.1 + 0.16 * step,
            'o_hip': 0.1 - 0.16 * step,
            'd_knee': 0.2 + 0.1 * np.cos(0.5 * phase),
            'o_knee': 0.2 - 0.1 * np.cos(0.5 * phase),
        }
        return posture if dominant_below else swap_sides(posture)

    loud = float(habit.uniform(0.5, 1.4))
    stroke_s = 0.42 / rhythm.rate_hz
    sounds = [
        SoundCue(float(time), 'sweep', gain * float(np.exp(rng.normal(0, 0.2))), stroke_s)
        for phase, gain in ((-0.5 * np.pi, loud), (0.5 * np.pi, 0.35 * loud))
        for time in rhythm.times(take.start, take.end, phase)
    ]
    sounds += [
        SoundCue(float(time), 'step', float(rng.uniform(0.1, 0.4)))
        for time in rhythm.times(take.start, take.end)[::2]
    ]
    return Motion(
        'sweeping',
        take.start,
        take.end,
        take.posture(moves, place),
        tuple(sounds),
        tool='broom' if dominant_below else 'broom_in_other_hand',
    )

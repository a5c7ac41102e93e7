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

"""Motions of the legs: walking, jogging, squatting."""

from typing import Final

import numpy as np

from xmodal_ros.simulator.motion import Jolt, Motion, Posture, SoundCue, Take
from xmodal_ros.simulator.rhythm import Rhythm, smooth_step
from xmodal_ros.simulator.rotations import FloatArray

# Phase at which the dominant foot strikes; the other follows half a cycle later.
STRIKE: Final = 0.5 * np.pi
_LEG_M: Final = 0.86
_SQUATTING_HANDS: Final = ((0.5, 0.18, -0.08), (0.24, 0.1, -0.12), (0.08, 0.24, -0.36))
_HANGING: Final = np.array([[0.05], [0.24], [-0.55]])


def footfalls(
    take: Take, rhythm: Rhythm, kind: str, gain: float, thigh: float, wrist: float
) -> tuple[tuple[SoundCue, ...], tuple[Jolt, ...]]:
    """Give the sounds of both feet and the jolts (m/s²) they send into thigh and wrist."""
    sounds: list[SoundCue] = []
    jolts: list[Jolt] = []
    limp = float(take.habit.uniform(0.85, 1.15))
    for phase, own, side in ((STRIKE, limp, 1.0), (STRIKE + np.pi, 1.0, 0.3)):
        for time in rhythm.times(take.start, take.end, phase):
            force = own * float(np.exp(take.rng.normal(0, 0.15)))
            sounds.append(SoundCue(float(time), kind, gain * force))
            # Only the leg that lands is shaken hard; the wrist hangs on both.
            jolts.append(Jolt(float(time), 'thigh', (0.3 * thigh * side, 0.0, thigh * side)))
            jolts.append(Jolt(float(time), 'wrist', (0.0, 0.0, wrist * force)))
    return tuple(sorted(sounds, key=lambda sound: sound.time)), tuple(jolts)


def _swing_knee(phase: FloatArray) -> FloatArray:
    """Flexion of a knee, 0 to 1, whose hip goes as sin(phase): most in mid-swing."""
    return np.asarray((0.5 + 0.5 * np.cos(phase + 0.35)) ** 3)


def walking(take: Take) -> Motion:
    """Walk round and round on an ellipse."""
    habit, stage, person = take.habit, take.stage, take.person
    rhythm = Rhythm.draw(take.rng, take.rate(0.88), 0.8 * person.unsteadiness)
    stride, arms = 0.36 * take.size(0.08), 0.32 * take.size(0.25)
    elbow = float(habit.uniform(0.0, 0.07))
    along_x, along_y = stage.path_radii
    way = float(take.rng.choice([-1.0, 1.0]))
    begin = float(take.rng.uniform(0, 2 * np.pi))
    advance = 2 * _LEG_M * np.sin(stride) / np.pi * person.scale / np.mean(stage.path_radii)
    carries = take.rng.choice(['', 'd_', 'o_'], p=[0.6, 0.2, 0.2])

    def moves(t: FloatArray) -> Posture:
        phase = rhythm(t)
        swing, sway = np.sin(phase), np.cos(phase)
        bow = way * (begin + advance * phase)
        tangent = np.arctan2(way * along_y * np.cos(bow), -way * along_x * np.sin(bow))
        steady = bow + way * np.pi / 2
        heading = steady + np.angle(np.exp(1j * (tangent - steady)))
        reach = 0.08 - arms * swing
        back = 0.08 + arms * swing
        posture = {
            'east': stage.home.east + along_x * np.cos(bow),
            'north': stage.home.north + along_y * np.sin(bow),
            'heading': heading,
            'shift': 0.02 * sway,
            'twist': 0.07 * swing,
            'turn': -0.15 * swing,
            'roll': 0.03 * sway,
            'd_hip': 0.06 + stride * swing,
            'o_hip': 0.06 - stride * swing,
            'd_knee': 0.12 + 0.85 * _swing_knee(phase),
            'o_knee': 0.12 + 0.85 * _swing_knee(phase + np.pi),
            'd_ankle': 0.25 * np.cos(phase + 2.2),
            'o_ankle': -0.25 * np.cos(phase + 2.2),
            'd_x': 0.53 * np.sin(reach) + elbow,
            'd_z': -0.54 * np.cos(reach) + elbow,
            'o_x': 0.53 * np.sin(back) + elbow,
            'o_z': -0.54 * np.cos(back) + elbow,
        }
        if carries:
            posture |= {
                carries + 'x': 0.25 + 0.01 * swing,
                carries + 'y': np.full_like(t, 0.18),
                carries + 'z': np.full_like(t, -0.3),
            }
        return posture

    sounds, jolts = footfalls(take, rhythm, 'step', float(habit.uniform(0.6, 1.3)), 5.0, 1.5)
    return Motion('walking', take.start, take.end, take.posture(moves, stage.home), sounds, jolts)


def jogging(take: Take) -> Motion:
    """Jog on the spot."""
    habit, person = take.habit, take.person
    rhythm = Rhythm.draw(take.rng, take.rate(1.25), 0.5 * person.unsteadiness)
    stride, arms = 0.36 * take.size(0.12), 0.10 * take.size(0.2)
    heel_kick = float(habit.uniform(0.9, 1.6))
    hop = 0.03 * min(take.size(0.1), 1.2)
    fists = float(habit.uniform(-0.32, -0.2))

    def moves(t: FloatArray) -> Posture:
        phase = rhythm(t)
        swing = np.sin(phase)
        return {
            'lift': hop * np.cos(2 * phase - 1.0),
            'twist': 0.1 * swing,
            'turn': -0.22 * swing,
            'bend': 0.08 + 0.02 * np.cos(2 * phase),
            'd_hip': 0.3 + stride * swing,
            'o_hip': 0.3 - stride * swing,
            'd_knee': 0.3 + heel_kick * _swing_knee(phase),
            'o_knee': 0.3 + heel_kick * _swing_knee(phase + np.pi),
            'd_ankle': 0.2 + 0.3 * np.cos(phase + 2.2),
            'o_ankle': 0.2 - 0.3 * np.cos(phase + 2.2),
            'd_x': 0.22 - arms * swing,
            'd_y': 0.17 + 0.0 * t,
            'd_z': fists - 0.5 * arms * swing,
            'o_x': 0.22 + arms * swing,
            'o_y': 0.17 + 0.0 * t,
            'o_z': fists + 0.5 * arms * swing,
        }

    sounds, jolts = footfalls(take, rhythm, 'step', float(habit.uniform(1.2, 2.2)), 14.0, 5.0)
    place = take.stage.spot(take.rng)
    return Motion('jogging', take.start, take.end, take.posture(moves, place), sounds, jolts)


def squatting(take: Take) -> Motion:
    """Do knee bends, arms stretched out in front or kept at the chest."""
    habit, person = take.habit, take.person
    rhythm = Rhythm.draw(take.rng, take.rate(0.42), 0.5 * person.unsteadiness)
    depth = min(take.size(), 1.25)
    # Where the hands go, x, y, z in metres: ahead, to the chest, to the hips.
    hands = np.array(_SQUATTING_HANDS[int(habit.integers(len(_SQUATTING_HANDS)))])
    moving = habit.uniform() < 0.5
    thigh_m, shank_m = 0.245 * 1.75, 0.246 * 1.75

    def moves(t: FloatArray) -> Posture:
        # Longer up than down, as people rest between repetitions.
        down = smooth_step(0.5 - 0.62 * np.cos(rhythm(t)))
        thigh = 1.25 * depth * down
        knee = 1.75 * depth * down
        pitch = 0.4 * down
        arm = down if moving else np.ones_like(down)
        x, y, z = (1.0 - arm) * _HANGING + arm * hands[:, None]
        posture = {
            'pitch': pitch,
            'bend': 0.15 * down,
            'nod': -0.3 * down,
            'surge': shank_m * np.sin(knee - thigh) - thigh_m * np.sin(thigh),
        }
        for side in ('d_', 'o_'):
            posture |= {
                side + 'hip': 0.03 + thigh + pitch,
                side + 'knee': 0.06 + knee,
                side + 'spread': 0.14 + 0.1 * down,
                side + 'x': x,
                side + 'y': y,
                side + 'z': z,
                side + 'pronation': 0.8 * arm,
            }
        return posture

    breath = float(habit.uniform(0.4, 1.2))
    rising = rhythm.times(take.start, take.end, 1.2 * np.pi)
    sounds = tuple(SoundCue(float(time), 'breath', breath, 0.7) for time in rising)
    place = take.stage.spot(take.rng)
    return Motion('squatting', take.start, take.end, take.posture(moves, place), sounds)

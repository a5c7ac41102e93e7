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

"""What one person does throughout a recording, as one smooth function of time."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from xmodal_ros.bags.segment import Segment
from xmodal_ros.simulator.body import Body, INDEX, Pose
from xmodal_ros.simulator.motion import Jolt, Motion, SoundCue, Tool
from xmodal_ros.simulator.person import Person
from xmodal_ros.simulator.rhythm import smooth_step
from xmodal_ros.simulator.rotations import FloatArray
from xmodal_ros.simulator.stage import SimulatedStage

# Moving or turning further than this between two motions takes steps.
_STEP_AWAY_M: Final = 0.15
_STEP_LENGTH_M: Final = 0.4
_STEP_TURN: Final = 0.8
_KEEP_OFF: Final = 0.2


@dataclass(frozen=True, eq=False)
class _Transition:
    """What the body does on its way from one motion to the next, beyond blending the two.

    ``steps`` are taken when the place changes; ``forward`` (m) is how far each hand keeps off the
    shoulder when it goes from high to low or back.
    """

    start: float
    end: float
    steps: int
    forward: dict[str, float]

    def add(self, t: FloatArray, channels: FloatArray) -> None:
        progress = np.clip((t - self.start) / (self.end - self.start), 0.0, 1.0)
        size = np.sin(np.pi * progress) ** 2
        for name, metres in self.forward.items():
            channels[:, INDEX[name]] += metres * size
        if self.steps == 0:
            return
        phase = np.pi * self.steps * smooth_step(progress)
        swing = size * np.sin(phase)
        for side, sign in (('d_', 1.0), ('o_', -1.0)):
            channels[:, INDEX[side + 'hip']] += sign * 0.3 * swing
            knee = size * (0.5 + 0.5 * np.cos(phase + (0.0 if sign > 0 else np.pi))) ** 2
            channels[:, INDEX[side + 'knee']] += 0.6 * knee
            channels[:, INDEX[side + 'x']] -= sign * 0.06 * swing

    def sounds(self) -> list[SoundCue]:
        if self.steps == 0:
            return []
        times = self.start + (np.arange(self.steps) + 0.8) / self.steps * (self.end - self.start)
        return [SoundCue(float(time), 'step', 0.6) for time in times]


@dataclass(frozen=True, eq=False)
class Performance:
    """All that one person does in one recording; times in seconds from its start."""

    person: Person
    stage: SimulatedStage
    duration: float
    motions: tuple[Motion, ...]

    @cached_property
    def body(self) -> Body:
        """The person's kinematics."""
        return Body(self.person)

    def pose(self, t: FloatArray) -> Pose:
        """Give the pose at times ``t`` (T,), in any order, within or around the recording."""
        return self.body.pose(self.channels(t))

    def channels(self, t: FloatArray) -> FloatArray:
        """Give the blended posture channels (T, number of CHANNELS) at times ``t``."""
        blended = np.zeros((len(t), len(INDEX)))
        for number in self._at(t):
            weight = self._share(number, t)
            active = weight > 0.0
            if not active.any():
                continue
            posture = self.motions[number].posture(t[active])
            posture[:, INDEX['heading']] += self._whole_turns[number]
            blended[active] += weight[active, None] * posture
        for number in self._at(t)[1:]:
            transition = self._transitions[number - 1]
            near = (t > transition.start) & (t < transition.end)
            if near.any():
                moved = blended[near]
                transition.add(t[near], moved)
                blended[near] = moved
        return blended

    @cached_property
    def sounds(self) -> tuple[SoundCue, ...]:
        """Everything the person does that can be heard, in order of time."""
        heard = [sound for motion in self.motions for sound in motion.sounds]
        heard += [sound for transition in self._transitions for sound in transition.sounds()]
        return tuple(sorted(heard, key=lambda sound: sound.time))

    @cached_property
    def jolts(self) -> tuple[Jolt, ...]:
        """Every jolt that an IMU may feel, in order of time."""
        felt = [jolt for motion in self.motions for jolt in motion.jolts]
        return tuple(sorted(felt, key=lambda jolt: jolt.time))

    def tools(self, t: FloatArray) -> list[Tool]:
        """Give what is in the hand at each of the times ``t``."""
        numbers = self._at(t)
        shares = np.stack([self._share(number, t) for number in numbers])
        return [self.motions[numbers[place]].tool for place in shares.argmax(axis=0)]

    def segments(self, start_ns: int) -> tuple[Segment, ...]:
        """Give the truth: one segment for each activity, transitions and pauses left out."""
        return tuple(
            Segment(
                start_ns + round(motion.start * 1e9),
                start_ns + round(motion.end * 1e9),
                motion.activity,
            )
            for motion in self.motions
            if motion.activity
        )

    def _at(self, t: FloatArray) -> range:
        """Number the motions that take part at any of the times ``t``, transitions included."""
        begins = [motion.end for motion in self.motions[:-1]]
        ends = [motion.start for motion in self.motions[1:]]
        first = bisect_right(ends, float(t.min()))
        return range(first, bisect_left(begins, float(t.max())) + 1)

    def _share(self, number: int, t: FloatArray) -> FloatArray:
        """How much of motion ``number`` there is in the blend at ``t``, 0 to 1."""
        motions = self.motions
        share = np.ones_like(t)
        if number > 0:
            begin = motions[number - 1].end
            share = smooth_step((t - begin) / (motions[number].start - begin))
        if number + 1 < len(motions):
            end = motions[number].end
            share = share - smooth_step((t - end) / (motions[number + 1].start - end))
        return share

    def _heading(self, number: int, time: float) -> float:
        return float(self.motions[number].posture(np.array([time]))[0, INDEX['heading']])

    @cached_property
    def _whole_turns(self) -> list[float]:
        """What to add to each motion's heading so that nobody spins around between two."""
        offsets = [0.0]
        for number in range(1, len(self.motions)):
            before = self._heading(number - 1, self.motions[number - 1].end) + offsets[-1]
            after = self._heading(number, self.motions[number].start)
            offsets.append(float(2 * np.pi * np.round((before - after) / (2 * np.pi))))
        return offsets

    @cached_property
    def _transitions(self) -> list[_Transition]:
        found = []
        for one, other in pairwise(self.motions):
            before = one.posture(np.array([one.end]))[0]
            after = other.posture(np.array([other.start]))[0]
            change = after - before
            away = float(np.hypot(change[INDEX['east']], change[INDEX['north']]))
            turned = abs(float(np.angle(np.exp(1j * change[INDEX['heading']]))))
            steps = 0
            if away > _STEP_AWAY_M or turned > _STEP_TURN / 2:
                steps = min(4, 1 + round(max(away / _STEP_LENGTH_M, turned / _STEP_TURN)))
            forward = {
                side + 'x': _KEEP_OFF * abs(float(change[INDEX[side + 'z']]))
                for side in ('d_', 'o_')
            }
            found.append(_Transition(one.end, other.start, steps, forward))
        return found

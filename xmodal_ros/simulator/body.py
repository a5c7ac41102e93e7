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

"""An articulated body: posture parameters over time in, places and rotations of limbs out.

World frame: x away from the camera, y to the left, z up, the origin on the floor under the
camera. A limb's own frame at rest: x forward, y left, z up, the limb hanging along -z.

Posture is computed for a right-hander and mirrored for a left-hander, so that ``d_`` channels
always mean the dominant side and ``o_`` the other one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.simulator.person import Person
from xmodal_ros.simulator.rotations import (
    about_axis,
    about_x,
    about_y,
    about_z,
    FloatArray,
    turn,
    unit,
)

# Local posture. Metres for a person of 1.75 m: surge (forward), shift (to the dominant side),
# lift, and the wrists (x forward, y outward, z up from the point between the shoulders, in the
# chest's frame). Radians: pelvis pitch, roll, twist; spine bend, side, turn; head nod, look;
# swivel of the elbow outward, pronation (palm down), wrist flexion; hip flexion, leg spread,
# knee, ankle.
_TRUNK: Final = (
    *('surge', 'shift', 'lift', 'pitch', 'roll', 'twist'),
    *('bend', 'side', 'turn', 'nod', 'look'),
)
_ARM: Final = ('x', 'y', 'z', 'swivel', 'pronation', 'wrist')
_LEG: Final = ('hip', 'spread', 'knee', 'ankle')
# Place in the room: metres and radians (heading 0 looks away from the camera).
PLACE: Final = ('east', 'north', 'heading')
CHANNELS: Final = (
    *_TRUNK,
    *(side + name for side in ('d_', 'o_') for name in (*_ARM, *_LEG)),
    *PLACE,
)
INDEX: Final = {name: column for column, name in enumerate(CHANNELS)}

# Segment lengths as fractions of the height (Winter, Biomechanics and Motor Control of Human
# Movement, 4th ed., figure 4.1).
_FRACTION: Final = {
    'thigh': 0.245,
    'shank': 0.246,
    'ankle': 0.039,
    'foot': 0.13,
    'spine': 0.288,
    'upper_arm': 0.186,
    'forearm': 0.146,
    'hand': 0.085,
    'neck': 0.075,
    'head': 0.075,
    'shoulder_half': 0.115,
    'hip_half': 0.052,
}
_LONGEST_REACH: Final = 0.985
# The pelvis rides on the longer leg, softly: a hard maximum would jerk at every change of leg.
_LEG_BLEND_PER_M: Final = 18.0
_MIRROR: Final = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Pose:
    """Where everything is at T instants: joints (T, 3) metres, rotations (T, 3, 3) to world.

    ``face`` is the unit vector (T, 3) in which the head looks; ``forearm``, ``thigh`` and
    ``hand`` are frames of the dominant side, left-handed matrices never occur.
    """

    joints: dict[str, FloatArray]
    heading: FloatArray
    face: FloatArray
    chest: FloatArray
    forearm: FloatArray
    thigh: FloatArray
    hand: FloatArray


def rest_posture(person: Person) -> dict[str, float]:
    """Give every local channel of a person who stands at ease."""
    rest = dict.fromkeys(CHANNELS, 0.0)
    for side in ('d_', 'o_'):
        rest |= {
            side + 'x': 0.05,
            side + 'y': 0.24,
            side + 'z': -0.55,
            side + 'swivel': 0.4 * person.elbows_out,
            side + 'wrist': 0.1,
            side + 'spread': 0.06,
            side + 'hip': 0.03,
            side + 'knee': 0.06,
            side + 'ankle': 0.03,
        }
    rest['bend'] = person.lean
    return rest


class Body:
    """The kinematics of one person."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.length = {name: part * person.height_m for name, part in _FRACTION.items()}
        self.leg_length = self.length['thigh'] + self.length['shank']

    def pose(self, channels: FloatArray) -> Pose:
        """Compute the pose for ``channels`` (T, number of CHANNELS)."""
        value = {name: channels[:, column] for name, column in INDEX.items()}
        length = self.length
        joints: dict[str, FloatArray] = {}
        pelvis_turn = about_z(value['twist']) @ about_y(value['pitch']) @ about_x(value['roll'])
        chest_turn = (
            pelvis_turn @ about_z(value['turn']) @ about_y(value['bend']) @ about_x(value['side'])
        )
        zero = np.zeros(len(channels))
        pelvis = self.person.scale * np.stack([value['surge'], -value['shift'], zero], axis=1)
        legs = {side: self._leg(value, side, pelvis_turn, pelvis) for side in ('d_', 'o_')}
        pelvis[:, 2] = self._pelvis_height(legs, value['lift'])
        for leg in legs.values():
            for name, place in leg.joints.items():
                joints[name] = place + pelvis[:, 2:] * [0.0, 0.0, 1.0]
        chest = pelvis + turn(chest_turn, np.array([0.0, 0.0, length['spine']]))
        head_turn = chest_turn @ about_z(value['look']) @ about_y(value['nod'])
        neck = chest + turn(chest_turn, np.array([0.01, 0.0, 0.6 * length['neck']]))
        joints |= {'pelvis': pelvis, 'chest': chest, 'neck': neck}
        joints['head'] = neck + turn(head_turn, np.array([0.02, 0.0, 1.1 * length['head']]))
        arms = {side: self._arm(value, side, chest_turn, chest) for side in ('d_', 'o_')}
        for arm in arms.values():
            joints |= arm.joints
        return self._placed(
            value,
            joints,
            {
                'face': head_turn,
                'chest': chest_turn,
                'forearm': arms['d_'].end,
                'hand': arms['d_'].tip,
                'thigh': legs['d_'].end,
            },
        )

    def _leg(
        self, value: dict[str, FloatArray], side: str, pelvis_turn: FloatArray, pelvis: FloatArray
    ) -> '_Limb':
        sign = -1.0 if side == 'd_' else 1.0
        hip = pelvis + turn(pelvis_turn, np.array([0.0, sign * self.length['hip_half'], 0.0]))
        # The pelvis sways over feet that stay put.
        sway = value['shift'] * self.person.scale / self.leg_length
        thigh = (
            pelvis_turn
            @ about_x(sign * value[side + 'spread'] - sway)
            @ about_y(-value[side + 'hip'])
        )
        shank = thigh @ about_y(value[side + 'knee'])
        # Soles stay level but for the ankle channel, whatever the leg above does.
        level = value[side + 'hip'] - value[side + 'knee'] - value['pitch']
        foot = shank @ about_y(level + value[side + 'ankle'])
        knee = hip + turn(thigh, np.array([0.0, 0.0, -self.length['thigh']]))
        ankle = knee + turn(shank, np.array([0.0, 0.0, -self.length['shank']]))
        heel = ankle + turn(foot, np.array([-0.03, 0.0, -self.length['ankle']]))
        toe = heel + turn(foot, np.array([self.length['foot'], 0.0, 0.0]))
        places = {'hip': hip, 'knee': knee, 'heel': heel, 'toe': toe}
        return _Limb({side + name: place for name, place in places.items()}, thigh, foot)

    def _pelvis_height(self, legs: dict[str, '_Limb'], lift: FloatArray) -> FloatArray:
        reach = [-legs[side].joints[side + 'heel'][:, 2] for side in ('d_', 'o_')]
        blend = _LEG_BLEND_PER_M
        soft = np.logaddexp(blend * reach[0], blend * reach[1]) - np.log(2.0)
        return np.asarray(soft / blend + lift * self.person.scale)

    def _arm(
        self, value: dict[str, FloatArray], side: str, chest_turn: FloatArray, chest: FloatArray
    ) -> '_Limb':
        sign = -1.0 if side == 'd_' else 1.0
        shoulder_at = np.array([0.0, sign * self.length['shoulder_half'], 0.0])
        wanted = self.person.scale * np.stack(
            [value[side + 'x'], sign * value[side + 'y'], value[side + 'z']], axis=1
        )
        upper, forearm = self._reach(wanted - shoulder_at, sign * value[side + 'swivel'])
        upper = chest_turn @ upper
        forearm = chest_turn @ forearm @ about_z(-sign * value[side + 'pronation'])
        hand = forearm @ about_y(-value[side + 'wrist'])
        shoulder = chest + turn(chest_turn, shoulder_at)
        elbow = shoulder + turn(upper, np.array([0.0, 0.0, -self.length['upper_arm']]))
        wrist = elbow + turn(forearm, np.array([0.0, 0.0, -self.length['forearm']]))
        tip = wrist + turn(hand, np.array([0.0, 0.0, -self.length['hand']]))
        places = {'shoulder': shoulder, 'elbow': elbow, 'wrist': wrist, 'hand': tip}
        return _Limb({side + name: place for name, place in places.items()}, forearm, hand)

    def _reach(self, wanted: FloatArray, swivel: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Solve upper arm and forearm (T, 3, 3) for a wrist (T, 3) seen from the shoulder."""
        upper, fore = self.length['upper_arm'], self.length['forearm']
        # A soft limit: the distance approaches full reach smoothly and never attains it.
        limit = _LONGEST_REACH * (upper + fore)
        distance = np.linalg.norm(wanted, axis=1)
        distance = limit * np.power(1.0 + (limit / distance) ** 12, -1.0 / 12.0)
        ahead = unit(wanted)
        elbow_way = -unit(np.cross(ahead, np.array([0.0, 1.0, 0.0])))
        elbow_way = turn(about_axis(ahead, swivel), elbow_way)
        hinge = np.cross(ahead, elbow_way)
        cosine = (upper**2 + distance**2 - fore**2) / (2 * upper * distance)
        cosine = np.clip(cosine, -1.0, 1.0)
        sine = np.sqrt(1.0 - cosine**2)
        along = cosine[:, None] * ahead + sine[:, None] * elbow_way
        beyond = (distance[:, None] * ahead - upper * along) / fore
        return _hanging(along, hinge), _hanging(unit(beyond), hinge)

    def _placed(
        self,
        value: dict[str, FloatArray],
        joints: dict[str, FloatArray],
        frames: dict[str, FloatArray],
    ) -> Pose:
        """Mirror for a left-hander, then put the body where it stands in the room."""
        mirror = _MIRROR if self.person.left_handed else np.ones(3)
        around = about_z(value['heading'])
        where = np.stack([value['east'], value['north'], np.zeros_like(value['east'])], axis=1)
        world = {name: where + turn(around, place * mirror) for name, place in joints.items()}
        turned = {
            name: around @ (mirror[:, None] * frame * mirror) for name, frame in frames.items()
        }
        face = turned.pop('face')[..., 0]
        return Pose(joints=world, heading=value['heading'], face=face, **turned)


@dataclass(frozen=True, eq=False)
class _Limb:
    joints: dict[str, FloatArray]
    end: FloatArray
    tip: FloatArray


def _hanging(along: FloatArray, hinge: FloatArray) -> FloatArray:
    """Give the frame of a limb that points along unit vectors, its joint turning about y."""
    up = -along
    return np.stack([np.cross(hinge, up), hinge, up], axis=-1)


def wrist_sensor_frame(person: Person) -> FloatArray:
    """Give the wrist IMU's axes (3, 3) in the forearm's frame.

    x runs to the fingers, z out of the back of the hand; then the person's own mounting.
    """
    outward = 1.0 if person.left_handed else -1.0
    ideal = np.array([[0.0, -outward, 0.0], [0.0, 0.0, outward], [-1.0, 0.0, 0.0]])
    return np.asarray(ideal @ person.wrist_mount)


def thigh_sensor_frame(person: Person) -> FloatArray:
    """Give the thigh IMU's axes (3, 3) in the thigh's frame: x to the knee, z out of the front."""
    ideal = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    return np.asarray(ideal @ person.thigh_mount)

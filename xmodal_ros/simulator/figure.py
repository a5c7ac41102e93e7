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

"""The person as capsules: limbs, trunk, head, in the colours of skin and clothes."""

from typing import Final

import numpy as np

from xmodal_ros.simulator.body import Pose
from xmodal_ros.simulator.brush import Capsule, shade
from xmodal_ros.simulator.person import Colour, Person

# Two joints, the width at either end (m), and what they wear.
_LIMBS: Final = (
    ('hip', 'knee', 0.17, 0.12, 'trousers'),
    ('knee', 'heel', 0.12, 0.09, 'trousers'),
    ('heel', 'toe', 0.09, 0.08, 'shoes'),
    ('shoulder', 'elbow', 0.12, 0.09, 'sleeve'),
    ('elbow', 'wrist', 0.09, 0.07, 'forearm'),
    ('wrist', 'hand', 0.085, 0.08, 'skin'),
)
_TRUNK_WIDTH_M: Final = 0.20
_HEAD_WIDTH_M: Final = 0.23
# Sleeves a little darker than the shirt, or an arm before the trunk could not be told from it.
_SLEEVE_SHADE: Final = 0.82


def _colours(person: Person) -> dict[str, Colour]:
    look = person.appearance
    sleeve = shade(look.shirt, _SLEEVE_SHADE)
    return {
        'shirt': look.shirt,
        'sleeve': sleeve,
        'forearm': sleeve if look.long_sleeves else look.skin,
        'trousers': look.trousers,
        'shoes': look.shoes,
        'skin': look.skin,
        'hair': look.hair,
    }


def person_capsules(person: Person, pose: Pose) -> list[Capsule]:
    """Give the capsules of a person in the T poses of ``pose``."""
    colours, joints = _colours(person), pose.joints
    girth = person.appearance.girth * person.scale
    capsules = []
    trunk = _TRUNK_WIDTH_M * girth
    for side in ('d_', 'o_'):
        for first, second, wide, narrow, wear in _LIMBS:
            capsules.append(
                Capsule(
                    joints[side + first],
                    joints[side + second],
                    (wide * girth, narrow * girth),
                    colours[wear],
                )
            )
        shoulder = joints[side + 'shoulder']
        inner = shoulder + 0.25 * (joints['chest'] - shoulder)
        capsules.append(
            Capsule(inner, joints[side + 'hip'], (trunk, 0.9 * trunk), colours['shirt'])
        )
    middle = shade(colours['shirt'], 1.06)
    capsules.append(Capsule(joints['chest'], joints['pelvis'], (trunk, trunk), middle))
    return capsules + _head(person, pose, colours)


def _head(person: Person, pose: Pose, colours: dict[str, Colour]) -> list[Capsule]:
    head, neck, up = pose.joints['head'], pose.joints['neck'], np.array([0.0, 0.0, 0.03])
    size = _HEAD_WIDTH_M * person.scale
    crown = head + up - 0.015 * pose.face
    front = head - up + 0.045 * pose.face
    nose = head + 0.11 * pose.face
    return [
        Capsule(neck, head, (0.1, 0.1), colours['skin']),
        Capsule(crown, crown, (size, size), colours['hair']),
        Capsule(front, front, (0.85 * size, 0.85 * size), colours['skin'], 0.01),
        Capsule(nose, nose, (0.04, 0.04), shade(colours['skin'], 0.8)),
    ]

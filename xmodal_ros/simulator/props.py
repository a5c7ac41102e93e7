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

"""Things that are handled: the bench, and the tools in the hand."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from xmodal_ros.simulator.body import Pose
from xmodal_ros.simulator.brush import Capsule, Face, make_face, shade
from xmodal_ros.simulator.lens import Lens
from xmodal_ros.simulator.motion import Tool
from xmodal_ros.simulator.person import Colour
from xmodal_ros.simulator.rotations import about_z, FloatArray, turn, unit
from xmodal_ros.simulator.stage import SimulatedStage

_BENCH_SIZE_M: Final = (0.5, 1.0, 0.06)
_LEG_M: Final = 0.05
_WOOD: Final = (150, 112, 72)
_STEEL: Final = (168, 172, 180)
_IRON: Final = (70, 72, 78)
_CHINA: Final = (235, 235, 240)
_BRISTLES: Final = (120, 60, 50)
_UP: Final = np.array([0.0, 0.0, 1.0])


def bench_faces(stage: SimulatedStage, lens: Lens) -> list[Face]:
    """Give the bench's top, edges and legs as flat faces."""
    deep, wide, thick = _BENCH_SIZE_M
    around = about_z(np.array([stage.bench.heading]))
    centre = np.array([stage.bench.east, stage.bench.north, stage.bench_height_m])
    corners = 0.5 * np.array([[-deep, -wide], [-deep, wide], [deep, wide], [deep, -wide]])

    def face(points: Sequence[FloatArray], heights: Sequence[float], light: float) -> Face:
        local = np.column_stack([points, heights])
        return make_face(lens, centre + turn(around, local), shade(_WOOD, light))

    faces = [face(list(corners), [0.0] * 4, 1.15)]
    for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        faces.append(face([one, other, other, one], [0.0, 0.0, -thick, -thick], 0.75))
    for corner in corners:
        aside = corner - _LEG_M * np.array([0.0, np.sign(corner[1])])
        floor = -stage.bench_height_m
        faces.append(face([corner, aside, aside, corner], [-thick, -thick, floor, floor], 0.6))
    return faces


def tool_capsules(pose: Pose, tools: Sequence[Tool]) -> list[Capsule]:
    """Give the capsules of every tool that is in hand in any of the T poses."""
    capsules = []
    for tool, shape in _SHAPES.items():
        present = np.array([held == tool for held in tools])
        if present.any():
            for first, second, widths, colour, nearer in shape(pose):
                capsules.append(Capsule(first, second, widths, colour, nearer, present))
    return capsules


_Part = tuple[FloatArray, FloatArray, tuple[float, float], Colour, float]


def _forward(pose: Pose) -> FloatArray:
    return np.stack(
        [np.cos(pose.heading), np.sin(pose.heading), np.zeros_like(pose.heading)], axis=1
    )


def _hammer(pose: Pose) -> list[_Part]:
    hand, thumb, fingers = pose.joints['d_hand'], pose.hand[..., 0], -pose.hand[..., 2]
    tip = hand + 0.28 * (0.8 * thumb + 0.6 * fingers)
    return [
        (hand, tip, (0.04, 0.04), _WOOD, 0.0),
        (tip - 0.07 * fingers, tip + 0.07 * fingers, (0.07, 0.07), _IRON, 0.0),
    ]


def _saw(pose: Pose) -> list[_Part]:
    hand = pose.joints['d_hand']
    tip = hand + 0.45 * _forward(pose) - 0.08 * _UP
    return [(hand, tip, (0.11, 0.05), _STEEL, 0.0)]


def _broom(pose: Pose, below: str = 'd_', above: str = 'o_') -> list[_Part]:
    lower, upper = pose.joints[below + 'hand'], pose.joints[above + 'hand']
    down = unit(lower - upper)
    # However the hands are held, the bristles are on the floor.
    down = unit(down - _UP * np.maximum(0.0, 0.7 + down[:, 2:]))
    foot = lower - down * (lower[:, 2:] / down[:, 2:])
    aside = 0.2 * np.cross(_forward(pose), _UP)
    return [
        (upper - 0.2 * down, foot, (0.035, 0.035), _WOOD, 0.0),
        (foot - aside, foot + aside, (0.09, 0.09), _BRISTLES, 0.0),
    ]


def _broom_in_other_hand(pose: Pose) -> list[_Part]:
    return _broom(pose, 'o_', 'd_')


def _cup(pose: Pose, side: str = 'd_') -> list[_Part]:
    hand = pose.joints[side + 'hand']
    return [(hand, hand + 0.06 * _UP, (0.09, 0.09), _CHINA, 0.05)]


def _cup_in_other_hand(pose: Pose) -> list[_Part]:
    return _cup(pose, 'o_')


def _laptop(pose: Pose) -> list[_Part]:
    forward = _forward(pose)
    aside = 0.14 * np.cross(forward, _UP)
    keys = 0.5 * (pose.joints['d_hand'] + pose.joints['o_hand']) - 0.02 * _UP
    hinge, lid = keys + 0.14 * forward, keys + 0.2 * forward + 0.2 * _UP
    dark, grey = (52, 54, 60), (95, 97, 104)
    parts = [(keys - aside, keys + aside, (0.06, 0.06), grey, 0.0)]
    for height in (0.25, 0.6, 0.95):
        row = hinge + height * (lid - hinge)
        parts.append((row - aside, row + aside, (0.07, 0.07), dark, 0.0))
    return parts


_SHAPES: Final[dict[Tool, Callable[[Pose], list[_Part]]]] = {
    'hammer': _hammer,
    'saw': _saw,
    'broom': _broom,
    'broom_in_other_hand': _broom_in_other_hand,
    'cup': _cup,
    'cup_in_other_hand': _cup_in_other_hand,
    'laptop': _laptop,
}

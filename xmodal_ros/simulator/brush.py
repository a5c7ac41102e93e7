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

"""Draw capsules (limbs, tools) and flat faces seen through the lens, many frames prepared at once.

Preparing all frames of a chunk together leaves only OpenCV's own calls to each frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.lens import Image, Lens
from xmodal_ros.simulator.person import Colour
from xmodal_ros.simulator.rotations import FloatArray

_FIXED_POINT: Final = 3
# Light from the side and from everywhere: brightness of a limb along and across the light.
_AMBIENT: Final = 0.62
_DIRECT: Final = 0.42


def shade(colour: Colour, light: float) -> Colour:
    """Make a colour brighter or darker."""
    red, green, blue = (int(min(255.0, max(0.0, part * light))) for part in colour)
    return red, green, blue


@dataclass(frozen=True, eq=False)
class Capsule:
    """A limb over T frames: two ends (T, 3) metres, a width (m) at each, and a colour.

    It is drawn as if ``nearer`` metres closer. Where ``present`` (T,) is False it is left out.
    """

    first: FloatArray
    second: FloatArray
    widths: tuple[float, float]
    colour: Colour
    nearer: float = 0.0
    present: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Face:
    """A flat convex face that stays where it is: its corners in pixels, distance and colour."""

    corners: NDArray[np.int32]
    depth: float
    colour: Colour


def make_face(lens: Lens, corners: FloatArray, colour: Colour) -> Face:
    """Project a face given by its corners (N, 3)."""
    return Face(_fixed(lens.project(corners)), float(lens.depth(corners).mean()), colour)


def _fixed(points: FloatArray) -> NDArray[np.int32]:
    return np.asarray(np.round(points * (1 << _FIXED_POINT)), np.int32)


class Brush:
    """Capsules of T frames, projected and shaded, ready to be painted frame by frame."""

    def __init__(self, lens: Lens, light: FloatArray, capsules: Sequence[Capsule]) -> None:
        ends = np.stack(
            [
                np.stack([limb.first for limb in capsules]),
                np.stack([limb.second for limb in capsules]),
            ]
        )
        depth = lens.depth(ends)
        pixels = lens.project(ends)
        widths = np.array([limb.widths for limb in capsules]).T[:, :, None]
        radii = 0.5 * widths * lens.focal / depth
        self._depth = depth.mean(axis=0) - np.array([limb.nearer for limb in capsules])[:, None]
        self._centres = _fixed(pixels).tolist()
        self._radii = np.maximum(1, np.round(radii * (1 << _FIXED_POINT))).astype(int).tolist()
        self._sides = _fixed(_sides(pixels, radii))
        self._colours = _shaded(ends, light, capsules).tolist()
        always = np.ones(ends.shape[2], bool)
        self._present = np.stack(
            [always if limb.present is None else limb.present for limb in capsules]
        )

    def paint(self, image: Image, frame: int, faces: Sequence[Face] = ()) -> None:
        """Draw frame number ``frame`` and the ``faces`` into ``image``, farthest first."""
        count = len(self._depth)
        depths = [*self._depth[:, frame], *(face.depth for face in faces)]
        for number in np.argsort(-np.array(depths), kind='stable'):
            if number >= count:
                face = faces[number - count]
                cv2.fillConvexPoly(image, face.corners, face.colour, cv2.LINE_8, _FIXED_POINT)
            elif self._present[number, frame]:
                self._capsule(image, int(number), frame)

    def _capsule(self, image: Image, number: int, frame: int) -> None:
        colour = self._colours[number][frame]
        for end in (0, 1):
            cv2.circle(
                image,
                self._centres[end][number][frame],
                self._radii[end][number][frame],
                colour,
                cv2.FILLED,
                cv2.LINE_8,
                _FIXED_POINT,
            )
        cv2.fillConvexPoly(image, self._sides[number, frame], colour, cv2.LINE_8, _FIXED_POINT)


def _sides(pixels: FloatArray, radii: FloatArray) -> FloatArray:
    """Give the corners (N, T, 4, 2) of the body between the two round ends."""
    along = pixels[1] - pixels[0]
    length = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) / length
    wide, narrow = radii[0][..., None] * across, radii[1][..., None] * across
    return np.stack(
        [pixels[0] + wide, pixels[1] + narrow, pixels[1] - narrow, pixels[0] - wide], axis=-2
    )


def _shaded(ends: FloatArray, light: FloatArray, capsules: Sequence[Capsule]) -> NDArray[np.int64]:
    """Give the colours (N, T, 3): brighter the more a limb turns its side to the light."""
    along = ends[1] - ends[0]
    cosine = along @ light / np.maximum(np.linalg.norm(along, axis=-1), 1e-6)
    bright = _AMBIENT + _DIRECT * np.sqrt(np.maximum(0.0, 1.0 - cosine**2))
    colours = np.array([limb.colour for limb in capsules], np.float64)
    return np.asarray(np.clip(bright[..., None] * colours[:, None], 0, 255), np.int64)

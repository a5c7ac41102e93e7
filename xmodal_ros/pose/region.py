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

"""Parts of pictures: squares at any angle, cut out for a net, and its points put back."""

from dataclasses import dataclass
import math
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

# By how much more than the circle about a body is shown to the net that finds its joints.
_MARGIN: Final = 1.25
# Of what is far smaller or larger nothing can be cut out.
_SMALLEST_SIDE, _LARGEST_SIDE = 1.0, 1e5


@dataclass(frozen=True)
class PictureRegion:
    """A square of a picture: centre and side in pixels, turned clockwise by an angle in rad."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around_picture(cls, height: int, width: int) -> Self:
        """Give the upright square that holds a whole picture, in its middle."""
        return cls(width / 2, height / 2, max(height, width))

    @classmethod
    def around_body(cls, hips: NDArray[Any], top: NDArray[Any]) -> Self:
        """Give the square about a body, in which it stands upright.

        ``hips`` (2,) is the middle of the hips in pixels; ``top`` (2,) lies where a circle about
        them that holds the body meets the line from them through the shoulders. As published
        with BlazePose: twice that distance, and a quarter more.
        """
        dx, dy = (float(each) for each in top - hips)
        side = 2 * math.hypot(dx, dy) * _MARGIN
        return cls(float(hips[0]), float(hips[1]), side, math.atan2(dx, -dy))

    @property
    def usable(self) -> bool:
        """Whether something can be cut out; of a net's nonsense nothing can."""
        finite = all(map(math.isfinite, (self.x, self.y, self.side, self.angle)))
        return finite and _SMALLEST_SIDE <= self.side <= _LARGEST_SIDE

    def cut(self, picture: NDArray[np.uint8], pixels: int, *, extended: bool) -> NDArray[np.uint8]:
        """Cut it out of a picture (height, width, 3), as (pixels, pixels, 3).

        Beyond the picture's border its last pixels go on where ``extended``, else it is black.
        """
        border = cv2.BORDER_REPLICATE if extended else cv2.BORDER_CONSTANT
        forth = self._to_picture(1 / pixels)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(picture, forth, (pixels, pixels), flags=flags, borderMode=border)
        return np.asarray(cut, np.uint8)

    def to_picture(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Turn points (n, 2), whose unit is the side and 0, 0 the upper left corner, to pixels."""
        forth = self._to_picture(1.0)
        return points @ forth[:, :2].T + forth[:, 2]

    def turned(self, positions: NDArray[Any]) -> NDArray[np.float64]:
        """Turn positions (n, 3) along the region's axes to positions along the picture's."""
        turned = np.array(positions, np.float64)
        turned[:, :2] = turned[:, :2] @ self._rotation().T
        return turned

    def _rotation(self) -> NDArray[np.float64]:
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def _to_picture(self, unit: float) -> NDArray[np.float64]:
        """Give the map (2, 3) from points in a ``unit`` of the side to pixels of the picture."""
        axes = self._rotation() * self.side
        corner = np.array([self.x, self.y]) - axes @ np.array([0.5, 0.5])
        return np.hstack([axes * unit, corner[:, None]])

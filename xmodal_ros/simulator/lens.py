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

"""The robot's camera as geometry: a pinhole at a robot's height, looking along x."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.rotations import FloatArray

WIDTH: Final = 160
HEIGHT: Final = 120
# Drawn this much larger and averaged down, which smooths every edge.
OVERSAMPLING: Final = 2
_NEAREST_M: Final = 0.3


@dataclass(frozen=True)
class Lens:
    """Camera ``height_m`` above the floor, pitched down by ``pitch`` radians.

    ``focal`` is in pixels of the enlarged drawing.
    """

    height_m: float
    pitch: float
    focal: float

    def depth(self, points: FloatArray) -> FloatArray:
        """Give the distance (...) along the line of sight of world points (..., 3)."""
        above = points[..., 2] - self.height_m
        ahead = points[..., 0] * np.cos(self.pitch) - above * np.sin(self.pitch)
        return np.asarray(np.maximum(ahead, _NEAREST_M))

    def project(self, points: FloatArray) -> FloatArray:
        """Give the pixels (..., 2), x right and y down in the drawing, of points (..., 3)."""
        above = points[..., 2] - self.height_m
        depth = self.depth(points)
        upward = points[..., 0] * np.sin(self.pitch) + above * np.cos(self.pitch)
        across = 0.5 * OVERSAMPLING * WIDTH - self.focal * points[..., 1] / depth
        down = 0.5 * OVERSAMPLING * HEIGHT - self.focal * upward / depth
        return np.stack([across, down], axis=-1)


Image = NDArray[np.uint8]

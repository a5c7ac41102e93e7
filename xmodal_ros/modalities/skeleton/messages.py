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

"""Serialize ``geometry_msgs/PoseArray``."""

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.cdr_writing import ENCAPSULATION, LENGTH, padding, write_header

# Position x y z, and the orientation x y z w that turns nothing.
_UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def pose_array_message(stamp_ns: int, frame: str, positions: NDArray[np.float64]) -> bytes:
    """Serialize poses at ``positions`` (joints, 3) in metres."""
    head = write_header(stamp_ns, frame)
    head += padding(len(head), 4) + LENGTH.pack(len(positions))
    poses = np.hstack([positions, np.tile(_UPRIGHT, (len(positions), 1))])
    return ENCAPSULATION + head + padding(len(head), 8) + poses.astype('<f8').tobytes()

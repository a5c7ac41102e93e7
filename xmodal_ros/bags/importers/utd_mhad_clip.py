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

"""One clip of UTD-MHAD, whatever files it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

IMU_STEP_NS: Final = 1_000_000_000 // 50


@dataclass(frozen=True, eq=False)
class Clip:
    """One action done once, of ``length`` IMU samples; its arrays are read when they are needed.

    ``imu`` gives (T, 6) in g and degrees/s, ``skeleton`` (F, 20, 3) in metres, ``depth``
    (F, H, W) in millimetres. Raising :class:`~xmodal_ros.errors.BagError` they say which file is
    broken.
    """

    subject: int
    trial: int
    action: int
    label: str
    length: int
    imu: Callable[[], NDArray[Any]]
    skeleton: Callable[[], NDArray[Any]]
    depth: Callable[[], NDArray[np.uint16]]

    @property
    def duration_ns(self) -> int:
        """How long the clip lasts: as long as its IMU samples at 50 Hz."""
        return self.length * IMU_STEP_NS

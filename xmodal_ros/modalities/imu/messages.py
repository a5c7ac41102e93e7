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

"""Serialize ``sensor_msgs/Imu``."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.cdr_writing import ENCAPSULATION, padding, write_header

# Where the fields lie among the 37 numbers, and their covariances' first.
_ORIENTATION_W, _ORIENTATION_COVARIANCE = 3, 4
_GYRO, _GYRO_COVARIANCE, _ACC = 13, 16, 25
_FIELDS: Final = 37


def imu_sample_message(stamp_ns: int, frame: str, values: NDArray[np.float64]) -> bytes:
    """Serialize acceleration in m/s² (3,), or that and angular rate in rad/s (6,).

    There is no orientation, and with (3,) no angular rate: their covariances say so (REP 145).
    """
    fields = np.zeros(_FIELDS)
    fields[_ORIENTATION_W], fields[_ORIENTATION_COVARIANCE] = 1, -1
    fields[_ACC : _ACC + 3] = values[:3]
    if len(values) == 3:
        fields[_GYRO_COVARIANCE] = -1
    else:
        fields[_GYRO : _GYRO + 3] = values[3:]
    return imu_message(stamp_ns, frame, fields)


def imu_message(stamp_ns: int, frame: str, fields: NDArray[np.float64]) -> bytes:
    """Serialize ``sensor_msgs/Imu``.

    ``fields`` (37,): orientation 4 and covariance 9, angular velocity 3 and covariance 9, linear
    acceleration 3 and covariance 9.
    """
    head = write_header(stamp_ns, frame)
    return ENCAPSULATION + head + padding(len(head), 8) + fields.astype('<f8').tobytes()

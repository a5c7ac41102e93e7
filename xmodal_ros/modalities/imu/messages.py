"""Serialize ``sensor_msgs/Imu``."""

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.cdr_writing import ENCAPSULATION, padding, write_header


def imu_message(stamp_ns: int, frame: str, fields: NDArray[np.float64]) -> bytes:
    """Serialize ``sensor_msgs/Imu``.

    ``fields`` (37,): orientation 4 and covariance 9, angular velocity 3 and covariance 9, linear
    acceleration 3 and covariance 9.
    """
    head = write_header(stamp_ns, frame)
    return ENCAPSULATION + head + padding(len(head), 8) + fields.astype('<f8').tobytes()

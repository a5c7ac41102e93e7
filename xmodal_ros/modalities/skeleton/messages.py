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

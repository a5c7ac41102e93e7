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

"""Decode a skeleton, as a body tracker, a depth sensor or motion capture gives it.

It comes as ``geometry_msgs/PoseArray`` whose poses are the joints, always in the same order.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.modalities.skeleton.stream import MOST_JOINTS
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import check_stamp, DecodeError, Sample

SKELETON_TYPE: Final = 'geometry_msgs/msg/PoseArray'
# Position x y z and orientation x y z w, all float64.
_POSE_DOUBLES: Final = 7
_DOUBLE_BYTES: Final = 8
# In metres. Far larger values would overflow in the model.
_LARGEST: Final = 1e3


@dataclass(frozen=True)
class SkeletonDecoder:
    """Turn serialized pose arrays of ``joints`` poses into samples of (3 joints,) float64.

    The order is x y z of the first joint, then of the second, in metres from the mean of all
    joints, along the axes of the message's frame: where somebody stands says nothing of what they
    do. Orientations are not used. A message is refused with reason ``joints`` (another
    number of them), ``not_finite``, ``out_of_range``, ``zero_stamp``, ``bad_stamp``,
    ``truncated`` or ``encapsulation``.
    """

    joints: int

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:  # noqa: ARG002
        """Decode one message; raises :class:`DecodeError` when it cannot be used."""
        cursor = CdrCursor(data)
        stamp_ns, frame_id = cursor.header()
        count = cursor.uint32()
        if count != self.joints:
            raise DecodeError(
                'joints', f'the message holds {count} poses, but {self.joints} joints are wanted'
            )
        cursor.align(_DOUBLE_BYTES)
        body = cursor.take(count * _POSE_DOUBLES * _DOUBLE_BYTES)
        poses = np.frombuffer(body, f'{cursor.byte_order}f8').reshape(count, _POSE_DOUBLES)
        positions = poses[:, :3].astype(np.float64)
        if not np.isfinite(positions).all():
            raise DecodeError('not_finite', 'the message holds NaN or infinite positions')
        if np.abs(positions).max() > _LARGEST:
            raise DecodeError(
                'out_of_range',
                f'the message holds positions beyond {_LARGEST:g} m: are they in m?',
            )
        check_stamp(stamp_ns)
        centred = positions - positions.mean(axis=0)
        return Sample(stamp_ns, frame_id, centred.ravel())


def count_joints(data: bytes) -> int:
    """Say how many joints a serialized pose array has.

    Raises :class:`DecodeError` for one that is no skeleton, with reason ``joints`` by its number.
    """
    cursor = CdrCursor(data)
    cursor.header()
    joints = cursor.uint32()
    if not 1 <= joints <= MOST_JOINTS:
        raise DecodeError(
            'joints', f'{joints} poses are no skeleton, of 1 to {MOST_JOINTS} joints'
        )
    return joints

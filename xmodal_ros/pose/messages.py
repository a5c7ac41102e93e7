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

"""A camera's message in, a skeleton's out: what a robot and recordings have in common."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.camera.decoder import decode_in_colour
from xmodal_ros.modalities.skeleton.messages import pose_array_message
from xmodal_ros.pose.estimator import BodyPose

Estimate = Callable[[NDArray[np.uint8]], BodyPose | None]


def skeleton_message(estimate: Estimate, msgtype: str, data: bytes) -> bytes | None:
    """Find the skeleton in a serialized ``sensor_msgs/Image`` or ``CompressedImage``.

    Gives a serialized ``geometry_msgs/PoseArray`` with the picture's stamp and frame, a pose a
    joint; None where nobody is seen. Raises :class:`~xmodal_ros.streams.sample.DecodeError` for a
    message that is no picture in colour or grey.
    """
    sample = decode_in_colour(msgtype, data)
    pose = estimate(np.ascontiguousarray(sample.values, np.uint8))
    if pose is None:
        return None
    return pose_array_message(sample.stamp_ns, sample.frame_id, pose.positions)

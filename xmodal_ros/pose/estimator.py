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

"""A person's joints out of single pictures, followed from one to the next: BlazePose."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.pose.detection import DETECTOR_PIXELS, find_body
from xmodal_ros.pose.region import PictureRegion

JOINTS: Final = (
    'nose',
    *('left_eye_inner', 'left_eye', 'left_eye_outer'),
    *('right_eye_inner', 'right_eye', 'right_eye_outer'),
    *('left_ear', 'right_ear', 'mouth_left', 'mouth_right'),
    *('left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow'),
    *('left_wrist', 'right_wrist', 'left_pinky', 'right_pinky'),
    *('left_index', 'right_index', 'left_thumb', 'right_thumb'),
    *('left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle'),
    *('left_heel', 'right_heel', 'left_foot_index', 'right_foot_index'),
)

_LANDMARK_PIXELS: Final = 256
# Of the net's 39 points: two after the joints tell where to look in the next picture.
_HIPS, _TOP = len(JOINTS), len(JOINTS) + 1
_LEAST_PRESENCE: Final = 0.5
# How far about a point its map is looked at, and how sure the map has to be there.
_AROUND: Final = 3
_LEAST_CONFIDENCE: Final = 0.5


class PoseNet(Protocol):
    """One net: a tensor in, float32 of a batch of one; all its answers out, in its order."""

    def __call__(self, tensor: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Compute."""


@dataclass(frozen=True, eq=False)
class BodyPose:
    """One person in one picture; the order of joints is that of :data:`JOINTS`.

    ``positions`` (33, 3) are in metres from the middle of the hips: x to the picture's right, y
    down, z away from the camera. ``points`` (33, 2) are pixels of the picture. ``visibility``
    (33,) says of each joint how probable it is that it is seen, not hidden or outside; hidden
    ones are guessed. ``presence`` is how probable it is that there is a person.
    """

    positions: NDArray[np.float64]
    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    presence: float


class PoseEstimator:
    """BlazePose of one person: a detector looks for a body, another net for its joints.

    Where a person was seen in the last picture, the square about that body is looked at in the
    next one; the detector works on the first picture, and on the next one after the net is less
    than half sure to see anybody. Nothing is smoothed over time.

    Bazarevsky, Grishchenko, Raveendran, Zhu, Zhang and Grundmann: BlazePose: On-device Real-time
    Body Pose Tracking, CV4ARVR workshop of CVPR 2020, with the constants of the graphs in
    MediaPipe 0.10. ``detector`` and ``landmarks`` are the two nets published there.
    """

    def __init__(self, detector: PoseNet, landmarks: PoseNet) -> None:
        self._detector = detector
        self._landmarks = landmarks
        self._region: PictureRegion | None = None

    def reset(self) -> None:
        """Forget where somebody was: the next picture is of another time or camera."""
        self._region = None

    def __call__(self, picture: NDArray[np.uint8]) -> BodyPose | None:
        """Find the joints in an RGB picture (height, width, 3); None where nobody is seen."""
        region = self._region or self._detect(picture)
        self._region = None
        if region is None or not region.usable:
            return None
        cut = region.cut(picture, _LANDMARK_PIXELS, extended=True)
        flat, presence, _, maps, world = self._landmarks(_tensor(cut, 255.0))
        if not float(presence.item()) >= _LEAST_PRESENCE:
            return None
        values = np.asarray(flat, np.float64).reshape(-1, 5)
        points = region.to_picture(refined(values[:, :2] / _LANDMARK_PIXELS, maps[0]))
        self._region = PictureRegion.around_body(points[_HIPS], points[_TOP])
        count = len(JOINTS)
        return BodyPose(
            region.turned(np.asarray(world, np.float64).reshape(-1, 3)[:count]),
            points[:count],
            _logistic(values[:count, 3]),
            float(presence.item()),
        )

    def _detect(self, picture: NDArray[np.uint8]) -> PictureRegion | None:
        whole = PictureRegion.around_picture(*picture.shape[:2])
        seen = whole.cut(picture, DETECTOR_PIXELS, extended=False)
        raw, logits = self._detector(_tensor(seen, 127.5) - np.float32(1))
        points = find_body(raw[0], logits.reshape(-1))
        if points is None:
            return None
        hips, top = whole.to_picture(points[:2])
        return PictureRegion.around_body(hips, top)


def refined(points: NDArray[Any], maps: NDArray[Any]) -> NDArray[np.float64]:
    """Move points (n, 2) in 0 to 1 to the middle of what their maps (h, w, n) show about them.

    The maps hold logits of confidence. A point stays where it is outside the map, and where the
    map is nowhere sure about it.
    """
    height, width = maps.shape[:2]
    moved = np.array(points, np.float64)
    for index, (x, y) in enumerate(points):
        if not (0 <= x < 1 and 0 <= y < 1):
            continue
        row, column = int(y * height), int(x * width)
        top, left = max(0, row - _AROUND), max(0, column - _AROUND)
        near = _logistic(maps[top : row + _AROUND + 1, left : column + _AROUND + 1, index])
        if near.max() >= _LEAST_CONFIDENCE:
            rows, columns = np.indices(near.shape)
            moved[index, 0] = (left + np.average(columns, weights=near)) / width
            moved[index, 1] = (top + np.average(rows, weights=near)) / height
    return moved


def _tensor(picture: NDArray[np.uint8], unit: float) -> NDArray[np.float32]:
    """Give a batch of one picture, of which ``unit`` becomes 1."""
    return picture[None].astype(np.float32) / np.float32(unit)


def _logistic(logits: NDArray[Any]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -100, 100)))

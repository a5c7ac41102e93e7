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

"""The answer of BlazePose's detector: where the body is of which it is surest."""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DETECTOR_PIXELS: Final = 224
# The net's maps, and at how many anchors each place of them answers.
_MAPS: Final = ((8, 2), (16, 2), (32, 6))
# Beyond these the logistic function is 0 or 1, and may overflow.
_LARGEST_LOGIT: Final = 100.0
_LEAST_SCORE: Final = 0.5
# Of boxes that share more than this, by intersection over union, the mean is taken.
_SAME_BODY: Final = 0.3


@cache
def anchors() -> NDArray[np.float64]:
    """Give the points (2254, 2), x and y in 0 to 1, from which the net counts its answers."""
    found = []
    for stride, times in _MAPS:
        count = DETECTOR_PIXELS // stride
        middles = (np.arange(count) + 0.5) / count
        y, x = np.meshgrid(middles, middles, indexing='ij')
        found.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), times, axis=0))
    return np.concatenate(found)


def find_body(raw: NDArray[Any], logits: NDArray[Any]) -> NDArray[np.float64] | None:
    """Give the key points (4, 2) of the body of which the net is surest; None where of none.

    ``raw`` (2254, 12) is a box, x and y of its centre, width and height, and the four points;
    ``logits`` (2254,) say how sure. Points are in 0 to 1 of the square that the net saw: the
    middle of the hips, the top of a circle about them that holds the body, and the same of the
    shoulders for the upper body. They are the mean over the answers that overlap the surest one,
    weighted by score: the first that weighted non-maximum suppression gives.
    """
    clipped = np.clip(np.asarray(logits, np.float64), -_LARGEST_LOGIT, _LARGEST_LOGIT)
    scores = 1 / (1 + np.exp(-clipped))
    sure = scores >= _LEAST_SCORE
    if not sure.any():
        return None
    scores = scores[sure]
    answers = np.asarray(raw[sure], np.float64) / DETECTOR_PIXELS
    centres = anchors()[sure]
    boxes = np.hstack([answers[:, :2] + centres, answers[:, 2:4]])
    points = answers[:, 4:].reshape(len(answers), -1, 2) + centres[:, None]
    shares = overlaps(boxes, boxes[scores.argmax()])
    same = shares > _SAME_BODY
    if not same.any():
        # A box without extent overlaps nothing, itself included.
        return np.asarray(points[scores.argmax()], np.float64)
    return np.asarray(np.average(points[same], axis=0, weights=scores[same]), np.float64)


def overlaps(boxes: NDArray[Any], box: NDArray[Any]) -> NDArray[np.float64]:
    """Give intersection over union of boxes (n, 4) with one (4,), by centre, width and height."""
    sizes, size = boxes[:, 2:], box[2:]
    low = np.maximum(boxes[:, :2] - sizes / 2, box[:2] - size / 2)
    high = np.minimum(boxes[:, :2] + sizes / 2, box[:2] + size / 2)
    common = np.clip(high - low, 0, None).prod(axis=1)
    union = np.clip(sizes, 0, None).prod(axis=1) + np.clip(size, 0, None).prod() - common
    shares = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return np.asarray(shares, np.float64)

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

"""Nets that stand in for the published ones: they look for two coloured dots, and say where.

A red dot is the middle of somebody's hips, a green one the top of the circle about the body.
"""

import numpy as np

from xmodal_ros.pose.detection import anchors, DETECTOR_PIXELS
from xmodal_ros.pose.estimator import JOINTS, PoseEstimator

RED, GREEN = 0, 1
POINTS = 39
# Of every joint: where it is from the hips, in metres, along the axes of what the net sees.
WORLD = np.tile([0.1, -0.2, 0.3], (POINTS, 1))


def picture_of(height, width, hips, top, size=4):
    """A grey picture (height, width, 3) with the two dots, each given as x and y."""
    picture = np.full((height, width, 3), 90, np.uint8)
    rows, columns = np.indices((height, width))
    for colour, (x, y) in ((RED, hips), (GREEN, top)):
        dot = np.hypot(rows - y, columns - x) <= size
        picture[dot] = 90
        picture[dot, colour] = 255
    return picture


def dot_in(seen, colour):
    """Where a dot is in 0 to 1 of what a net sees (1, pixels, pixels, 3); None where it is not."""
    values = seen[0]
    values = (values - values.min()) / max(values.max() - values.min(), 1e-9)
    weights = np.clip(values[..., colour] - values.min(axis=2) - 0.3, 0, None)
    if weights.sum() == 0:
        return None
    rows, columns = np.indices(weights.shape)
    # The middle of a pixel is where its number says, as of what is cut out.
    middle = [np.average(columns, weights=weights), np.average(rows, weights=weights)]
    return np.array(middle) / len(weights)


class DotDetector:
    """Stands in for the detector."""

    def __init__(self):
        self.seen = []

    def __call__(self, tensor):
        self.seen.append(tensor)
        raw, logits = np.zeros((1, len(anchors()), 12)), np.full((1, len(anchors()), 1), -9.0)
        hips, top = dot_in(tensor, RED), dot_in(tensor, GREEN)
        if hips is not None and top is not None:
            at = int(np.hypot(*(anchors() - hips).T).argmin())
            points = np.array([hips, top, hips, top]) - anchors()[at]
            raw[0, at] = np.concatenate([[0, 0, 0.2, 0.2], points.ravel()]) * DETECTOR_PIXELS
            logits[0, at] = 5
        return raw, logits


class DotLandmarks:
    """Stands in for the net of landmarks: all joints are at the hips, the nose at the top."""

    def __init__(self):
        self.seen = []

    def __call__(self, tensor):
        self.seen.append(tensor)
        hips, top = dot_in(tensor, RED), dot_in(tensor, GREEN)
        there = hips is not None and top is not None
        values = np.zeros((POINTS, 5))
        values[:, 3] = np.linspace(-3, 3, POINTS)
        if there:
            values[:, :2] = hips * tensor.shape[1]
            values[[0, len(JOINTS) + 1], :2] = top * tensor.shape[1]
        unsure = np.full((1, 64, 64, POINTS), -9.0)
        presence = np.array([[0.9 if there else 0.1]])
        mask = np.zeros((1, 256, 256, 1))
        return values.reshape(1, -1), presence, mask, unsure, WORLD.reshape(1, -1)


def make_estimator():
    """The estimator on both, whose calls are kept."""
    detector, landmarks = DotDetector(), DotLandmarks()
    return PoseEstimator(detector, landmarks), detector, landmarks

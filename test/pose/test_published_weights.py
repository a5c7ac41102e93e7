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

"""The published nets on a photograph of a person, that Matplotlib brings."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from test.pose.published_weights import photograph, published_weights
from xmodal_ros.pose.estimator import BodyPose, JOINTS, PoseEstimator
from xmodal_ros.pose.loading import load_estimator


@pytest.fixture(scope='module')
def estimator(shared_data: Path) -> PoseEstimator:
    return load_estimator(published_weights(shared_data))


@pytest.fixture(autouse=True)
def _anew(estimator: PoseEstimator) -> None:
    estimator.reset()


def place(pose: BodyPose, joint: str):
    return pose.points[JOINTS.index(joint)]


def found(pose: BodyPose | None) -> BodyPose:
    assert pose is not None
    return pose


def test_the_joints_of_a_person_are_where_they_are_seen(estimator: PoseEstimator) -> None:
    pose = found(estimator(photograph()))
    assert pose.presence > 0.9
    for joint, seen in (
        ('nose', (280, 220)),
        ('left_eye', (315, 180)),
        ('right_eye', (240, 180)),
        ('left_shoulder', (450, 425)),
        ('right_shoulder', (90, 420)),
    ):
        assert np.hypot(*(place(pose, joint) - seen)) < 45, joint
        assert pose.visibility[JOINTS.index(joint)] > 0.9
    # What is below the picture is guessed, and said to be so.
    assert pose.visibility[JOINTS.index('left_ankle')] < 0.5


def test_metres_are_those_of_a_person_along_the_axes_of_an_optical_frame(
    estimator: PoseEstimator,
) -> None:
    pose = found(estimator(photograph()))
    joints = dict(zip(JOINTS, pose.positions, strict=True))
    across = joints['left_shoulder'] - joints['right_shoulder']
    assert 0.2 < np.linalg.norm(across) < 0.5
    # x to the picture's right, where the left shoulder is; y down; z away, and the nose is near.
    assert across[0] > 0.2
    assert -0.8 < joints['nose'][1] < joints['left_shoulder'][1] < -0.3
    assert joints['nose'][2] < joints['left_ear'][2]
    hips = (joints['left_hip'] + joints['right_hip']) / 2
    assert np.linalg.norm(hips) < 0.05


@pytest.mark.parametrize('degrees', [-40, 30])
def test_a_person_who_leans_is_turned_with_the_picture(
    estimator: PoseEstimator, degrees: int
) -> None:
    upright = photograph()
    before = found(estimator(upright))
    turn = cv2.getRotationMatrix2D((256, 300), degrees, 0.7)
    estimator.reset()
    leaning: Any = cv2.warpAffine(upright, turn, (512, 600))
    after = found(estimator(leaning))
    for joint in ('nose', 'left_shoulder', 'right_shoulder'):
        expected = turn @ [*place(before, joint), 1]
        assert np.hypot(*(place(after, joint) - expected)) < 40, joint
    angle = np.radians(-degrees)
    across = [
        each.positions[JOINTS.index('left_shoulder'), :2]
        - each.positions[JOINTS.index('right_shoulder'), :2]
        for each in (before, after)
    ]
    turned = [np.arctan2(each[1], each[0]) for each in across]
    assert turned[1] - turned[0] == pytest.approx(angle, abs=np.radians(15))


def test_who_was_found_is_followed(estimator: PoseEstimator) -> None:
    picture = photograph()
    first = found(estimator(picture))
    moved = found(estimator(np.roll(picture, 20, axis=1)))
    assert np.hypot(*(place(moved, 'nose') - place(first, 'nose') - [20, 0])) < 20


def test_nobody_is_seen_where_nobody_is(estimator: PoseEstimator) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    for picture in (np.zeros((480, 640, 3), np.uint8), noise):
        assert estimator(picture) is None

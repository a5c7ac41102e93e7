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

"""Somebody is found, followed, lost and found again; the nets are stand-ins that find dots."""

import math

import numpy as np
import pytest

from test.pose.stand_ins import make_estimator, picture_of, WORLD
from xmodal_ros.pose.estimator import JOINTS, refined

TURNED = [(0, -60), (45, -45), (60, 0), (-30, 50)]


@pytest.mark.parametrize(('height', 'width'), [(240, 320), (480, 270)])
@pytest.mark.parametrize('top', TURNED)
def test_joints_are_where_they_are_in_the_picture(
    height: int, width: int, top: tuple[int, int]
) -> None:
    hips = np.array([width * 0.55, height * 0.45])
    estimator, _, _ = make_estimator()
    pose = estimator(picture_of(height, width, hips, hips + top))
    assert pose is not None
    assert pose.points.shape == (33, 2)
    assert pose.points[JOINTS.index('left_wrist')] == pytest.approx(hips, abs=1)
    assert pose.points[JOINTS.index('nose')] == pytest.approx(hips + top, abs=1)
    assert pose.presence == pytest.approx(0.9)
    assert pose.visibility == pytest.approx(1 / (1 + np.exp(-np.linspace(-3, 3, 39)[:33])))


@pytest.mark.parametrize('top', TURNED)
def test_metres_are_along_the_axes_of_the_picture(top: tuple[int, int]) -> None:
    hips = np.array([160.0, 120.0])
    estimator, _, _ = make_estimator()
    pose = estimator(picture_of(240, 320, hips, hips + top))
    assert pose is not None
    angle = math.atan2(top[0], -top[1])
    x, y, z = WORLD[0]
    turned = [
        x * math.cos(angle) - y * math.sin(angle),
        x * math.sin(angle) + y * math.cos(angle),
        z,
    ]
    assert pose.positions.shape == (33, 3)
    assert pose.positions == pytest.approx(np.tile(turned, (33, 1)), abs=0.02)


def test_who_was_found_is_followed_without_the_detector() -> None:
    estimator, detector, landmarks = make_estimator()
    for step in range(5):
        hips = np.array([100.0 + 12 * step, 120.0])
        pose = estimator(picture_of(240, 320, hips, np.add(hips, [5 * step, -60])))
        assert pose is not None
        assert pose.points[24] == pytest.approx(hips, abs=1)
    assert (len(detector.seen), len(landmarks.seen)) == (1, 5)


def test_who_was_lost_is_looked_for_anew() -> None:
    estimator, detector, _ = make_estimator()
    there = picture_of(240, 320, (100, 120), (100, 60))
    empty = np.full((240, 320, 3), 90, np.uint8)
    found = [estimator(each) is not None for each in (there, empty, there, there)]
    assert found == [True, False, True, True]
    # On the first picture, and on the one after that in which nobody was.
    assert len(detector.seen) == 2


def test_nobody_is_nobody_and_the_net_of_landmarks_is_not_asked() -> None:
    estimator, detector, landmarks = make_estimator()
    for _ in range(3):
        assert estimator(np.full((240, 320, 3), 90, np.uint8)) is None
    assert (len(detector.seen), len(landmarks.seen)) == (3, 0)


def test_after_a_reset_the_detector_looks_again() -> None:
    estimator, detector, _ = make_estimator()
    there = picture_of(240, 320, (100, 120), (100, 60))
    assert estimator(there) is not None
    estimator.reset()
    assert estimator(there) is not None
    assert len(detector.seen) == 2


def test_nets_are_given_what_they_were_trained_on() -> None:
    estimator, detector, landmarks = make_estimator()
    picture = picture_of(240, 320, (160, 120), (160, 60))
    picture[:20] = 255
    estimator(picture)
    (whole,), (body,) = detector.seen, landmarks.seen
    assert (whole.shape, whole.dtype) == ((1, 224, 224, 3), np.float32)
    # Beside the picture it is black; its brightest is 1.
    assert (whole.min(), whole.max()) == (-1, 1)
    assert (body.shape, body.dtype) == ((1, 256, 256, 3), np.float32)
    assert (body.min(), body.max()) == (pytest.approx(90 / 255), 1)
    assert body[0, 128, 128] == pytest.approx([1, 90 / 255, 90 / 255], abs=0.01)


def test_a_net_that_says_nonsense_is_asked_no_further() -> None:
    estimator, detector, landmarks = make_estimator()
    there = picture_of(240, 320, (100, 120), (100, 60))
    answer = detector(np.zeros((1, 224, 224, 3)))
    answer[0][:], answer[1][:] = np.inf, 5.0
    estimator._detector = lambda _tensor: answer
    with np.errstate(invalid='ignore'):
        assert estimator(there) is None
    assert not landmarks.seen


def test_points_move_to_the_middle_of_what_their_map_shows() -> None:
    maps = np.full((64, 64, 5), -20.0)
    # Two equal places beside each other, and one that is too far away to count.
    maps[20, [31, 32], 0] = 4.0
    maps[20, 50, 0] = 9.0
    maps[10, 10, 1] = -0.5
    maps[0, 0, 3] = 3.0
    points = np.array([[30.5, 21.5], [10.5, 10.5], [70, 10], [0.5, 0.5], [63.9, 63.9]]) / 64
    found = refined(points, maps)
    assert found[0] * 64 == pytest.approx([31.5, 20], abs=1e-3)
    # Too unsure, outside, at the border, nothing there.
    assert found[1] == pytest.approx(points[1])
    assert found[2] == pytest.approx(points[2])
    assert found[3] == pytest.approx([0, 0], abs=1e-3)
    assert found[4] == pytest.approx(points[4])
    assert points[0] * 64 == pytest.approx([30.5, 21.5])


def test_there_are_33_joints_in_the_published_order() -> None:
    assert len(JOINTS) == len(set(JOINTS)) == 33
    assert [JOINTS[at] for at in (0, 11, 12, 15, 16, 23, 24, 27, 28, 32)] == [
        *('nose', 'left_shoulder', 'right_shoulder', 'left_wrist', 'right_wrist'),
        *('left_hip', 'right_hip', 'left_ankle', 'right_ankle', 'right_foot_index'),
    ]

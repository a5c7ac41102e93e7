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

import numpy as np
import pytest

from test.simulator.performances import channel, perform, stand_still
from xmodal_ros.simulator.brush import Brush, Capsule, make_face
from xmodal_ros.simulator.camera import SimulatedCamera
from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.lens import HEIGHT, Lens, OVERSAMPLING, WIDTH
from xmodal_ros.simulator.room import draw_background, draw_occluders

CLOCK = SensorClock(1_000_000_000, 0.0015, (0.008, 0.025))
LENS = Lens(height_m=1.2, pitch=0.05, focal=260.0)
LIGHT = np.array([0.0, 0.0, 1.0])


def black() -> np.ndarray:
    return np.zeros((OVERSAMPLING * HEIGHT, OVERSAMPLING * WIDTH, 3), np.uint8)


def ball(x: float, y: float, z: float, colour: tuple[int, int, int]) -> Capsule:
    place = np.array([[x, y, z]])
    return Capsule(place, place, (0.2, 0.2), colour)


def middle_of(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image.sum(axis=2))
    return np.array([columns.mean(), rows.mean()])


def test_lens_shows_left_on_the_left_and_far_things_small():
    left, right = LENS.project(np.array([[3.0, 0.5, 1.0], [3.0, -0.5, 1.0]]))
    far_left, far_right = LENS.project(np.array([[6.0, 0.5, 1.0], [6.0, -0.5, 1.0]]))
    assert left[0] < OVERSAMPLING * WIDTH / 2 < right[0]
    assert far_right[0] - far_left[0] == pytest.approx((right[0] - left[0]) / 2, rel=0.02)
    assert LENS.project(np.array([3.0, 0.0, 1.7]))[1] < LENS.project(np.array([3.0, 0.0, 0.0]))[1]


def test_capsule_is_painted_where_the_lens_sees_it():
    image = black()
    Brush(LENS, LIGHT, [ball(3.0, 0.4, 1.0, (200, 100, 50))]).paint(image, 0)
    np.testing.assert_allclose(middle_of(image), LENS.project(np.array([3.0, 0.4, 1.0])), atol=1.0)
    area = np.pi * (0.1 * LENS.focal / LENS.depth(np.array([3.0, 0.4, 1.0]))) ** 2
    assert (image.sum(axis=2) > 0).sum() == pytest.approx(area, rel=0.1)


def test_near_things_hide_far_ones_whatever_the_order():
    red, blue = ball(2.0, 0.0, 1.2, (250, 0, 0)), ball(2.4, 0.0, 1.2, (0, 0, 250))
    corners = np.array([[2.2, y, z] for y, z in ((-1, 0), (1, 0), (1, 2), (-1, 2))], float)
    wall = make_face(LENS, corners, (0, 250, 0))
    for capsules in ([red, blue], [blue, red]):
        image = black()
        Brush(LENS, LIGHT, capsules).paint(image, 0, [wall])
        across, down = LENS.project(np.array([2.0, 0.0, 1.2])).astype(int)
        assert image[down, across].argmax() == 0
        assert image[:, :, 2].max() == 0


def test_absent_things_are_not_painted():
    image = black()
    place = np.array([[3.0, 0.0, 1.0]])
    gone = Capsule(place, place, (0.2, 0.2), (9, 9, 9), present=np.array([False]))
    Brush(LENS, LIGHT, [gone]).paint(image, 0)
    assert not image.any()


def test_limbs_across_the_light_are_brighter():
    def brightness(end: tuple[float, float, float]) -> int:
        image = black()
        limb = Capsule(np.array([[3.0, 0.0, 1.0]]), np.array([end]), (0.2, 0.2), (100, 100, 100))
        Brush(LENS, LIGHT, [limb]).paint(image, 0)
        return int(image.max())

    assert brightness((3.0, 0.5, 1.0)) > 1.3 * brightness((3.0, 0.0, 1.5))


def test_moving_arm_changes_the_picture_where_the_arm_is():
    def raise_arm(t, channels):
        channels[:, channel('d_y')] = 0.35
        channels[:, channel('d_z')] = np.where(t < 2.0, -0.45, 0.35)

    performance = stand_still(move=raise_arm)
    camera = SimulatedCamera(performance, CLOCK)
    t = np.array([1.0, 3.0])
    below, above = (image.astype(float) for image in camera.images(t))
    hand = camera._lens.project(performance.pose(t).joints['d_hand']) / OVERSAMPLING
    change = np.abs(above - below).sum(axis=2)
    for across, down in np.round(hand).astype(int):
        near = change[down - 2 : down + 3, across - 2 : across + 3]
        assert near.max() > 5 * np.median(change)


def test_frames_come_at_their_rate_in_their_size():
    frames = list(SimulatedCamera(perform('walking', duration=8.0), CLOCK).frames())
    assert len(frames) == 8 * 15
    steps = np.diff([stamp for stamp, _, _ in frames])
    assert steps.mean() == pytest.approx(1e9 / 15, rel=0.01)
    assert all(received > stamp for stamp, received, _ in frames)
    for _, _, image in frames:
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert image.dtype == np.uint8
        assert 10 < image.mean() < 250


def test_walls_are_shared_and_clutter_is_moved_between_recordings():
    def background(recording: int) -> np.ndarray:
        lab, rng = np.random.default_rng(1), np.random.default_rng(recording)
        return draw_background(lab, rng, LENS).astype(int)

    change = np.abs(background(2) - background(3)).sum(axis=2)
    # The walls' unevenness and lamps differ a little, the things that were moved a lot.
    assert np.median(change) < 60
    assert np.percentile(change, 98) > 90


def test_occluders_hide_what_is_behind_them_and_only_there():
    hidden = []
    for seed in range(12):
        image = np.full_like(black(), 200)
        for occluder in draw_occluders(np.random.default_rng(seed)):
            occluder.cover(image)
        hidden.append(float((image < 150).any(axis=2).mean()))
    assert min(hidden) == 0.0
    assert 0.02 < max(hidden) < 0.4

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

"""Squares are cut out of pictures at any angle, and points in them find back."""

import math

import numpy as np
import pytest

from test.pose.stand_ins import dot_in, GREEN, picture_of, RED
from xmodal_ros.pose.region import PictureRegion

PIXELS = 256


@pytest.mark.parametrize(
    ('top', 'angle'),
    [((0, -40), 0.0), ((40, 0), math.pi / 2), ((-40, 0), -math.pi / 2), ((0, 40), math.pi)],
)
def test_a_body_stands_upright_in_its_square(top: tuple[int, int], angle: float) -> None:
    hips = np.array([100.0, 80.0])
    region = PictureRegion.around_body(hips, hips + top)
    assert (region.x, region.y) == (100, 80)
    assert region.side == pytest.approx(2 * 40 * 1.25)
    assert math.remainder(region.angle - angle, 2 * math.pi) == pytest.approx(0)
    # The middle is the hips, and straight above them, at 0.5 / 1.25 of the side, is the top.
    found = region.to_picture(np.array([[0.5, 0.5], [0.5, 0.1]]))
    assert found == pytest.approx(np.array([hips, hips + top]))


@pytest.mark.parametrize('degrees', [0, 20, 90, 135, -160])
def test_what_is_cut_out_finds_back(degrees: int) -> None:
    hips, top = np.array([150.0, 110.0]), np.array([190.0, 70.0])
    picture = picture_of(240, 320, hips, top)
    region = PictureRegion(160, 100, 180, math.radians(degrees))
    seen = region.cut(picture, PIXELS, extended=True)[None].astype(np.float32)
    for colour, place in ((RED, hips), (GREEN, top)):
        found = dot_in(seen, colour)
        assert found is not None
        assert region.to_picture(found[None])[0] == pytest.approx(place, abs=0.5)


def test_it_is_turned_clockwise() -> None:
    picture = picture_of(200, 200, (100, 100), (130, 100))
    region = PictureRegion(100, 100, 100, math.pi / 2)
    found = dot_in(region.cut(picture, 100, extended=True)[None].astype(np.float32), GREEN)
    # What was on the right is at the top.
    assert found == pytest.approx([0.5, 0.2], abs=0.02)


@pytest.mark.parametrize(('height', 'width'), [(100, 300), (300, 100)])
def test_a_whole_picture_lies_in_the_middle_of_its_square(height: int, width: int) -> None:
    picture = np.full((height, width, 3), 200, np.uint8)
    region = PictureRegion.around_picture(height, width)
    seen = region.cut(picture, 224, extended=False)
    assert (seen == 200).all(axis=2).mean() == pytest.approx(1 / 3, abs=0.01)
    assert (seen[112] == 200).all() == (width > height)
    corners = region.to_picture(np.array([[0, 0], [1, 1]]))
    assert corners == pytest.approx(
        np.array(
            [[(width - 300) / 2, (height - 300) / 2], [(width + 300) / 2, (height + 300) / 2]]
        )
    )


def test_beyond_the_border_it_is_black_or_goes_on() -> None:
    picture = np.full((50, 50, 3), 7, np.uint8)
    region = PictureRegion(0, 0, 40)
    assert region.cut(picture, 40, extended=False)[0, 0].tolist() == [0, 0, 0]
    assert (region.cut(picture, 40, extended=True) == 7).all()


def test_positions_are_turned_in_the_picture_and_keep_their_depth() -> None:
    upright, sideways = PictureRegion(0, 0, 1), PictureRegion(0, 0, 1, math.pi / 2)
    positions = np.array([[0.0, -1.0, 0.3]])
    assert upright.turned(positions) == pytest.approx(positions)
    # Up in a square that is turned clockwise by a right angle is to the picture's right.
    assert sideways.turned(positions) == pytest.approx(np.array([[1.0, 0.0, 0.3]]))
    assert positions.tolist() == [[0.0, -1.0, 0.3]]


@pytest.mark.parametrize(
    'region',
    [
        PictureRegion(math.nan, 0, 10),
        PictureRegion(0, math.inf, 10),
        PictureRegion(0, 0, 0.5),
        PictureRegion(0, 0, 1e6),
    ],
)
def test_nonsense_cannot_be_cut_out(region: PictureRegion) -> None:
    assert not region.usable
    assert PictureRegion(0, 0, 10).usable

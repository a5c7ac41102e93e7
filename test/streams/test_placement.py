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

"""What people write about a sensor's mounting becomes a rotation and a region, or an error."""

import array
import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.streams.placement import (
    angles_from_rotation,
    AS_IT_COMES,
    describe,
    make_placement,
    Placement,
    placement_from_rotation,
    rotation_from_angles,
    rotation_from_quaternion,
)

angle = st.floats(-360, 360)
MIRROR = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0))


def about(axis: str, degrees: float) -> np.ndarray:
    """The elementary rotation of a vector, by its textbook matrix."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return {
        'x': np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        'y': np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        'z': np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


@given(roll=angle, pitch=angle, yaw=angle)
def test_angles_turn_about_the_fixed_axes_x_then_y_then_z(roll, pitch, yaw):
    expected = about('z', yaw) @ about('y', pitch) @ about('x', roll)
    assert np.allclose(rotation_from_angles(roll, pitch, yaw), expected, atol=1e-10)


def test_an_upside_down_sensor_that_measures_gravity_downwards_is_turned_upright():
    rotation = np.array(rotation_from_angles(180, 0, 0))
    assert (rotation @ [1.0, 2.0, -9.81]).tolist() == [1.0, -2.0, 9.81]


def test_a_sensor_turned_left_sees_ahead_what_its_model_has_on_the_left():
    rotation = np.array(rotation_from_angles(0, 0, 90))
    assert (rotation @ [1.0, 0.0, 0.0]).tolist() == [0.0, 1.0, 0.0]


@given(roll=angle, pitch=angle, yaw=angle)
def test_a_quaternion_and_the_angles_of_the_same_rotation_agree(roll, pitch, yaw):
    x, y, z, w = Rotation.from_euler('xyz', (roll, pitch, yaw), degrees=True).as_quat().tolist()
    from_angles = rotation_from_angles(roll, pitch, yaw)
    assert np.allclose(rotation_from_quaternion(x, y, z, w), from_angles, atol=1e-10)


@given(roll=angle, pitch=st.floats(-89, 89), yaw=angle)
def test_the_angles_that_are_found_make_the_same_rotation(roll, pitch, yaw):
    rotation = rotation_from_angles(roll, pitch, yaw)
    again = rotation_from_angles(*angles_from_rotation(rotation))
    assert np.allclose(again, rotation, atol=1e-10)


@pytest.mark.parametrize(
    'angles', [(180, 0, 0), (0, 90, 0), (0, -90, 0), (90, 90, 0), (-12.5, 33.25, 170), (0, 0, -90)]
)
def test_angles_as_people_write_them_come_back_the_same(angles):
    rotation = rotation_from_angles(*angles)
    assert angles_from_rotation(rotation) == angles
    assert rotation_from_angles(*angles_from_rotation(rotation)) == rotation


@pytest.mark.parametrize('angles', [None, (0, 0, 0), (0, -360, 0), [360.0, 0.0, 360.0]])
@pytest.mark.parametrize('region', [None, (0, 0, 1, 1), [0.0, 0.0, 1.0, 1.0]])
def test_what_changes_nothing_costs_nothing(angles, region):
    assert make_placement(angles, region) == AS_IT_COMES
    assert describe(make_placement(angles, region)) == ''


def test_parameters_of_ros_are_taken_as_they_come():
    placement = make_placement(
        array.array('d', [180.0, 0.0, 0.0]), array.array('d', [0.25, 0.0, 0.5, 1.0])
    )
    assert placement == Placement(rotation_from_angles(180, 0, 0), (0.25, 0.0, 0.5, 1.0))


def test_a_refusal_shows_numbers_as_they_are_written():
    with pytest.raises(ConfigurationError, match=r'^\[180.0, 0.0\] is not'):
        make_placement(array.array('d', [180.0, 0.0]), None)


def test_a_rotation_known_as_a_matrix_is_left_out_when_it_turns_nothing():
    turned = rotation_from_angles(0, 0, 90)
    assert placement_from_rotation(turned).rotation == turned
    assert placement_from_rotation(rotation_from_quaternion(0, 0, 0, 1)) == AS_IT_COMES


def test_a_placement_is_described_in_the_words_it_was_given_in():
    text = describe(make_placement((180, 0, -90), (0.25, 0, 0.5, 1)))
    assert 'roll 180°, pitch 0°, yaw -90°' in text
    assert '50% x 100% of the picture from 25%, 0%' in text


@pytest.mark.parametrize(
    'angles',
    [(180, 0), (180, 0, 0, 0), 180, 'xyz', ('180', 0, 0), (True, 0, 0), (math.nan, 0, 0),
     (0, math.inf, 0), (0, 0, 10**400), {'roll': 180}, (None, 0, 0)],
)  # fmt: skip
def test_what_is_no_three_angles_is_refused_with_what_to_give(angles):
    with pytest.raises(ConfigurationError, match='give roll, pitch and yaw in degrees'):
        make_placement(angles)


def test_more_than_a_full_turn_is_taken_for_a_mistake():
    with pytest.raises(ConfigurationError, match='between -360 and 360'):
        make_placement((0, 3600, 0))


@pytest.mark.parametrize('region', [(0, 0, 1), 'left', 0.5, (0, 0, math.nan, 1), (0, 0, '1', 1)])
def test_what_is_no_four_shares_is_refused_with_what_to_give(region):
    with pytest.raises(ConfigurationError, match='give left, top, width and height'):
        make_placement(None, region)


@pytest.mark.parametrize(
    'region',
    [(0, 0, 0, 1), (0, 0, 1, -1), (-0.1, 0, 0.5, 1), (0, 0.6, 1, 0.5), (0, 0, 640, 480)],
)
def test_a_region_outside_the_picture_is_refused(region):
    with pytest.raises(ConfigurationError, match='does not lie in the picture'):
        make_placement(None, region)


def test_shares_need_not_add_up_to_the_last_bit():
    left, width = 0.7, 0.3 + 2e-16
    assert left + width > 1
    assert make_placement(None, (left, 0, width, 1)).region == (left, 0.0, width, 1.0)


@pytest.mark.parametrize(
    'quaternion', [(0, 0, 0, 0), (0, 0, 0, 2), (0, 0, 0, math.nan), (0, 0, math.inf, 1)]
)
def test_a_quaternion_that_is_no_rotation_is_refused(quaternion):
    with pytest.raises(ConfigurationError, match='quaternion'):
        rotation_from_quaternion(*quaternion)


@pytest.mark.parametrize(
    'rows',
    [MIRROR, MIRROR[:2], ((2.0, 0.0, 0.0), *MIRROR[1:]), (MIRROR[0], MIRROR[0], MIRROR[2]),
     ((math.nan, 0.0, 0.0), *MIRROR[1:])],
)  # fmt: skip
def test_a_matrix_that_is_no_rotation_is_refused(rows):
    with pytest.raises(ConfigurationError, match='rotation'):
        Placement(rotation=rows)


def test_a_placement_made_by_hand_is_checked_too():
    with pytest.raises(ConfigurationError, match='does not lie in the picture'):
        Placement(region=(0.0, 0.0, 2.0, 2.0))

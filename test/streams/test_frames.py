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

"""Chains of static transforms give a rotation, or the reason why there is none."""

import threading

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.transforms import turned
from test.waiting import PATIENCE_S
from xmodal_ros.streams.frames import FixedFrames
from xmodal_ros.streams.placement import rotation_from_angles, UNTURNED
from xmodal_ros.streams.transforms import Transform

angles = st.tuples(*[st.floats(-180, 180)] * 3)


def frames_of(*transforms: Transform) -> FixedFrames:
    frames = FixedFrames()
    frames.add(transforms)
    return frames


def rotation(frames: FixedFrames, target: str, source: str) -> np.ndarray:
    found = frames.rotation(target, source)
    assert found is not None
    return np.array(found)


def test_a_transform_maps_the_child_to_the_parent_and_back():
    frames = frames_of(turned('wrist', 'imu', 0, 0, 90))
    assert frames.rotation('wrist', 'imu') == rotation_from_angles(0, 0, 90)
    assert frames.rotation('imu', 'wrist') == rotation_from_angles(0, 0, -90)
    assert frames.problem('wrist', 'imu') == ''


@given(st.lists(angles, min_size=4, max_size=4))
def test_rotations_are_chained_up_to_a_common_frame_and_down_again(turns):
    names = [('base', 'arm'), ('arm', 'imu'), ('base', 'head'), ('head', 'model')]
    frames = frames_of(*(turned(*name, *turn) for name, turn in zip(names, turns, strict=True)))
    arm, imu, head, model = (np.array(rotation_from_angles(*turn)) for turn in turns)
    expected = (head @ model).T @ arm @ imu
    assert np.allclose(rotation(frames, 'model', 'imu'), expected, atol=1e-9)
    assert np.allclose(rotation(frames, 'arm', 'imu'), imu, atol=1e-9)
    assert np.allclose(rotation(frames, 'model', 'base'), (head @ model).T, atol=1e-9)


def test_slashes_and_the_order_of_arrival_make_no_difference():
    frames = frames_of(turned('/arm', 'imu', 90, 0, 0), turned('base', '/arm', 90, 0, 0))
    assert frames.rotation('/base', '/imu') == rotation_from_angles(180, 0, 0)


def test_a_frame_is_not_turned_against_itself():
    assert FixedFrames().rotation('imu', '/imu') == UNTURNED


def test_what_is_said_last_counts():
    frames = frames_of(turned('base', 'imu', 90, 0, 0))
    frames.add([turned('base', 'imu', 180, 0, 0)])
    assert frames.rotation('base', 'imu') == rotation_from_angles(180, 0, 0)
    frames.add([turned('arm', 'imu', 90, 0, 0)])
    assert frames.rotation('base', 'imu') is None
    assert frames.rotation('arm', 'imu') == rotation_from_angles(90, 0, 0)


def test_latched_transforms_count_before_others_whichever_comes_last():
    frames = frames_of(turned('base', 'imu', 180, 0, 0))
    frames.add([turned('base', 'imu'), turned('base', 'camera', 90, 0, 0)], latched=False)
    assert frames.rotation('base', 'imu') == rotation_from_angles(180, 0, 0)
    assert frames.rotation('base', 'camera') == rotation_from_angles(90, 0, 0)


@pytest.mark.parametrize(
    'useless',
    [
        Transform('base', 'imu', (0.0, 0.0, 0.0, 0.0)),
        Transform('base', 'imu', (0.0, 0.0, 0.0, float('nan'))),
        Transform('base', 'imu', (1.0, 1.0, 1.0, 1.0)),
        turned('imu', 'imu'),
        turned('', 'imu'),
        turned('base', '/'),
    ],
)
def test_a_transform_without_rotation_or_names_is_ignored_and_counted(useless):
    frames = frames_of(turned('base', 'imu', 180, 0, 0), useless, turned('base', 'camera'))
    assert frames.rotation('base', 'imu') == rotation_from_angles(180, 0, 0)
    assert frames.rotation('base', 'camera') == UNTURNED
    assert frames.ignored == 1
    assert '1 ignored, the last because' in frames.problem('base', 'lidar')


def test_before_any_transform_that_is_what_is_said():
    assert 'no static transform has come' in FixedFrames().problem('base', 'imu')


def test_a_mistyped_frame_is_answered_with_those_that_are_known_and_the_closest():
    frames = frames_of(turned('base_link', 'imu_link'))
    text = frames.problem('base_link', 'imu_lnik')
    assert "'imu_lnik'; closest is 'imu_link'" in text
    assert "'base_link', 'imu_link'" in text
    assert "'bse_link'; closest is 'base_link'" in frames.problem('bse_link', 'imu_link')


def test_of_many_frames_some_are_listed_and_the_rest_counted():
    frames = frames_of(*(turned('base', f'frame_{index}') for index in range(100)))
    assert frames.problem('base', 'imu').endswith('and 89 more')


def test_messages_without_a_frame_are_told_from_unknown_frames():
    assert 'set header.frame_id' in frames_of(turned('base', 'imu')).problem('base', '')


def test_a_chain_that_a_joint_breaks_is_explained_by_what_each_end_is_fixed_to():
    frames = frames_of(
        turned('wrist', 'imu'), turned('wrist', 'hand'), turned('base', 'camera'), turned('x', 'y')
    )
    assert frames.rotation('base', 'imu') is None
    text = frames.problem('base', 'imu')
    assert "'imu' is fixed to 'hand', 'wrist'" in text
    assert "'base' to 'camera'" in text
    assert "'x'" not in text


def test_frames_that_go_round_in_a_circle_end_the_search_and_are_named():
    frames = frames_of(
        turned('a', 'imu', 90, 0, 0), turned('b', 'a'), turned('c', 'b'), turned('a', 'c')
    )
    assert frames.rotation('base', 'imu') is None
    assert frames.rotation('b', 'imu') is None
    assert 'circle (a -> b -> c -> a)' in frames.problem('b', 'imu')
    assert frames.rotation('a', 'imu') == rotation_from_angles(90, 0, 0)


def test_what_is_said_while_somebody_asks_counts_for_the_next_who_asks(monkeypatch):
    frames = frames_of(turned('base', 'imu', 90, 0, 0))
    found, told = threading.Event(), threading.Event()
    find = frames._find

    def find_slowly(target, source):
        rotation = find(target, source)
        found.set()
        assert told.wait(PATIENCE_S)
        return rotation

    monkeypatch.setattr(frames, '_find', find_slowly)
    asking = threading.Thread(target=frames.rotation, args=('base', 'imu'))
    telling = threading.Thread(target=frames.add, args=([turned('base', 'imu', 180, 0, 0)],))
    asking.start()
    assert found.wait(PATIENCE_S)
    telling.start()
    # It has to wait for who is asking, and would be through at once if it did not.
    telling.join(timeout=0.2)
    told.set()
    asking.join(PATIENCE_S)
    telling.join(PATIENCE_S)
    assert frames.rotation('base', 'imu') == rotation_from_angles(180, 0, 0)

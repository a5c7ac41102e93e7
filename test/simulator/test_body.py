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

from dataclasses import replace

import numpy as np
import pytest

from test.simulator.performances import channel, perform, plain_person, stand_still
from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.body import thigh_sensor_frame, wrist_sensor_frame

TIMES = np.arange(1.0, 7.0, 0.05)
MIRROR = np.array([1.0, -1.0, 1.0])


@pytest.mark.parametrize('activity', ACTIVITIES)
def test_limbs_keep_their_lengths_in_every_activity(activity):
    performance = perform(activity)
    joints = performance.pose(TIMES).joints
    for first, second, name in (
        ('hip', 'knee', 'thigh'),
        ('shoulder', 'elbow', 'upper_arm'),
        ('elbow', 'wrist', 'forearm'),
    ):
        for side in ('d_', 'o_'):
            length = np.linalg.norm(joints[side + first] - joints[side + second], axis=1)
            np.testing.assert_allclose(length, performance.body.length[name], atol=1e-9)


@pytest.mark.parametrize('activity', ACTIVITIES)
def test_feet_stay_near_the_floor_and_the_head_above_the_hips(activity):
    joints = perform(activity).pose(TIMES).joints
    lowest = np.minimum(joints['d_heel'][:, 2], joints['o_heel'][:, 2])
    assert lowest.min() > -0.1
    assert lowest.max() < 0.12
    assert (joints['head'][:, 2] > joints['pelvis'][:, 2] + 0.2).all()


def test_wrist_reaches_the_point_that_posture_asks_for():
    def reach(t, channels):
        channels[:, channel('d_x')] = 0.35
        channels[:, channel('d_y')] = 0.10
        channels[:, channel('d_z')] = -0.2
        channels[:, channel('bend')] = 0.0
        channels[:, channel('heading')] = 0.0

    performance = stand_still(move=reach)
    joints = performance.pose(np.array([1.0])).joints
    scale = performance.person.scale
    offset = (joints['d_wrist'] - joints['chest'])[0] / scale
    np.testing.assert_allclose(offset, [0.35, -0.10, -0.2], atol=0.01)


@pytest.mark.parametrize('activity', ['hammering', 'waving', 'squatting', 'sweeping'])
def test_left_hander_is_the_mirror_image_of_a_right_hander(activity):
    right = perform(activity)
    left = replace(right, person=replace(right.person, left_handed=True))
    seen, mirrored = right.pose(TIMES), left.pose(TIMES)
    cos, sin = np.cos(seen.heading), np.sin(seen.heading)
    for name in seen.joints:
        offset = seen.joints[name] - seen.joints['pelvis']
        other = mirrored.joints[name] - mirrored.joints['pelvis']
        # In each person's own axes, forward agrees and left is right.
        forward = offset[:, 0] * cos + offset[:, 1] * sin
        aside = -offset[:, 0] * sin + offset[:, 1] * cos
        np.testing.assert_allclose(other[:, 0] * cos + other[:, 1] * sin, forward, atol=1e-9)
        np.testing.assert_allclose(-other[:, 0] * sin + other[:, 1] * cos, -aside, atol=1e-9)
        np.testing.assert_allclose(other[:, 2], offset[:, 2], atol=1e-9)


@pytest.mark.parametrize('left_handed', [False, True])
def test_sensor_axes_are_right_handed_on_either_side(left_handed):
    person = plain_person(left_handed=left_handed)
    for frame in (wrist_sensor_frame(person), thigh_sensor_frame(person)):
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1.0)
    pose = perform('walking', person=person).pose(TIMES)
    np.testing.assert_allclose(np.linalg.det(pose.forearm), 1.0)


def test_back_of_the_hand_faces_up_when_typing():
    for left_handed in (False, True):
        person = plain_person(left_handed=left_handed)
        pose = perform('typing', person=person).pose(TIMES)
        outward = (pose.forearm @ wrist_sensor_frame(person))[:, :, 2]
        assert (outward[:, 2] > 0.8).all()


def test_hands_meet_at_every_clap():
    performance = perform('clapping')
    claps = np.array([sound.time for sound in performance.sounds])
    assert len(claps) > 3
    joints = performance.pose(claps).joints
    apart = np.linalg.norm(joints['d_wrist'] - joints['o_wrist'], axis=1)
    assert (apart < 0.12).all()
    joints = performance.pose(claps + 0.5 * np.diff(claps).min()).joints
    assert np.linalg.norm(joints['d_wrist'] - joints['o_wrist'], axis=1).max() > 0.15


def test_hammer_strikes_at_the_lowest_point():
    performance = perform('hammering')
    strikes = np.array([sound.time for sound in performance.sounds])
    around = np.linspace(-0.1, 0.1, 21)
    path = np.stack([performance.pose(time + around).joints['d_hand'] for time in strikes])
    bench = performance.stage.bench
    ahead = np.array([np.cos(bench.heading), np.sin(bench.heading), -1.0])
    reach = path @ ahead
    assert np.abs(around[reach.argmax(axis=1)]).max() <= 0.03

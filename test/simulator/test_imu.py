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
from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.imu import (
    ACCELEROMETER_NOISE,
    GRAVITY,
    GYRO_NOISE,
    ImuSensor,
    thigh_mount,
    true_motion,
    wrist_mount,
)
from xmodal_ros.simulator.rotations import about_axis, rotation_vector, turn

CLOCK = SensorClock(1_000_000_000, 0.0003, (0.0005, 0.003))
MOUNTS = {'imu_wrist': wrist_mount, 'imu_thigh': thigh_mount}


def read(performance, name):
    sensor = ImuSensor(performance, MOUNTS[name](performance), CLOCK, name)
    rows = [(stamp, fields.copy()) for stamp, _, fields in sensor.readings()]
    return np.array([row[0] for row in rows]), np.stack([row[1] for row in rows])


@pytest.mark.parametrize('name', MOUNTS)
def test_imu_at_rest_reads_gravity_upwards_and_no_turning(name):
    _, fields = read(stand_still(), name)
    force, rate = fields[:, 25:28], fields[:, 13:16]
    # Biases of 0.1 m/s² and 0.015 rad/s and a scale error of 1 % are left after calibration.
    assert np.linalg.norm(force.mean(axis=0)) == pytest.approx(GRAVITY, abs=0.6)
    assert np.abs(rate.mean(axis=0)).max() < 0.075
    assert force.std(axis=0) == pytest.approx(ACCELEROMETER_NOISE, rel=0.2)
    assert rate.std(axis=0) == pytest.approx(GYRO_NOISE, rel=0.2)
    # Hanging arm and thigh: x points down, so gravity's reaction is along -x.
    assert force[:, 0].mean() < -0.7 * GRAVITY


def test_noiseless_imu_at_rest_reads_exactly_gravity():
    performance = stand_still()
    t = np.arange(1.0, 2.0, 0.01)
    reading = true_motion(performance, wrist_mount(performance), t)
    np.testing.assert_allclose(np.linalg.norm(reading[:, :3], axis=1), GRAVITY, atol=1e-6)
    np.testing.assert_allclose(reading[:, 3:], 0.0, atol=1e-9)


@pytest.mark.parametrize('activity', ['waving', 'sweeping', 'squatting'])
def test_gyro_integrates_to_the_rotation_of_the_arm(activity):
    performance = perform(activity)
    mount = wrist_mount(performance)
    step = 0.002
    t = np.arange(2.0, 4.0, step)
    rate = true_motion(performance, mount, t)[:, 3:]
    angles = np.linalg.norm(rate, axis=1) * step
    axes = rate / np.maximum(np.linalg.norm(rate, axis=1, keepdims=True), 1e-12)
    turned = np.eye(3)
    for increment in about_axis(axes, angles):
        turned = turned @ increment
    _, rotation = mount.place(performance.pose(np.array([t[0], t[-1] + step]) - step / 2))
    error = rotation_vector(turned.T @ rotation[0].T @ rotation[1])
    assert np.linalg.norm(error) < 0.02
    assert angles.sum() > 0.5


def test_specific_force_integrates_to_the_path_of_the_arm():
    performance = perform('sweeping')
    mount = wrist_mount(performance)
    step = 0.002
    t = np.arange(2.0, 4.0, step)
    force = true_motion(performance, mount, t)[:, :3]
    place, rotation = mount.place(performance.pose(t))
    acceleration = turn(rotation, force) - [0.0, 0.0, GRAVITY]
    velocity = (place[1] - place[0]) / step + step * np.cumsum(acceleration, axis=0)
    path = place[0] + step * np.cumsum(velocity, axis=0)
    assert np.linalg.norm(place[-1] - place[0]) < np.ptp(place, axis=0).sum()
    np.testing.assert_allclose(path, place, atol=0.03)


def test_turning_on_the_spot_is_read_about_the_vertical_axis():
    def spin(t, channels):
        channels[:, channel('heading')] = 1.5 * t

    performance = stand_still(move=spin)
    t = np.arange(1.0, 2.0, 0.01)
    reading = true_motion(performance, thigh_mount(performance), t)
    # The thigh hangs along x, but for its small flexion and spread.
    assert reading[:, 3] == pytest.approx(-1.5, abs=0.02)


def test_wrist_imu_of_a_left_hander_reads_mirrored():
    right = perform('sweeping')
    left = replace(right, person=replace(right.person, left_handed=True))
    t = np.arange(2.0, 5.0, 0.01)
    upright = replace_heading(right), replace_heading(left)
    seen = true_motion(upright[0], wrist_mount(upright[0]), t)
    mirrored = true_motion(upright[1], wrist_mount(upright[1]), t)
    # y is what changes sides; angular rates are pseudovectors and change elsewhere.
    np.testing.assert_allclose(mirrored, seen * [1, -1, 1, -1, 1, -1], atol=1e-4)


def replace_heading(performance):
    """Keep the person in place: a path through the room is not mirrored with the body."""
    motion = performance.motions[0]

    def posture(t):
        channels = motion.posture(t)
        for name in ('east', 'north', 'heading'):
            channels[:, channel(name)] = 0.0
        return channels

    return replace(performance, motions=(replace(motion, posture=posture),))


def test_hammer_blows_jolt_the_wrist_and_not_the_thigh():
    performance = perform('hammering')
    blows = np.array([sound.time for sound in performance.sounds])
    t = np.sort(np.concatenate([blows + 0.011, blows - 0.03]))
    wrist = true_motion(performance, wrist_mount(performance), t)[:, :3]
    quiet = replace(performance, motions=(replace(performance.motions[0], jolts=()),))
    without = true_motion(quiet, wrist_mount(quiet), t)[:, :3]
    difference = np.linalg.norm(wrist - without, axis=1)
    assert (difference[1::2] > 5.0).all()
    thigh = true_motion(performance, thigh_mount(performance), t)
    np.testing.assert_allclose(thigh, true_motion(quiet, thigh_mount(quiet), t))


def test_stamps_follow_the_rate_with_a_little_jitter():
    stamps, _ = read(stand_still(), 'imu_wrist')
    assert len(stamps) == 800
    steps = np.diff(stamps)
    assert (steps > 0).all()
    assert np.median(steps) == pytest.approx(10_000_000, rel=0.02)
    assert 50_000 < steps.std() < 1_000_000


def test_orientation_is_declared_unknown_and_noise_is_stated():
    _, fields = read(stand_still(), 'imu_thigh')
    assert (fields[:, 4] == -1.0).all()
    assert fields[0, 16] == pytest.approx(GYRO_NOISE**2)
    assert fields[0, 28] == pytest.approx(ACCELEROMETER_NOISE**2)


def test_person_s_own_mounting_turns_the_reading():
    tilt = about_axis(np.array([[1.0, 0.0, 0.0]]), np.array([np.pi / 2]))[0]
    straight, slipped = stand_still(), stand_still(person=plain_person(wrist_mount=tilt))
    t = np.array([1.0])
    before = true_motion(straight, wrist_mount(straight), t)[0, :3]
    after = true_motion(slipped, wrist_mount(slipped), t)[0, :3]
    np.testing.assert_allclose(after, tilt.T @ before, atol=1e-6)

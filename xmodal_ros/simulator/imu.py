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

"""What the IMUs on the dominant wrist and thigh measure: the body's own motion, differentiated."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.simulator.body import Pose, thigh_sensor_frame, wrist_sensor_frame
from xmodal_ros.simulator.clock import sample_times, SensorClock
from xmodal_ros.simulator.motion import Site
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.person import subject_rng
from xmodal_ros.simulator.rhythm import Wobble
from xmodal_ros.simulator.rotations import about_z, FloatArray, rotation_vector, turn

IMU_RATE_HZ: Final = 100.0
GRAVITY: Final = 9.80665
# Differences over this step blur the signal like the sensor's own 100 Hz low-pass filter.
_STEP_S: Final = 0.005
_CHUNK_S: Final = 20.0

# An ordinary phone-grade part: noise densities at this rate, and what is left after calibration.
ACCELEROMETER_NOISE: Final = 0.04
GYRO_NOISE: Final = 0.004
_ACCELEROMETER_BIAS: Final = 0.10
_GYRO_BIAS: Final = 0.015
_SCALE_ERROR: Final = 0.01
_DRIFT: Final = 0.2
_ACCELEROMETER_RANGE: Final = 16 * GRAVITY
_GYRO_RANGE: Final = np.radians(2000.0)
_ACCELEROMETER_STEP: Final = _ACCELEROMETER_RANGE / 32768
_GYRO_STEP: Final = _GYRO_RANGE / 32768

# A jolt rings through flesh and strap: frequency, decay, and the turning that comes with it.
_RING_HZ: Final = 22.0
_RING_DECAY_S: Final = 0.028
_RING_LENGTH_S: Final = 0.2
_TURN_PER_ACCELERATION: Final = 0.02

_COVARIANCE: Final = np.eye(3).ravel()


@dataclass(frozen=True, eq=False)
class Mount:
    """Where a sensor sits: its position (T, 3) and rotation (T, 3, 3) for a pose."""

    site: Site
    place: Callable[[Pose], tuple[FloatArray, FloatArray]]


def wrist_mount(performance: Performance) -> Mount:
    """Place the IMU on the back of the dominant forearm, just above the wrist."""
    frame = wrist_sensor_frame(performance.person)

    def place(pose: Pose) -> tuple[FloatArray, FloatArray]:
        elbow, wrist = pose.joints['d_elbow'], pose.joints['d_wrist']
        rotation = pose.forearm @ frame
        return elbow + 0.9 * (wrist - elbow) + 0.02 * rotation[..., 2], rotation

    return Mount('wrist', place)


def thigh_mount(performance: Performance) -> Mount:
    """Place the IMU on the front of the dominant thigh, a little above its middle."""
    frame = thigh_sensor_frame(performance.person)

    def place(pose: Pose) -> tuple[FloatArray, FloatArray]:
        hip, knee = pose.joints['d_hip'], pose.joints['d_knee']
        rotation = pose.thigh @ frame
        return hip + 0.45 * (knee - hip) + 0.07 * rotation[..., 2], rotation

    return Mount('thigh', place)


def true_motion(performance: Performance, mount: Mount, t: FloatArray) -> FloatArray:
    """Give the noiseless reading (T, 6): specific force (m/s²) and angular rate (rad/s).

    The specific force is acceleration minus gravity, in the sensor's frame: +g upwards at rest.
    """
    before, rotation_before = mount.place(performance.pose(t - _STEP_S))
    now_pose = performance.pose(t)
    now, rotation = mount.place(now_pose)
    after, rotation_after = mount.place(performance.pose(t + _STEP_S))
    acceleration = (after - 2 * now + before) / _STEP_S**2
    acceleration[:, 2] += GRAVITY
    ringing = _ringing(performance, mount.site, t, now_pose.heading)
    to_sensor = np.swapaxes(rotation, -1, -2)
    force = turn(to_sensor, acceleration + ringing)
    turned = np.swapaxes(rotation_before, -1, -2) @ rotation_after
    rate = rotation_vector(turned) / (2 * _STEP_S)
    # A knock that pushes along one axis twists the strap about the next.
    rate += _TURN_PER_ACCELERATION * np.roll(turn(to_sensor, ringing), 1, axis=1)
    return np.concatenate([force, rate], axis=1)


def _ringing(
    performance: Performance, site: Site, t: FloatArray, heading: FloatArray
) -> FloatArray:
    """Sum the jolts that this site still feels at ``t`` (ascending): (T, 3) m/s² in the world."""
    felt = np.zeros((len(t), 3))
    outward = 1.0 if performance.person.left_handed else -1.0
    jolts = performance.jolts
    recent = bisect_left(jolts, t[0] - _RING_LENGTH_S, key=lambda jolt: jolt.time)
    for jolt in jolts[recent : bisect_left(jolts, t[-1], key=lambda jolt: jolt.time)]:
        if jolt.site != site:
            continue
        first, last = np.searchsorted(t, [jolt.time, jolt.time + _RING_LENGTH_S])
        since = t[first:last] - jolt.time
        wave = np.exp(-since / _RING_DECAY_S) * np.sin(2 * np.pi * _RING_HZ * since)
        forward, aside, up = jolt.acceleration
        felt[first:last] += wave[:, None] * [forward, outward * aside, up]
    return turn(about_z(heading), felt)


class ImuSensor:
    """One IMU with its own bias, scale error, noise and clock."""

    def __init__(
        self, performance: Performance, mount: Mount, clock: SensorClock, seed_purpose: str
    ) -> None:
        person = performance.person
        rng = subject_rng(person.seed, person.index, seed_purpose)
        sizes = np.repeat([_ACCELEROMETER_BIAS, _GYRO_BIAS], 3)
        self._performance, self._mount, self._clock, self._rng = performance, mount, clock, rng
        self._bias = sizes * rng.normal(size=6)
        self._drift = [Wobble.draw(rng, 0.002, 0.01) for _ in range(6)]
        self._drift_size = _DRIFT * sizes
        self._scale = 1.0 + _SCALE_ERROR * rng.normal(size=6)

    def readings(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Yield (stamp_ns, received_ns, the 37 numbers of a sensor_msgs/Imu) in order."""
        fields = np.zeros(37)
        # No orientation estimate, as REP 145 says it.
        fields[4] = -1.0
        fields[16:25] = GYRO_NOISE**2 * _COVARIANCE
        fields[28:37] = ACCELEROMETER_NOISE**2 * _COVARIANCE
        for t in sample_times(self._performance.duration, IMU_RATE_HZ, _CHUNK_S):
            measured = self._measure(t)
            stamps, received = self._clock.stamp(t, self._rng)
            for stamp_ns, received_ns, row in zip(stamps, received, measured, strict=True):
                fields[25:28], fields[13:16] = row[:3], row[3:]
                yield int(stamp_ns), int(received_ns), fields

    def _measure(self, t: FloatArray) -> FloatArray:
        true = true_motion(self._performance, self._mount, t)
        drift = np.stack([wobble(t) for wobble in self._drift], axis=1)
        noise = self._rng.normal(size=true.shape)
        noise *= np.repeat([ACCELEROMETER_NOISE, GYRO_NOISE], 3)
        raw = self._scale * true + self._bias + self._drift_size * drift + noise
        limit = np.repeat([_ACCELEROMETER_RANGE, _GYRO_RANGE], 3)
        step = np.repeat([_ACCELEROMETER_STEP, _GYRO_STEP], 3)
        return np.asarray(step * np.round(np.clip(raw, -limit, limit) / step))

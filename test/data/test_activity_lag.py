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

"""Two sensors that sense the same activity tell how far their clocks are apart."""

import numpy as np
import pytest

from xmodal_ros.data.activity_lag import Energy, find_lag

RATE = 50
SECOND = 10**9


def energy(times_s, acceleration, offset_s=0.0) -> Energy:
    """The change of acceleration in steps of 20 ms, as the cache's streams give it."""
    change = np.abs(np.diff(np.asarray(acceleration, float), axis=0)).sum(axis=1)
    slots = ((np.asarray(times_s)[1:] - times_s[0]) * RATE).astype(int)
    number = np.bincount(slots)
    total = np.bincount(slots, change)
    with np.errstate(invalid='ignore'):
        values = np.log1p(total / np.where(number > 0, number, np.nan))
    return Energy(round((times_s[0] + offset_s) * SECOND), RATE, values)


def activity(minutes: float, seed: int):
    """Bursts of motion at odd times, as two sensors with noise of their own sense them."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, minutes * 60, 0.01)
    knots = np.arange(0, minutes * 60 + 1, 0.3)
    strength = np.interp(times, knots, rng.gamma(0.5, 1, len(knots)))
    pair = [strength[:, None] * rng.normal(size=(len(times), 3)) for _ in range(2)]
    return times, [each + 0.2 * rng.normal(size=each.shape) for each in pair]


@pytest.mark.parametrize('offset_s', [0.0, -3.21, 7.5])
def test_an_offset_is_found_to_half_a_step(offset_s):
    times, (first, second) = activity(3, 1)
    lag = find_lag(energy(times, first), energy(times, second, offset_s), 10.0)
    assert lag is not None
    assert lag.certain
    assert lag.fit.offset_s == pytest.approx(-offset_s, abs=0.02)


def test_drift_is_found_in_half_an_hour():
    times, (first, second) = activity(30, 2)
    lag = find_lag(energy(times, first), energy(times * (1 + 200e-6), second), 10.0)
    assert lag is not None
    assert lag.fit.drift_ppm == pytest.approx(-200, abs=10)


def test_sensors_that_sense_nothing_in_common_show_no_lag_for_certain():
    times, (first, _) = activity(3, 3)
    _, (_, other) = activity(3, 4)
    lag = find_lag(energy(times, first), energy(times, other), 10.0)
    assert lag is None or not lag.certain
    assert find_lag(energy(times, first), energy(times, other, 3600.0), 10.0) is None


def test_a_sensor_that_measured_nothing_shows_no_lag():
    times, (first, _) = activity(1, 5)
    sensed = energy(times, first)
    nothing = Energy(sensed.start_ns, RATE, np.full(len(sensed.values), np.nan))
    for pair in ((sensed, nothing), (nothing, sensed)):
        lag = find_lag(*pair, 10.0)
        assert lag is None or not lag.certain


def test_a_phone_and_a_watch_are_aligned_to_the_twentieth_of_a_second(shared_data):
    """sp-sw-har: independent clocks, on both of which every change of activity is labelled.

    Each subject's executions of about 12 s follow each other, the watch moved by an offset of
    ours. The labels, which agree to about 0.01 s, say what is to be found.
    """
    with np.load(shared_data / 'sp_sw_har' / 'sp_sw_har.npz') as file:
        data = dict(file)
    subject = data['key'][:, 0]
    errors = []
    for person in np.unique(subject)[:8]:
        offset_s = float(person) / 8 - 1.3
        ends = {'sp': 0.0, 'sw': 0.0}
        times: dict[str, list] = {'sp': [], 'sw': []}
        values: dict[str, list] = {'sp': [], 'sw': []}
        labelled: list[float] = []
        begun = 0.0
        for run in np.flatnonzero(subject == person):
            changes = []
            for device in ends:
                length = data[f'{device}_len']
                rows = slice(length[:run].sum(), length[: run + 1].sum())
                at = data[f'{device}_t_ms'][rows] / 1000
                label = data[f'{device}_label'][rows]
                changes.append(at[1:][label[1:] != label[:-1]])
                times[device].append(at + begun)
                values[device].append(data[f'{device}_x'][rows, :3])
                ends[device] = begun + float(at[-1])
            if len(changes[0]) == len(changes[1]):
                labelled += (changes[0] - changes[1]).tolist()
            begun = max(ends.values()) + 2
        phone, watch = (
            energy(np.concatenate(times[device]), np.concatenate(values[device]))
            for device in ends
        )
        shifted = Energy(watch.start_ns + round(offset_s * SECOND), RATE, watch.values)
        lag = find_lag(phone, shifted, 4.0)
        assert lag is not None
        errors.append(lag.fit.offset_s - (float(np.median(labelled)) - offset_s))
    assert np.median(np.abs(errors)) < 0.02
    assert np.abs(errors).max() < 0.06

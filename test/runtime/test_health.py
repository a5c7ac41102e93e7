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

"""What a classifier says of itself."""

from dataclasses import replace

import pytest

from xmodal_ros.modalities.checks import Problem
from xmodal_ros.runtime import health
from xmodal_ros.runtime.health import Connection, Counters, HealthMonitor, Level
from xmodal_ros.runtime.latency import LatencyFigures

SECOND = 1_000_000_000
FINE = Connection('/imu', 'sensor_msgs/msg/Imu', 'reliable', inputs=1, outputs=2)


class Clock:
    def __init__(self) -> None:
        self.now = 50 * SECOND

    def __call__(self) -> int:
        return self.now


def test_all_is_well_shows_rate_age_and_every_count() -> None:
    clock = Clock()
    monitor = HealthMonitor(clock)
    clock.now += 2 * SECOND
    counters = Counters(
        received=200,
        resets=1,
        windows=4,
        unknown=2,
        pending=1,
        coverage=0.987,
        latency=LatencyFigures(4, 7.25, 11.0),
        newest_ns=clock.now - SECOND // 2,
        label='walk (0.93)',
    )
    report = monitor.active(counters, FINE, {'model': '/models/imu', 'device': 'cpu'})
    assert (report.level, report.message) == ('ok', 'walk (0.93)')
    assert dict(report.values) == {
        'state': 'active',
        'topic': '/imu',
        'type': 'sensor_msgs/msg/Imu',
        'reliability': 'reliable',
        'publishers matched': '1',
        'subscribers matched': '2',
        'rate': '100.0 Hz',
        'age of the newest message': '0.50 s',
        'messages received': '200',
        'resets, time jumped': '1',
        'windows classified': '4',
        'windows unknown': '2',
        'windows waiting': '1',
        'windows dropped, the queue was full': '0',
        'failures inside the node': '0',
        'coverage of the last window': '0.99',
        'latency p50': '7.2 ms',
        'latency p95': '11.0 ms',
        'model': '/models/imu',
        'device': 'cpu',
    }


NOTE = Problem('note', 'no-gyro', 'no gyro', 'leave it out')
DOUBT = Problem('warning', 'gravity', '1.0', 'set the driver to m/s²')
GRAVE = Problem('error', 'units', '3.0', 'train again')
GOOD = Counters(received=100, newest_ns=51 * SECOND)


@pytest.mark.parametrize(
    ('counters', 'connection', 'level', 'words'),
    [
        (GOOD, replace(FINE, problem='nobody publishes'), 'error', 'nobody publishes'),
        (replace(GOOD, newest_ns=47 * SECOND), FINE, 'warning', 'newest message: 4.00 s'),
        (
            replace(GOOD, drops={'no_gyro': 100}, complaint='has no gyro: train again'),
            FINE,
            'error',
            'no message on /imu can be used: has no gyro: train again',
        ),
        (
            replace(GOOD, drops={'not_finite': 3, 'late': 2}),
            FINE,
            'warning',
            '5 messages on /imu not used: older than the newest one, NaN or infinite values',
        ),
        (replace(GOOD, queue_drops=6), FINE, 'warning', '6 windows dropped'),
        (
            replace(GOOD, failures=1, failure="on a message: ValueError('x')"),
            FINE,
            'error',
            "failed inside the node: on a message: ValueError('x')",
        ),
        (GOOD, FINE, 'ok', 'the first window is not full yet'),
        (
            GOOD,
            replace(FINE, doubts=(NOTE, DOUBT)),
            'warning',
            '/imu: 1.0: set the driver to m/s²',
        ),
        (GOOD, replace(FINE, doubts=(DOUBT, GRAVE)), 'error', '/imu: 3.0: train again'),
        (GOOD, replace(FINE, doubts=(NOTE,)), 'ok', 'the first window is not full yet'),
    ],
)
def test_what_is_wrong_is_said_in_words(
    counters: Counters, connection: Connection, level: Level, words: str
) -> None:
    clock = Clock()
    monitor = HealthMonitor(clock)
    clock.now += SECOND
    report = monitor.active(counters, connection, {})
    assert report.level == level
    assert words in report.message


def test_silence_is_told_when_a_message_could_have_come() -> None:
    clock = Clock()
    monitor = HealthMonitor(clock)
    silent = replace(GOOD, newest_ns=None)
    for _ in range(2):
        # After a rest it has as much time as at first.
        assert monitor.active(silent, FINE, {}).level == 'ok'
        clock.now += 3 * SECOND
        report = monitor.active(silent, FINE, {})
        assert report.level == 'warning'
        assert 'newest message: never' in report.message
        monitor.idle('inactive', '', {})


def test_every_doubt_about_the_data_is_a_value_of_its_own() -> None:
    report = HealthMonitor(Clock()).active(GOOD, replace(FINE, doubts=(NOTE, DOUBT)), {})
    values = dict(report.values)
    assert values[health.DOUBT + 'no-gyro'] == 'no gyro'
    assert values[health.DOUBT + 'gravity'] == '1.0'


def test_what_is_over_is_not_said_again() -> None:
    clock = Clock()
    monitor = HealthMonitor(clock)
    bad = replace(GOOD, drops={'late': 7}, queue_drops=2, failures=3)
    clock.now += SECOND
    assert monitor.active(bad, FINE, {}).level == 'error'
    clock.now += SECOND
    later = replace(bad, received=200, newest_ns=clock.now)
    report = monitor.active(later, FINE, {})
    assert report.level == 'ok'
    assert dict(report.values)[health.DROPPED + 'older than the newest one'] == '7'


def test_a_node_that_is_not_active_says_why() -> None:
    monitor = HealthMonitor(Clock())
    report = monitor.idle('unconfigured', 'cannot configure: no bundle', {'model': ''})
    assert (report.level, report.message) == (
        'error',
        'unconfigured: cannot configure: no bundle',
    )
    assert monitor.idle('inactive', '', {}).level == 'ok'


def test_stamps_that_jump_to_and_fro_are_a_warning_though_labels_were_fine() -> None:
    clock = Clock()
    monitor = HealthMonitor(clock)
    counters = Counters(received=100, resets=1, newest_ns=clock.now, label='walk (0.9)')
    assert monitor.active(counters, FINE, {}).level == 'ok'
    clock.now += SECOND
    later = replace(counters, received=200, resets=180, newest_ns=clock.now)
    report = monitor.active(later, FINE, {})
    assert report.level == 'warning'
    assert 'jump back and forth (179 times' in report.message

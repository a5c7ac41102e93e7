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

"""When recorded messages are due."""

from xmodal_ros.runtime.pacing import Pace

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 7 * SECOND

    def __call__(self) -> int:
        return self.now


def test_the_first_message_is_due_at_once_and_the_others_at_the_rate() -> None:
    clock = Clock()
    pace = Pace(2.0, clock)
    assert pace.wait_ns(100 * SECOND) == 0
    assert pace.wait_ns(104 * SECOND) == 2 * SECOND
    clock.now += 3 * SECOND
    assert pace.wait_ns(104 * SECOND) == 0
    assert pace.recorded_ns() == 106 * SECOND


def test_nothing_is_waited_for_at_rate_zero() -> None:
    pace = Pace(0.0, Clock())
    assert [pace.wait_ns(t * SECOND) for t in (5, 5000, 1)] == [0, 0, 0]
    assert pace.recorded_ns() is None


def test_time_stands_still_while_paused() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    assert pace.wait_ns(0) == 0
    clock.now += SECOND
    pace.pause()
    clock.now += 50 * SECOND
    pace.pause()
    assert pace.wait_ns(3 * SECOND) is None
    assert pace.recorded_ns() == SECOND
    pace.resume()
    pace.resume()
    assert pace.wait_ns(3 * SECOND) == 2 * SECOND


def test_it_says_whether_it_is_paused() -> None:
    assert Pace(1.0, Clock(), paused=True).paused
    assert not Pace(1.0, Clock()).paused


def test_started_paused_the_first_message_waits() -> None:
    clock = Clock()
    pace = Pace(1.0, clock, paused=True)
    assert pace.wait_ns(10 * SECOND) is None
    clock.now += 9 * SECOND
    pace.resume()
    assert pace.wait_ns(10 * SECOND) == 0
    assert pace.wait_ns(11 * SECOND) == SECOND


def test_another_round_begins_at_once() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.wait_ns(0)
    clock.now += 100 * SECOND
    pace.restart()
    assert pace.wait_ns(0) == 0
    assert pace.wait_ns(SECOND) == SECOND

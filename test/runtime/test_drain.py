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

"""A drain wakes when there is something to do, and rarely."""

import itertools
import threading

import pytest

from test.waiting import PATIENCE_S
from xmodal_ros.runtime.drain import DrainThread, LONGEST_S, Pauses


def simulate(rate_hz: float, seconds: float, hop_s: float, reserve: int = 125) -> list[float]:
    """Give when a drain of a steady stream looked, messages being there at once."""
    pauses, looked, now_s = Pauses(reserve), [0.0], 0.0
    pause_s = pauses.after(1, 1.0, None)
    while now_s < seconds:
        # The next message, or the pause.
        step_s = pause_s or (1 - now_s * rate_hz % 1) / rate_hz
        before, now_s = now_s, now_s + step_s
        taken = int(now_s * rate_hz + 1e-9) - int(before * rate_hz + 1e-9)
        looked.append(now_s)
        pause_s = pauses.after(taken, step_s, hop_s - now_s % hop_s)
    return looked


def test_a_steady_sensor_is_looked_at_a_few_times_a_hop() -> None:
    looked = simulate(200, 20, 0.5)
    assert len(looked) < 20 * 10
    assert max(b - a for a, b in itertools.pairwise(looked)) <= LONGEST_S + 0.01


def test_a_queue_does_not_fill_between_two_looks() -> None:
    looked = simulate(4000, 5, 0.5)
    assert max(b - a for a, b in itertools.pairwise(looked)) * 4000 < 250


@pytest.mark.parametrize(
    ('taken', 'elapsed_s', 'remaining_s'), [(0, 0.5, 0.3), (3, 0.1, None), (3, 0.1, -0.01)]
)
def test_the_next_message_is_waited_for_where_nothing_else_is_known(
    taken: int, elapsed_s: float, remaining_s: float | None
) -> None:
    assert Pauses(100).after(taken, elapsed_s, remaining_s) == 0


def test_after_silence_pauses_are_short_again() -> None:
    pauses = Pauses(1000)
    steady = [pauses.after(10, 0.05, 10) for _ in range(10)]
    assert steady[0] < steady[1] < steady[-1] == LONGEST_S
    assert pauses.after(1, 60, 10) == 0
    assert pauses.after(1, 0.005, 10) == steady[0]


def test_a_thread_drains_as_messages_come_and_stops() -> None:
    there, done = threading.Semaphore(0), threading.Semaphore(0)
    told: list[int] = []

    def take() -> int:
        told.append(1)
        done.release()
        return 1

    thread = DrainThread(
        'intake',
        Pauses(100),
        take=take,
        remaining_s=lambda: None,
        wait=lambda _patience_s: there.acquire(timeout=PATIENCE_S),
        wake=there.release,
    )
    for _ in range(3):
        there.release()
        assert done.acquire(timeout=PATIENCE_S)
    thread.stop()
    assert len(told) == 3


def test_nobody_wakes_before_the_next_message_of_a_slow_sensor_can_come() -> None:
    rate_hz, seconds = 30, 20
    looked = simulate(rate_hz, seconds, 0.5, reserve=3)
    assert len(looked) < 0.5 * rate_hz * seconds
    assert max(b - a for a, b in itertools.pairwise(looked)) * rate_hz < 4.1


def test_where_nothing_may_come_meanwhile_each_message_is_taken_as_it_comes() -> None:
    looked = simulate(30, 20, 0.5, reserve=0)
    assert max(b - a for a, b in itertools.pairwise(looked)) * 30 < 1.01


def test_a_pause_in_which_nothing_can_come_is_none() -> None:
    # The first one is 20 ms long.
    assert Pauses(100).after(1, 0.03, 10) == 0
    assert Pauses(100).after(2, 0.03, 10) > 0

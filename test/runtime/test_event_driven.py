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

"""Work is done when there is some, and the thread ends when it is told to."""

import threading

from test.waiting import PATIENCE_S
from xmodal_ros.runtime.event_driven import EventThread


class Bell:
    """Something to wait for whose ringing lasts until somebody waits, as a source's does."""

    def __init__(self) -> None:
        self._rings = threading.Semaphore(0)
        self.patience_s: list[float] = []

    def wait(self, patience_s: float) -> bool:
        self.patience_s.append(patience_s)
        # However long the thread would wait: no test may pass because time was up.
        return self._rings.acquire(timeout=PATIENCE_S)

    def ring(self) -> None:
        self._rings.release()


def test_work_follows_every_event_in_one_thread() -> None:
    bell = Bell()
    worked: list[str] = []
    done = threading.Semaphore(0)

    def work() -> None:
        worked.append(threading.current_thread().name)
        done.release()

    thread = EventThread('intake', wait=bell.wait, work=work, wake=bell.ring)
    for _ in range(3):
        bell.ring()
        assert done.acquire(timeout=PATIENCE_S)
    thread.stop()
    assert worked == ['intake'] * 3
    assert set(bell.patience_s) == {0.5}


def test_a_wait_in_vain_is_followed_by_work_all_the_same() -> None:
    worked = threading.Event()
    thread = EventThread('intake', wait=lambda _: False, work=worked.set, wake=lambda: None)
    assert worked.wait(PATIENCE_S)
    thread.stop()


def test_stopping_waits_until_the_work_is_over_and_begins_no_more() -> None:
    bell = Bell()
    begun, allowed, over = threading.Event(), threading.Event(), threading.Event()
    woken = threading.Event()
    count = 0

    def work() -> None:
        nonlocal count
        count += 1
        begun.set()
        assert allowed.wait(PATIENCE_S)
        over.set()

    def wake() -> None:
        bell.ring()
        woken.set()

    thread = EventThread('intake', wait=bell.wait, work=work, wake=wake)
    bell.ring()
    assert begun.wait(PATIENCE_S)
    stopper = threading.Thread(target=thread.stop)
    stopper.start()
    assert woken.wait(PATIENCE_S)
    bell.ring()
    assert stopper.is_alive()
    allowed.set()
    stopper.join(PATIENCE_S)
    assert not stopper.is_alive()
    assert over.is_set()
    assert count == 1

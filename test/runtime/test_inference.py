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

"""The inference thread and its bounded queues."""

from collections.abc import Callable, Iterator
import threading

import pytest

from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.runtime.inference import InferenceThread


@pytest.fixture
def inference() -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.close()


class Gate:
    """Work that stands still until the gate is opened."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, item: int) -> None:
        self.entered.set()
        assert self.opened.wait(PATIENCE_S)
        self.done.append(item)


def refuse(error: Exception) -> None:
    raise AssertionError from error


def test_items_are_worked_on_in_order(inference: InferenceThread) -> None:
    done: list[int] = []
    queue = inference.queue(1000, done.append, refuse)
    for k in range(100):
        queue.submit([3 * k, 3 * k + 1, 3 * k + 2])
    assert queue.finish(PATIENCE_S)
    assert done == list(range(300))
    assert queue.dropped == 0


def test_a_full_queue_drops_its_oldest_burst_and_counts_items(
    inference: InferenceThread,
) -> None:
    gate = Gate()
    queue = inference.queue(2, gate, refuse)
    queue.submit([0])
    assert gate.entered.wait(PATIENCE_S)
    for burst in ([1, 2, 3], [4], [5], [6]):
        queue.submit(burst)
    assert queue.dropped == 4
    assert queue.pending == 3
    gate.opened.set()
    assert queue.finish(PATIENCE_S)
    assert gate.done == [0, 5, 6]
    assert queue.pending == 0


def test_a_failure_is_told_and_ends_nothing(inference: InferenceThread) -> None:
    told: list[str] = []
    right: dict[int, Callable[[], None]] = {0: lambda: None, 1: lambda: None}

    def work(item: int) -> None:
        right[item]()

    queue = inference.queue(10, work, lambda error: told.append(type(error).__name__))
    queue.submit([0, 7, 1])
    queue.submit([8])
    assert queue.finish(PATIENCE_S)
    assert told == ['KeyError', 'KeyError']


def test_no_lane_waits_for_another_to_be_empty(inference: InferenceThread) -> None:
    gate, order = Gate(), list[str]()
    first = inference.queue(100, gate, refuse)
    second = inference.queue(100, order.append, refuse)
    first.submit([0])
    assert gate.entered.wait(PATIENCE_S)
    for k in range(1, 50):
        first.submit([k])
    second.submit(['here'])
    seen: list[int] = []

    def look(_: int) -> None:
        seen.append(len(gate.done))

    third = inference.queue(1, look, refuse)
    third.submit([0])
    gate.opened.set()
    assert third.finish(PATIENCE_S)
    assert order == ['here']
    # One burst of each queue at a time: the first one was far from done.
    assert seen[0] <= 3


def test_a_closed_lane_works_on_nothing_more(inference: InferenceThread) -> None:
    gate = Gate()
    queue = inference.queue(10, gate, refuse)
    queue.submit([0, 1, 2])
    queue.submit([3])
    assert gate.entered.wait(PATIENCE_S)
    closer = threading.Thread(target=queue.close)
    closer.start()
    poll_for(lambda: queue.closed, 'it does not begin to close')
    gate.opened.set()
    closer.join(PATIENCE_S)
    assert not closer.is_alive()
    queue.submit([4])
    assert queue.pending == 0
    assert gate.done == [0]


def test_waiting_for_the_end_of_stuck_work_is_bounded(inference: InferenceThread) -> None:
    gate = Gate()
    queue = inference.queue(10, gate, refuse)
    queue.submit([0])
    assert not queue.finish(0.01)
    gate.opened.set()
    assert queue.finish(PATIENCE_S)

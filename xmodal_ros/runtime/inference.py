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

"""One thread does the inference of a whole process; every classifier queues its windows to it.

One thread, because a second one would only fight over the same cores or the same GPU, and
because a decision then never depends on what else the process is doing.
"""

from collections import deque
from collections.abc import Callable, Sequence
import contextlib
import itertools
import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class InferenceThread:
    """Runs the work of its queues, one burst of each queue in turn, until it is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: list[WorkQueue[object]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def queue(
        self,
        capacity: int,
        work: Callable[[T], None],
        refused: Callable[[Exception], None],
        together: Callable[[Sequence[T]], None] | None = None,
    ) -> 'WorkQueue[T]':
        """Add a queue of at most ``capacity`` bursts whose items are given to ``work``.

        ``refused`` is told of an exception that ``work`` raised; the thread goes on. Where
        ``together`` is given all bursts that wait are worked on at once, and before each of their
        items it is called with those of all queues that were given the same. Should it fail, every
        item is worked on as if it had not been called.
        """
        queue = WorkQueue(self._changed, capacity, work, refused, together)
        with self._changed:
            self._queues.append(queue)  # type: ignore[arg-type]  # queues differ in their items only
        return queue

    def close(self) -> None:
        """Stop after the item being worked on; what waits is discarded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or any(map(WorkQueue.waits, self._queues))
                )
                if self._closed:
                    return
                self._queues = [queue for queue in self._queues if not queue.closed]
                bursts = [(queue, queue.take()) for queue in self._queues if queue.waits()]
            self._work_together(bursts)
            for queue, burst in bursts:
                queue.work_on(burst)

    def _work_together(
        self, bursts: Sequence[tuple['WorkQueue[object]', Sequence[object]]]
    ) -> None:
        items: dict[Callable[[Sequence[object]], None], list[object]] = {}
        for queue, burst in bursts:
            if queue.together is not None:
                items.setdefault(queue.together, []).extend(burst)
        for together, several in items.items():
            # What is wrong with one of them is told when its turn comes.
            with contextlib.suppress(Exception):
                together(several)


class WorkQueue(Generic[T]):
    """A classifier's place in the queue: bounded, the oldest burst dropped and counted.

    A burst is what became due at once, usually one window. A gap in a stream releases many
    windows at one sample; as one burst they cannot crowd each other out.
    """

    def __init__(
        self,
        changed: threading.Condition,
        capacity: int,
        work: Callable[[T], None],
        refused: Callable[[Exception], None],
        together: Callable[[Sequence[T]], None] | None = None,
    ) -> None:
        self.together = together
        self._changed = changed
        self._capacity = capacity
        self._work = work
        self._refused = refused
        self._waiting: deque[Sequence[T]] = deque()
        self._working = 0
        self.dropped = 0
        self.closed = False

    def submit(self, burst: Sequence[T]) -> None:
        """Queue what became due; where the queue is full its oldest burst is dropped."""
        with self._changed:
            if self.closed:
                return
            if len(self._waiting) == self._capacity:
                self.dropped += len(self._waiting.popleft())
            self._waiting.append(burst)
            self._changed.notify_all()

    @property
    def pending(self) -> int:
        """Items that wait or are being worked on."""
        with self._changed:
            return self._working + sum(map(len, self._waiting))

    def finish(self, timeout_s: float) -> bool:
        """Wait until nothing is pending; gives False when that takes too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._working, timeout_s
            )

    def close(self) -> None:
        """Discard what waits, and return once no item is being worked on."""
        with self._changed:
            self.closed = True
            self._waiting.clear()
            self._changed.wait_for(lambda: not self._working)

    def waits(self) -> bool:
        """Tell whether a burst waits. For the thread, which holds the lock."""
        return bool(self._waiting)

    def take(self) -> Sequence[T]:
        """Take the oldest burst, or all of them. For the thread, which holds the lock."""
        burst = self._waiting.popleft()
        if self.together is not None:
            burst = [*burst, *itertools.chain.from_iterable(self._waiting)]
            self._waiting.clear()
        self._working = len(burst)
        return burst

    def work_on(self, burst: Sequence[T]) -> None:
        """Work on a burst taken, item by item. For the thread, without the lock."""
        for item in burst:
            if not self.closed:
                try:
                    self._work(item)
                except Exception as error:  # noqa: BLE001 - one window must not end them all
                    self._refused(error)
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

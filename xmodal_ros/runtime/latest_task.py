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

"""Slow work beside everything else, of which only the newest order counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading
from typing import Generic, TypeVar

T = TypeVar('T')


@dataclass(frozen=True, eq=False)
class TaskOutcome(Generic[T]):
    """What became of an order: its ``value``, or the ``error`` it ended with."""

    value: T | None
    error: Exception | None


class LatestTask(Generic[T]):
    """Carries out orders one after another in threads of their own.

    ``done`` is called, in such a thread, when there is an outcome to :meth:`collect`. Of orders
    that wait, all but the newest are forgotten, and so is the outcome of one that another has
    followed.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._changed = threading.Condition()
        self._waiting: Callable[[], T] | None = None
        self._outcome: TaskOutcome[T] | None = None
        self._number = 0
        self._busy = False

    def order(self, work: Callable[[], T]) -> None:
        """Let this be done; what was ordered before no longer counts."""
        with self._changed:
            self._number += 1
            self._outcome = None
            self._waiting = work
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._run, name='order', daemon=True).start()

    @property
    def pending(self) -> bool:
        """Whether an order counts whose outcome has not been collected."""
        with self._changed:
            return self._busy or self._outcome is not None

    def collect(self) -> TaskOutcome[T] | None:
        """Take the outcome of the newest order, once."""
        with self._changed:
            outcome, self._outcome = self._outcome, None
            return outcome

    def forget(self) -> None:
        """Let no order count any more, and return once none is being carried out."""
        with self._changed:
            self._number += 1
            self._waiting = self._outcome = None
            self._changed.wait_for(lambda: not self._busy)

    def _run(self) -> None:
        while True:
            with self._changed:
                work, self._waiting = self._waiting, None
                if work is None:
                    self._busy = False
                    self._changed.notify_all()
                    return
                number = self._number
            try:
                outcome: TaskOutcome[T] = TaskOutcome(work(), None)
            except Exception as error:  # noqa: BLE001 - whoever ordered is told
                outcome = TaskOutcome(None, error)
            del work
            with self._changed:
                counts = number == self._number
                if counts:
                    self._outcome = outcome
            del outcome
            if counts:
                self._done()

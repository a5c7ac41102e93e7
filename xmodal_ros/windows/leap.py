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

"""Stamps that leap: whether time does, or one stamp is wrong, the next one tells."""

from collections import Counter
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar('Item')


@dataclass(frozen=True)
class _Stamped(Generic[Item]):
    item: Item
    first_ns: int
    last_ns: int


class LeapGuard(Generic[Item]):
    """Hold back what leaps, ahead or back, until it is clear whether what follows goes on there.

    An item reaches from its stamp to ``last_ns``. One that begins more than ``reach_ns`` after the
    end of the one before, or before its beginning, waits for the next. Where that is nearer to the
    one before, the stamp was wrong: the item is dropped and counted (``leap``). A gap costs one
    item's delay so, and a wrong stamp no window.
    """

    def __init__(self, reach_ns: int, counts: Counter[str]) -> None:
        self._reach_ns = reach_ns
        self._counts = counts
        # From where to where the newest item that counts reaches.
        self._reached: tuple[int, int] | None = None
        self._held: _Stamped[Item] | None = None

    def reset(self) -> None:
        """Forget what came before; what is held back with it."""
        self._reached = self._held = None

    def admit(self, item: Item, first_ns: int, last_ns: int) -> list[Item]:
        """Take an item and give those that count now, in the order in which they came."""
        if self._held is None and self._distance(first_ns) <= self._reach_ns:
            self._reached = first_ns, last_ns
            return [item]
        given = []
        found, held = _Stamped(item, first_ns, last_ns), self._held
        if held is not None:
            self._held = None
            if self._distance(first_ns) < abs(first_ns - held.first_ns):
                self._counts['leap'] += 1
            else:
                self._reached = held.first_ns, held.last_ns
                given.append(held.item)
        if self._distance(first_ns) > self._reach_ns:
            self._held = found
        else:
            self._reached = first_ns, last_ns
            given.append(item)
        return given

    def pass_on(self, first_ns: int, last_ns: int) -> bool:
        """Let items pass that follow each other within reach, from a stamp to another.

        Gives False, and takes none, where the first of them would have to wait or one waits.
        """
        if self._held is not None or self._distance(first_ns) > self._reach_ns:
            return False
        self._reached = last_ns, last_ns
        return True

    def _distance(self, stamp_ns: int) -> int:
        """Give how far a stamp lies outside the newest item that counts."""
        if self._reached is None:
            return 0
        first_ns, last_ns = self._reached
        return max(stamp_ns - last_ns, first_ns - stamp_ns, 0)

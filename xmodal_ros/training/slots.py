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

"""What processes that train are at: memory that each writes and the first reads.

Nothing here loads torch, so that a process which begins can be ended at once.
"""

from collections.abc import Sequence
import json
import multiprocessing
from typing import Any, Final

SLOT_BYTES: Final = 1024

_context: Final = multiprocessing.get_context('spawn')
_taken: Sequence[Any] = ()


def make_slots(number: int) -> Sequence[Any]:
    """Make a slot for each of so many processes."""
    return [_context.RawArray('c', SLOT_BYTES) for _ in range(number)]


def take_slots(slots: Sequence[Any]) -> None:
    """Keep the slots of all, in a process that begins."""
    global _taken
    _taken = slots


def taken_slot(number: int) -> Any:
    """Give one of the slots that this process has taken."""
    return _taken[number]


def read_slot(slot: Any) -> dict[str, Any]:
    """Say what a process is at; nothing where it has not begun, or is just writing."""
    try:
        state: dict[str, Any] = json.loads(slot.value)
    except ValueError:
        return {}
    return state

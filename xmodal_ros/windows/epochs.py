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

"""Stamps that begin anew within a recording: which are of one time, and where the others belong.

A driver that restarts its counter, a device whose counter wraps, or a simulation that was started
twice while it was recorded, gives stamps twice. Nothing may be joined by such a stamp alone; when
messages were received tells which of the two it is.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Stamps = Sequence[int] | NDArray[np.int64]

# Stamps that go back by more, or come so much before they could, are of another time.
_JUMP_NS: Final = 1_000_000_000
# What comes in a burst after a stall leaps by less.
_LEAP_NS: Final = 10_000_000_000
# One change that goes back is late; several in a row are of another time.
_FEWEST: Final = 2


def in_one_time(stamps_ns: Stamps, received_ns: Stamps, step_ns: int = 1) -> NDArray[np.int64]:
    """Give stamps (N,) in the time of that epoch which is nearest to the times of receipt.

    The stamps are in order of receipt, and as they are where time runs on. A new epoch begins
    where one is before that of the one before it, leaps ahead though its message came soon, or is
    received before its time. Its stamps are moved, by a multiple of ``step_ns``, to where they
    follow as its messages followed; of each epoch the least delay counts.
    """
    stamps: NDArray[np.int64] = np.array(stamps_ns, dtype=np.int64)
    received: NDArray[np.int64] = np.array(received_ns, dtype=np.int64)
    starts, least = _epochs(stamps, received)
    if len(starts) < 2:
        return stamps
    base = min(least, key=abs)
    moved = [round((each - base) / step_ns) * step_ns for each in least]
    placed: NDArray[np.int64] = stamps + np.repeat(moved, np.diff([*starts, len(stamps)]))
    return placed


def _epochs(stamps: NDArray[np.int64], received: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Give where epochs start, and the least delay of each."""
    starts: list[int] = []
    least: list[int] = []
    newest = last = 0
    for index, (stamp, came) in enumerate(zip(stamps.tolist(), received.tolist(), strict=True)):
        delay = came - stamp
        # Delays may fall, as when a recorder begins by catching up; before its time nothing comes.
        too_early = bool(least) and delay < -_JUMP_NS <= least[-1]
        leaps = stamp - newest > came - last + _LEAP_NS
        if not starts or stamp < newest - _JUMP_NS or too_early or leaps:
            starts.append(index)
            least.append(delay)
        elif came > last:
            # Of windows that are due at once only the first could have been so before.
            least[-1] = min(least[-1], delay)
        newest, last = stamp, came
    return starts, least


def changes_in_one_time(stamps_ns: Sequence[int], received_ns: Sequence[int]) -> NDArray[np.int64]:
    """Give the stamps of what is written when it happens, as labels are, in one time.

    Where they are not, as one that comes late or delays that differ within an epoch tell, they
    stay as they are: somebody wrote them afterwards, in any order.
    """
    stamps = np.array(stamps_ns, dtype=np.int64)
    delays = np.array(received_ns, dtype=np.int64) - stamps
    back = [0, *(np.flatnonzero(np.diff(stamps) < -_JUMP_NS) + 1).tolist()]
    if len(back) < 2 or not len(stamps):
        return stamps
    parts = np.split(delays, back[1:])
    if any(len(part) < _FEWEST or int(np.ptp(part)) > _JUMP_NS for part in parts):
        return stamps
    return in_one_time(stamps_ns, received_ns)

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

"""When messages are taken: as a window can be due, and before a queue overflows."""

from collections.abc import Callable
import threading
import time
from typing import Final

# To a person who looks at diagnostics, and to whoever waits for silence, this is at once.
LONGEST_S: Final = 0.25
# Of the messages that a subscription keeps, this part may come between two looks.
RESERVE: Final = 8
# After silence; from then on twice as long each time, while what comes leaves room.
_FIRST_S: Final = 0.02
# A stream that stands still is looked at so often.
_PATIENCE_S: Final = 0.5


class Pauses:
    """Decides how long nothing has to be taken; the less there is to do, the fewer wake-ups.

    For a thread to wake costs more than ten messages do. ``reserve`` messages may come meanwhile,
    at the rate at which they came last; with 0 each is taken as it comes.
    """

    def __init__(self, reserve: int) -> None:
        self._reserve = reserve
        self._longest_s = _FIRST_S
        # Of the last looks, each counting half as much as the next.
        self._taken = self._elapsed_s = 0.0

    def after(self, taken: int, elapsed_s: float, remaining_s: float | None) -> float:
        """Give for how many seconds nothing is to be done; 0 is until the next message comes.

        ``taken`` messages came in the last ``elapsed_s``; in ``remaining_s`` a window can be due,
        None where nobody knows.
        """
        if elapsed_s > 2 * LONGEST_S:
            # What comes next may come in any number, as when a recording begins.
            self._taken, self._elapsed_s, self._longest_s = 0.0, 0.0, _FIRST_S
            return 0.0
        self._taken = self._taken / 2 + taken
        self._elapsed_s = self._elapsed_s / 2 + elapsed_s
        if not taken:
            self._longest_s = _FIRST_S
        if not taken or remaining_s is None:
            return 0.0
        step_s = self._elapsed_s / self._taken
        pause_s = min(remaining_s, self._reserve * step_s, self._longest_s)
        self._longest_s = min(2 * self._longest_s, LONGEST_S)
        # In a shorter one nothing would come.
        return pause_s if pause_s > step_s else 0.0


class DrainThread:
    """Calls ``take`` when messages are wanted, in a thread of its own, until it is stopped.

    ``take`` gives how many it took and must not raise; ``remaining_s`` says in how long a window
    can be due. ``wait`` is given the longest time to wait in seconds and returns when a message
    has come; ``wake`` makes it return, even when it is called just before.
    """

    def __init__(
        self,
        name: str,
        pauses: Pauses,
        *,
        take: Callable[[], int],
        remaining_s: Callable[[], float | None],
        wait: Callable[[float], object],
        wake: Callable[[], None],
    ) -> None:
        self._pauses = pauses
        self._take = take
        self._remaining_s = remaining_s
        self._wait = wait
        self._wake = wake
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once the work is over."""
        self._stopped.set()
        self._wake()
        self._thread.join()

    def _run(self) -> None:
        pause_s = 0.0
        since_s = time.monotonic()
        while not self._stopped.is_set():
            if pause_s:
                self._stopped.wait(pause_s)
            else:
                self._wait(_PATIENCE_S)
            if self._stopped.is_set():
                return
            taken = self._take()
            now_s = time.monotonic()
            pause_s = self._pauses.after(taken, now_s - since_s, self._remaining_s())
            since_s = now_s

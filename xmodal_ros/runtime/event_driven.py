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

"""Work that is done when there is some, in a thread of its own."""

from collections.abc import Callable
import threading
from typing import Final

# Work is looked for this often whatever the wait says; a wake-up that got lost costs no more.
_PATIENCE_S: Final = 0.5


class EventThread:
    """Calls ``work`` whenever ``wait`` returns until it is stopped; ``work`` must not raise.

    ``wait`` is given the longest time to wait in seconds, and returns earlier when there is
    something to do. ``wake`` makes it return, even when it is called just before ``wait``;
    :meth:`stop` does so. For labels as they come::

        EventThread('labels', wait=labels.wait, work=take_labels, wake=labels.wake)
    """

    def __init__(
        self,
        name: str,
        *,
        wait: Callable[[float], object],
        work: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self._wait = wait
        self._work = work
        self._wake = wake
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once the work is over."""
        self._stopped = True
        self._wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._wait(_PATIENCE_S)
            if not self._stopped:
                self._work()

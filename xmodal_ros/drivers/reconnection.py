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

"""When to try again what has failed."""

from typing import Final

# However often it fails, what has returned should be noticed within half a minute.
LONGEST_S: Final = 30.0


class Backoff:
    """Waits of ``first_s``, then of twice as long each time, up to half a minute."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Give the next wait in seconds."""
        wait_s = self._next_s
        self._next_s = max(self._first_s, min(2 * wait_s, LONGEST_S))
        return wait_s

    def reset(self) -> None:
        """Begin with the first wait again, now that it works."""
        self._next_s = self._first_s

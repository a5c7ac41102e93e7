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

"""How long a study will still take."""

from collections import Counter
from collections.abc import Hashable, Sequence


class EtaEstimator:
    """An estimate from how long runs of the same kind took, or else from all that were seen."""

    def __init__(self, kinds: Sequence[Hashable], workers: int) -> None:
        self._todo = Counter(kinds)
        self._workers = workers
        self._seen: dict[Hashable, list[float]] = {}

    def observe(self, kind: Hashable, duration_s: float) -> None:
        """Take in how long a run took that is not among those to do."""
        self._seen.setdefault(kind, []).append(duration_s)

    def finish(self, kind: Hashable, duration_s: float) -> None:
        """Take in that one of those to do is done."""
        self._todo[kind] -= 1
        self.observe(kind, duration_s)

    def seconds(self) -> float | None:
        """Give the time left, or None before anything was seen."""
        everything = [value for values in self._seen.values() for value in values]
        if not everything:
            return None
        mean = sum(everything) / len(everything)
        left = sum(
            count * (sum(seen) / len(seen) if (seen := self._seen.get(kind)) else mean)
            for kind, count in self._todo.items()
        )
        return left / self._workers

    def text(self) -> str:
        """Give the time left in words."""
        seconds = self.seconds()
        if seconds is None:
            return 'unknown time'
        if seconds < 100:
            return f'{seconds:.0f} s'
        if seconds < 100 * 60:
            return f'{seconds / 60:.0f} min'
        return f'{seconds / 3600:.1f} h'

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

"""Steadier decisions: means or majorities over the last seconds, and a minimum dwell."""

from collections import Counter, deque
from typing import Final, Literal

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.label import probabilities, ranked, Scores

SmoothingMethod = Literal['mean', 'majority']

# Far more than any classifier says within the longest window; bounds what a faulty one can cost.
_MOST: Final = 4096


class Smoother:
    """Replaces each decision by that of all decisions of the last ``length_ns`` nanoseconds.

    ``mean`` takes the class of the highest mean probability, unless more than half of the
    decisions are ``unknown``; ``majority`` the most frequent decision, of equally frequent ones
    the newest. The scores are mean probabilities either way. A length of 0 changes nothing.
    """

    def __init__(self, length_ns: int, method: SmoothingMethod) -> None:
        self._length_ns = length_ns
        self._method = method
        self._recent: deque[tuple[int, Scores]] = deque(maxlen=_MOST)

    def apply(self, stamp_ns: int, scores: Scores) -> Scores:
        """Give the decision at ``stamp_ns``; stamps must rise."""
        if self._length_ns == 0:
            return scores
        self._recent.append((stamp_ns, scores))
        while self._recent[0][0] <= stamp_ns - self._length_ns:
            self._recent.popleft()
        if len(self._recent) == 1:
            return scores
        mean = self._mean()
        return ranked(mean, self._decide(mean))

    def reset(self) -> None:
        """Forget everything."""
        self._recent.clear()

    def _mean(self) -> dict[str, float]:
        known = [each for _, scores in self._recent if (each := probabilities(scores))]
        names = {name: None for each in known for name in each}
        return {name: sum(each.get(name, 0.0) for each in known) / len(known) for name in names}

    def _decide(self, mean: dict[str, float]) -> str:
        decisions = [scores[0][0] for _, scores in self._recent]
        if self._method == 'majority':
            counts = Counter(decisions)
            most = max(counts.values())
            return next(name for name in reversed(decisions) if counts[name] == most)
        if not mean or 2 * decisions.count(UNKNOWN) > len(decisions):
            return UNKNOWN
        return max(mean, key=lambda name: mean[name])


class Dwell:
    """Keeps an activity for at least ``minimum_ns`` before another one takes its place.

    ``unknown`` is never held back and holds nothing back: it says that there is no evidence.
    """

    def __init__(self, minimum_ns: int) -> None:
        self._minimum_ns = minimum_ns
        self._activity = UNKNOWN
        self._since_ns = 0

    def apply(self, stamp_ns: int, scores: Scores) -> Scores:
        """Give the scores with the decision that holds at ``stamp_ns`` in front."""
        wanted = scores[0][0]
        if wanted == self._activity:
            return scores
        held = stamp_ns - self._since_ns < self._minimum_ns
        if held and UNKNOWN not in (wanted, self._activity):
            return ranked(dict(scores), self._activity)
        self._activity, self._since_ns = wanted, stamp_ns
        return scores

    def reset(self) -> None:
        """Forget the activity."""
        self._activity = UNKNOWN

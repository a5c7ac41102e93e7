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

"""What one source says at one stamp, checked: the selector's input, without ROS or torch."""

from collections.abc import Mapping
from dataclasses import dataclass
import math
from typing import Final

from xmodal_ros.activities import UNKNOWN

Scores = tuple[tuple[str, float], ...]

# Scores come from softmax in float32.
_ROUNDING: Final = 1e-3


@dataclass(frozen=True)
class Label:
    """One published decision: ``scores`` pairs classes with scores, the decision first."""

    stamp_ns: int
    frame_id: str
    scores: Scores

    @property
    def decision(self) -> str:
        """An activity's name, or ``unknown``."""
        return self.scores[0][0]

    @property
    def confident(self) -> bool:
        """Whether the source has decided at all."""
        return self.decision != UNKNOWN

    @property
    def probabilities(self) -> dict[str, float]:
        """The activities' scores, summing to one; empty where there was too little evidence."""
        return probabilities(self.scores)


def probabilities(scores: Scores) -> dict[str, float]:
    """Leave ``unknown`` out and scale the rest to one; empty where nothing is left."""
    activities = {name: score for name, score in scores if name != UNKNOWN}
    total = sum(activities.values())
    return {name: score / total for name, score in activities.items()} if total > 0 else {}


def ranked(chances: Mapping[str, float], decision: str) -> Scores:
    """Give scores as they are published: the decision first, the rest by score.

    ``unknown`` comes with one minus the best probability; a decision that is none of the classes
    with 0.
    """
    rest = sorted(chances.items(), key=lambda pair: (-pair[1], pair[0]))
    if decision == UNKNOWN:
        return ((UNKNOWN, 1.0 - max(chances.values(), default=0.0)), *rest)
    first = (decision, chances.get(decision, 0.0))
    return (first, *(pair for pair in rest if pair[0] != decision))


def has_finite_scores(label: Label) -> bool:
    """Say whether all scores are numbers."""
    return all(math.isfinite(score) for _, score in label.scores)


def refusal(label: Label) -> str:
    """Give the reason why a label cannot be used, '' where it can."""
    names = [name for name, _ in label.scores]
    if label.stamp_ns <= 0:
        return 'zero_stamp'
    if not names:
        return 'no_results'
    if '' in names:
        return 'no_name'
    if len(set(names)) < len(names):
        return 'named_twice'
    if not has_finite_scores(label):
        return 'not_finite'
    if not all(0 <= score <= 1 + _ROUNDING for _, score in label.scores):
        return 'not_a_probability'
    return ''

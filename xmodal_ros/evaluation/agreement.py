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

"""Promise 7: offline evaluation equals live replay, stamp by stamp."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Final

from xmodal_ros.runtime.engine import Prediction

SCORE_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Agreement:
    """How two sequences of decisions over the same recording compare.

    ``missing`` stamps are in the offline sequence alone, ``extra`` ones in the live sequence
    alone; ``largest_difference`` is over the scores of all classes at all common stamps.
    """

    compared: int
    missing: int
    extra: int
    other_label: int
    largest_difference: float

    @property
    def equal(self) -> bool:
        """Whether stamps and labels are the same and scores within 1e-6."""
        return (
            self.missing == self.extra == self.other_label == 0
            and self.largest_difference <= SCORE_TOLERANCE
        )

    def __add__(self, other: 'Agreement') -> 'Agreement':
        """Put the comparisons of two recordings together."""
        return Agreement(
            self.compared + other.compared,
            self.missing + other.missing,
            self.extra + other.extra,
            self.other_label + other.other_label,
            max(self.largest_difference, other.largest_difference),
        )


def compare(offline: Sequence[Prediction], live: Sequence[Prediction]) -> Agreement:
    """Compare the decisions of an offline and a live run over one recording.

    A stamp that one run gives twice counts as extra (or missing), for stamps must not repeat.
    """
    of_stamp = {prediction.stamp_ns: prediction for prediction in offline}
    seen: set[int] = set()
    other_label, largest = 0, 0.0
    for prediction in live:
        reference = of_stamp.get(prediction.stamp_ns)
        if reference is None or prediction.stamp_ns in seen:
            continue
        seen.add(prediction.stamp_ns)
        other_label += prediction.label != reference.label
        mine, theirs = dict(prediction.scores), dict(reference.scores)
        for name in mine | theirs:
            difference = abs(mine.get(name, 0.0) - theirs.get(name, 0.0))
            # What is not a number differs from everything.
            largest = max(largest, math.inf if math.isnan(difference) else difference)
    return Agreement(
        compared=len(seen),
        missing=len(offline) - len(seen),
        extra=len(live) - len(seen),
        other_label=other_label,
        largest_difference=largest,
    )

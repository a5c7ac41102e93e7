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

"""From a label a sample to runs of one label, as segments of a recording are."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.windows.windowing import SECOND_NS

# A longer step ends a run: who was recorded may have done anything meanwhile.
LONGEST_STEP_NS: Final = SECOND_NS
_STEPS: Final = 10


class LabelledRun(NamedTuple):
    """Samples of one label from ``start_ns`` on, up to but not at ``end_ns``."""

    start_ns: int
    end_ns: int
    label: str


def label_runs(times_ns: NDArray[np.int64], labels: Sequence[str]) -> tuple[LabelledRun, ...]:
    """Give the runs of samples (N,) in order of time; those whose label is '' are of none.

    A run lasts until the next one begins. Before a step of more than a second, and of ten usual
    ones, and at the end, it lasts a usual step beyond its last sample. Of samples of one time the
    first counts.
    """
    steps = np.diff(times_ns)
    usual_ns = int(np.median(steps[steps > 0])) if (steps > 0).any() else 0
    longest_ns = max(LONGEST_STEP_NS, _STEPS * usual_ns)
    kept = np.flatnonzero(np.diff(times_ns, prepend=times_ns[0] - 1) > 0)
    runs: list[LabelledRun] = []
    start = 0
    for place in range(1, len(kept) + 1):
        first, last = kept[start], kept[place - 1]
        step_ns = int(times_ns[kept[place]] - times_ns[last]) if place < len(kept) else None
        goes_on = step_ns is not None and step_ns <= longest_ns
        if goes_on and labels[kept[place]] == labels[first]:
            continue
        if labels[first]:
            end_ns = int(times_ns[last]) + (step_ns if goes_on and step_ns else usual_ns)
            runs.append(LabelledRun(int(times_ns[first]), end_ns, labels[first]))
        start = place
    return tuple(runs)

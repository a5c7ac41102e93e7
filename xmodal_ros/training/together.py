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

"""Whether all that answers is better with what the net learnt from sources.

The guard of a recipe judges nets. Beside other members a net that learnt from a source may be
worth less than one that is worse alone: so they are compared once more, together with these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.methods.verdict import Judged, UnitDifference, Verdict
from xmodal_ros.training.stacking import choose_weights, compare_by_group

NET = 'net'


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """What members answered to windows of those whom they had not learnt from.

    The windows (N,) are named by ``recordings`` and ``ends_ns``, and have ``labels`` and
    ``groups``. ``alone`` are answers (N, classes) of members that learnt without sources,
    ``chosen`` those of the members that were chosen.
    """

    recordings: NDArray[np.int64]
    ends_ns: NDArray[np.int64]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    alone: Mapping[str, NDArray[np.float64]]
    chosen: Mapping[str, NDArray[np.float64]]


def compare_together(
    members: HeldOutAnswers, alone: Sequence[Judged], decided: Sequence[Judged]
) -> UnitDifference | None:
    """Say how much better all together is with the net that was decided on than with one alone.

    ``alone`` and ``decided`` answer the same windows, fold by fold. None where they and
    ``members`` have none in common.
    """
    theirs = _names(
        np.concatenate([part.recordings for part in alone]),
        np.concatenate([part.ends_ns for part in alone]),
    )
    ours = _names(members.recordings, members.ends_ns)
    _, rows, partners = np.intersect1d(ours, theirs, return_indices=True)
    if not len(rows):
        return None
    labels, groups = members.labels[rows], members.groups[rows]
    together = []
    for nets, others in ((decided, members.chosen), (alone, members.alone)):
        logits = np.concatenate([part.logits for part in nets])[partners]
        answers = {NET: centred(logits), **{name: own[rows] for name, own in others.items()}}
        together.append(choose_weights(answers, labels, groups).together)
    return compare_by_group(together[0], together[1], labels, groups)


def overruled(verdict: Verdict, found: UnitDifference) -> Verdict:
    """Give the verdict that sources are not used, for all together is worse with them."""
    return replace(
        verdict,
        decision='not used',
        gain=found.gain,
        error=found.error,
        better=found.better,
        units=found.units,
        together=True,
    )


def centred(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give answers (N, classes) whose mean over classes is zero."""
    result: NDArray[np.float64] = answers - answers.mean(axis=1, keepdims=True)
    return result


def _names(recordings: NDArray[np.int64], ends_ns: NDArray[np.int64]) -> NDArray[np.void]:
    names = np.zeros(len(recordings), [('recording', np.int64), ('end_ns', np.int64)])
    names['recording'], names['end_ns'] = recordings, ends_ns
    return names

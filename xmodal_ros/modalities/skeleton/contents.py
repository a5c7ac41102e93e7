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

"""What skeletons hold, and what is doubtful about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentDetails
from xmodal_ros.streams.sample import Sample

_LARGEST_BODY_M: Final = 4.0
_MOST: Final = 0.5
_FROZEN_NS, _ENOUGH = 5_000_000_000, 20


@dataclass(frozen=True)
class SkeletonDetails(ContentDetails):
    """A body of ``joints``, which extends over ``size`` metres by the median.

    In the share ``nowhere`` of messages all joints lie in one place; for ``frozen_s`` seconds
    nothing has changed.
    """

    joints: int
    size: float
    nowhere: float
    frozen_s: float

    def in_words(self) -> Iterator[str]:
        """Say how many joints there are, and how large the body is."""
        yield f'{self.joints} joints over {self.size:.2f} m'

    def check(self) -> Iterator[Problem]:
        """Doubt units, and bodies that are not there."""
        if self.size > _LARGEST_BODY_M:
            yield CHECKS['body-size'].found(f'the body extends over {self.size:.3g} m')
        if self.joints > 1 and self.nowhere > _MOST:
            yield CHECKS['no-body'].found(
                f'in {self.nowhere:.0%} of the messages all joints lie in one place'
            )
        elif self.frozen_s:
            yield CHECKS['frozen'].found(
                f'no joint has moved, to the last bit, for {self.frozen_s:.0f} s'
            )


def measure(samples: Sequence[Sample]) -> SkeletonDetails:
    """Put samples of (3 joints,) into figures; there must be one."""
    joints = len(samples[-1].values) // 3
    same = [sample for sample in samples if len(sample.values) == 3 * joints]
    bodies = np.array([sample.values for sample in same]).reshape(-1, joints, 3)
    sizes = np.linalg.norm(np.ptp(bodies, axis=1), axis=1)
    moved = np.flatnonzero((bodies != bodies[-1]).any(axis=(1, 2)))
    still = same[int(moved[-1]) + 1 if len(moved) else 0 :]
    lasted_ns = still[-1].stamp_ns - still[0].stamp_ns
    frozen = len(still) >= _ENOUGH and lasted_ns >= _FROZEN_NS
    return SkeletonDetails(
        joints,
        float(np.median(sizes)),
        float((sizes == 0).mean()),
        lasted_ns / 1e9 if frozen else 0.0,
    )

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

"""What is measured of decisions over recordings, beside the scores per window and clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal['subjects', 'recordings']


@dataclass(frozen=True)
class Detection:
    """One labelled segment: how long after its start a decision named it first.

    ``bag`` and ``segment`` are indices into ``Evaluation.bags`` and that bag's ``segments``.
    ``delay_s`` is by stamps (a stamp is its window's end), None where none did before its end.
    """

    bag: int
    segment: int
    label: str
    delay_s: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Decisions of like confidence: the mean of it in [0, 1], and the share that is right.

    Both are None where the bin ``(low, high]`` is empty.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a scalar that is at ``most`` so much, by bootstrap over ``units``."""

    low: float
    high: float
    over: Unit
    units: int
    most: float = 1.0

    @property
    def says_nothing(self) -> bool:
        """Whether a score could be anything, as where two people differ."""
        return self.low <= 0 and self.high >= self.most

    @property
    def words(self) -> str:
        """Its bounds, or why there are none to show."""
        if self.says_nothing:
            return f'{self.units} {self.over}: too few to tell'
        return f'{self.low:.3f}, {self.high:.3f}'


@dataclass(frozen=True, eq=False)
class Measures:
    """Every scalar by its name, in the order of display, and what some are made of.

    ``scalars`` are None where they cannot be measured (all but ``unknown_rate`` without truth);
    docs/evaluation.md says what each means. ``intervals`` holds those whose error could be
    estimated: two subjects are needed, or two recordings of one, that differ in it.
    """

    scalars: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    detections: tuple[Detection, ...]
    reliability: tuple[ReliabilityBin, ...]

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

"""The result of one ``xmodal evaluate``: bundles over recordings, together and compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xmodal_ros.bags.segment import Segment
from xmodal_ros.evaluation.scoring import Evaluation, SkippedRecording
from xmodal_ros.metrics.measures import Measures, Unit

_MODES: Final[Mapping[str, str]] = {
    'select': 'the label of one at a time, the first named unless it is silent or in doubt',
    'fuse': 'one label from all that speak, each weighed by its validated accuracy',
}


@dataclass(frozen=True)
class Choice:
    """What the selector says at one stamp; ``source`` is as live: a source, or ``a+b`` fused."""

    stamp_ns: int
    label: str
    source: str
    score: float
    truth: str | None


@dataclass(frozen=True, eq=False)
class RecordingSelection:
    """The selector's decisions over one recording, in order of time."""

    name: str
    subject: str
    segments: tuple[Segment, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, eq=False)
class Selection:
    """The live selector's core over the labels of all bundles.

    ``sources`` maps the selector's names of sources to the bundles' names, highest rank first.
    """

    mode: str
    sources: Mapping[str, str]
    recordings: tuple[RecordingSelection, ...]
    measures: Measures

    @property
    def title(self) -> str:
        """What it is called beside the bundles."""
        return f'selector ({self.mode})'

    @property
    def explanation(self) -> str:
        """Say what that is."""
        return (
            f'{self.title} is what a robot with all of these bundles would have decided: '
            f'{_MODES[self.mode]}'
        )


@dataclass(frozen=True)
class PairedDifference:
    """By how much ``ours`` is above ``theirs`` in one scalar, over the recordings of both.

    ``low`` and ``high`` bound the 95 % interval, ``p`` is two-sided, ``p_holm`` corrected for all
    differences of the comparison; None where nothing is known of the error.
    """

    ours: str
    theirs: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Comparison:
    """All pairs of bundles; ``units`` subjects (or recordings) were drawn by the bootstrap."""

    over: Unit
    units: int
    recordings: int
    differences: tuple[PairedDifference, ...]


@dataclass(frozen=True)
class RobustnessPoint:
    """The scalars under one severity, over the windows of the unharmed run.

    A window that the fault left without a decision counts as ``unknown``. ``severity`` is None for
    the unharmed run where no number says so (no background sound at all, in decibels).
    """

    severity: float | None
    scalars: Mapping[str, float | None]


@dataclass(frozen=True)
class RobustnessCurve:
    """One bundle under one fault; ``points`` grow worse, the first is unharmed.

    ``unit`` is that of the severities, ``harm`` says in words what they mean. The recordings of
    ``left_out`` are in none of the points.
    """

    bundle: str
    fault: str
    unit: str
    harm: str
    points: tuple[RobustnessPoint, ...]
    left_out: tuple[SkippedRecording, ...] = ()


@dataclass(frozen=True, eq=False)
class Trial:
    """One or more bundles over recordings.

    ``selections`` and ``comparison`` are None unless recordings were evaluated by two bundles or
    more; ``robustness`` is empty unless asked for.
    """

    evaluations: tuple[Evaluation, ...]
    selection: Selection | None = None
    comparison: Comparison | None = None
    robustness: tuple[RobustnessCurve, ...] = ()

    @property
    def selections(self) -> tuple[RecordingSelection, ...]:
        """The selector's decisions by recording; empty where it was not run."""
        return self.selection.recordings if self.selection else ()

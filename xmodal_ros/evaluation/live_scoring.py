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

"""Score decisions as they come: truth and labels of a running robot, without torch or ROS."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from xmodal_ros.activities import merged, spellings, UNKNOWN
from xmodal_ros.bags.labels import join_changes
from xmodal_ros.bags.segment import relabelled, Segment
from xmodal_ros.metrics.measure import measure
from xmodal_ros.metrics.measures import Measures
from xmodal_ros.metrics.tally import Decided
from xmodal_ros.metrics.truth import window_truth
from xmodal_ros.runtime.label import Label

# What a step is while there are no two labels to tell.
_STEP_NS: Final = 1_000_000_000
# A label that is older than the newest by less is late; by more, time has jumped back.
_JUMP_NS: Final = 1_000_000_000
# Scores come from softmax in float32.
_ROUNDING: Final = 1e-3


@dataclass
class _Take:
    """What came between two jumps of time."""

    changes: list[tuple[int, str]] = field(default_factory=list)
    labels: dict[str, list[Label]] = field(default_factory=dict)

    @property
    def newest_ns(self) -> int | None:
        stamps = [labels[-1].stamp_ns for labels in self.labels.values() if labels]
        return max(stamps, default=None)


class Following:
    """Truth and labels of any number of topics, and at any time what they are worth.

    A window is the ``window_ns`` before its label's stamp, and belongs to the segment of truth
    that fills at least half of it, as for recordings. ``truth`` are segments known beforehand;
    without, truth is what :meth:`note_truth` is told: a segment lasts until the next change. With
    ``merge_labels`` truth that differs from an activity of a topic only in how it is written is
    that one.
    """

    def __init__(
        self,
        window_ns: int,
        truth: Sequence[Segment] | None = None,
        *,
        merge_labels: bool = False,
    ) -> None:
        self.merge_labels = merge_labels
        self.refused: Counter[str] = Counter()
        self._window_ns = window_ns
        self._truth = None if truth is None else tuple(truth)
        self._takes = [_Take()]

    def note_truth(self, stamp_ns: int, label: str) -> None:
        """From ``stamp_ns`` on, ``label`` is what is done; '' for nothing.

        ``unknown`` stands for no activity: it is refused and counted.
        """
        name = label.strip()
        if name == UNKNOWN:
            self.refused['truth cannot be unknown'] += 1
            return
        before = self._takes[-1].changes
        if before and stamp_ns < before[-1][0] - _JUMP_NS:
            self.restart()
        changes = self._takes[-1].changes
        changes.append((stamp_ns, name))
        changes.sort(key=lambda change: change[0])

    def note(self, topic: str, label: Label) -> None:
        """Take one decision; without results, or with scores that are none, it is refused."""
        if not label.scores:
            self.refused['no results'] += 1
            return
        if not all(0 <= score <= 1 + _ROUNDING for _, score in label.scores):
            self.refused['scores outside 0 to 1'] += 1
            return
        labels = self._takes[-1].labels.setdefault(topic, [])
        if labels and label.stamp_ns <= labels[-1].stamp_ns:
            if labels[-1].stamp_ns - label.stamp_ns < _JUMP_NS:
                self.refused['older than the newest one'] += 1
                return
            labels = self._after_jump(topic, labels)
        labels.append(label)

    def _after_jump(self, topic: str, labels: list[Label]) -> list[Label]:
        """Give the empty list to go on with, now that a topic's stamps jump back."""
        before = self._takes[-2].labels.get(topic) if len(self._takes) > 1 else None
        if before and before[-1].stamp_ns < labels[0].stamp_ns:
            # Others have jumped already; these came late, and belong to the time before.
            before.extend(labels)
            labels.clear()
            return labels
        self.restart()
        return self._takes[-1].labels.setdefault(topic, [])

    def restart(self) -> None:
        """Time jumps back: what comes belongs to another take, and is scored beside the others."""
        if self._takes[-1].labels:
            self._takes.append(_Take())
        else:
            self._takes[-1].changes.clear()

    @property
    def window_ns(self) -> int:
        """How long before its stamp a label begins."""
        return self._window_ns

    @property
    def takes(self) -> int:
        """How often time began, jumps included."""
        return len(self._takes)

    def count(self, topic: str) -> int:
        """Give the number of decisions on a topic."""
        return sum(len(take.labels.get(topic, ())) for take in self._takes)

    def newest(self, topic: str) -> Label | None:
        """Give the newest decision on a topic, None before the first."""
        labels = self._takes[-1].labels.get(topic)
        return labels[-1] if labels else None

    def truth_now(self) -> str | None:
        """Give what is done at the newest label's stamp; None where truth says nothing."""
        newest_ns = self._takes[-1].newest_ns
        if newest_ns is None:
            return None
        for segment in self._segments(self._takes[-1]):
            if segment.start_ns < newest_ns <= segment.end_ns:
                return segment.label
        return None

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The truth of all takes, one after the other."""
        if self._truth is not None:
            return self._truth
        return tuple(segment for take in self._takes for segment in self._segments(take))

    def measure(self, topic: str) -> Measures:
        """Measure everything that came on a topic; only ``unknown_rate`` needs no truth."""
        decided = [each for _, each in self.decided(topic)]
        return measure(decided, [''] * len(decided))

    def other_spellings(self, topic: str) -> tuple[tuple[str, ...], ...]:
        """Give names of truth and decisions that are probably one activity's, and count as two."""
        if self.merge_labels:
            return ()
        labels = (label for take in self._takes for label in take.labels.get(topic, ()))
        names = dict.fromkeys(segment.label for segment in self.segments)
        return spellings([*names, *dict.fromkeys(_classes(labels))])

    def decided(self, topic: str) -> Iterator[tuple[list[Label], Decided]]:
        """Give the labels of each take of a topic, and what is counted of them."""
        for take in self._takes:
            if labels := take.labels.get(topic):
                yield labels, self._decided(labels, self._segments(take))

    def _segments(self, take: _Take) -> tuple[Segment, ...]:
        if self._truth is not None:
            return self._truth
        return join_changes(take.changes, take.newest_ns or 0)

    def _decided(self, labels: Sequence[Label], segments: tuple[Segment, ...]) -> Decided:
        stamps = [label.stamp_ns for label in labels]
        classes = tuple(dict.fromkeys(_classes(labels)))
        if self.merge_labels:
            counts = Counter(segment.label for segment in segments)
            segments = relabelled(segments, merged(counts, classes))
        place = {name: index for index, name in enumerate(classes)}
        chances = np.zeros((len(labels), len(classes)))
        for row, label in zip(chances, labels, strict=True):
            for name, probability in label.probabilities.items():
                row[place[name]] = probability
        steps = np.diff(stamps)
        return Decided(
            stamps_ns=stamps,
            labels=[label.decision for label in labels],
            classes=classes,
            probabilities=chances,
            truth=window_truth(segments, stamps, self._window_ns).segment_of_window.tolist(),
            segments=segments,
            step_ns=int(np.median(steps)) if len(steps) else _STEP_NS,
        )


def _classes(labels: Iterable[Label]) -> Iterator[str]:
    return (name for label in labels for name, _ in label.scores if name != UNKNOWN)

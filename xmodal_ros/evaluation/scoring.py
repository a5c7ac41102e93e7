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

"""Score a bundle's decisions over recordings against their labels."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmodal_ros.activities import merged, spellings
from xmodal_ros.bags.labels import read_segments, Segment
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import about_unseen, count_unseen, relabelled
from xmodal_ros.evaluation.agreement import Agreement
from xmodal_ros.metrics.measure import measure
from xmodal_ros.metrics.measures import Measures
from xmodal_ros.metrics.scores import score, Scores
from xmodal_ros.metrics.tally import Decided
from xmodal_ros.metrics.truth import window_truth
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.offline import BagPredictions
from xmodal_ros.windows.epochs import in_one_time


@dataclass(frozen=True, eq=False)
class LiveRun:
    """The same bag through the live node: what it said, how fast, and how it compares.

    ``latencies_s`` run from the publishing of the message that made a window due to the arrival
    of its label.
    """

    predictions: tuple[Prediction, ...]
    latencies_s: tuple[float, ...]
    sent: int
    received: int
    drops: dict[str, int]
    agreement: Agreement
    rate: float


@dataclass(frozen=True, eq=False)
class BagEvaluation:
    """One recording: its truth and the decisions over it, in order of time.

    ``unseen`` counts the labelled segments that lie outside the time of its data, as far as
    windows tell.
    ``not_live`` is why a live run that was asked for is missing, in words.
    """

    name: str
    path: Path
    subject: str
    sensor: str
    segments: tuple[Segment, ...]
    offline: BagPredictions
    truth: tuple[int, ...]
    unseen: int = 0
    live: LiveRun | None = None
    not_live: str = ''

    @property
    def is_scored(self) -> bool:
        """Whether a window of it belongs to a labelled segment."""
        return any(segment >= 0 for segment in self.truth)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about its data and where they lie, in words."""
        windows = len(self.offline.predictions)
        unseen = about_unseen(self.unseen, len(self.segments), windows)
        return (*unseen, *(str(each) for each in self.offline.problems if each.level != 'note'))

    def truth_label(self, index: int) -> str | None:
        """Give the activity of a prediction's window, None where it has none."""
        segment = self.truth[index]
        return None if segment < 0 else self.segments[segment].label


@dataclass(frozen=True)
class SkippedRecording:
    """A recording, by name, on which a bundle was not evaluated, and the reason in words.

    Or the recording is missing in the live runs or in a curve only.
    """

    bag: str
    reason: str


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A bundle over recordings; ``scores`` is None where no window of theirs is labelled.

    ``name`` tells it from the other bundles of a trial. ``left_out`` are the recordings it could
    not be evaluated on.
    """

    info: BundleInfo
    bags: tuple[BagEvaluation, ...]
    scores: Scores | None
    measures: Measures
    name: str
    left_out: tuple[SkippedRecording, ...] = ()

    @property
    def agreement(self) -> Agreement | None:
        """The comparison with the live runs over all recordings, None without any."""
        found = [bag.live.agreement for bag in self.bags if bag.live is not None]
        return sum(found[1:], found[0]) if found else None

    @property
    def live_left_out(self) -> tuple[SkippedRecording, ...]:
        """The recordings whose live run was asked for, and could not be ended."""
        return tuple(SkippedRecording(bag.name, bag.not_live) for bag in self.bags if bag.not_live)

    @property
    def hurried(self) -> bool:
        """Whether a live run was as fast as possible: latencies then hold the waiting."""
        return any(bag.live is not None and bag.live.rate == 0 for bag in self.bags)

    @property
    def unknown_labels(self) -> tuple[str, ...]:
        """Activities of the recordings that the model has not learnt."""
        return tuple(self.clips_of_unknown_labels)

    @property
    def other_spellings(self) -> tuple[tuple[str, ...], ...]:
        """Activities of recordings and model that differ only in how they are written."""
        return spellings([*self.info.labels, *self.unknown_labels])

    @property
    def clips_of_unknown_labels(self) -> dict[str, int]:
        """How many labelled segments show each activity that the model has not learnt."""
        found = Counter(s.label for bag in self.bags for s in bag.segments)
        return {label: found[label] for label in sorted(found.keys() - set(self.info.labels))}


def evaluate_bag(
    info: BundleInfo,
    reader: BagReader,
    sensor: str,
    offline: BagPredictions,
    *,
    name: str = '',
    sensor_topics: Collection[str] | None = None,
    merge_labels: bool = False,
) -> BagEvaluation:
    """Put the decisions over a recording beside its truth.

    ``name`` tells it from others, and is its own by default; ``sensor_topics`` say whose labels
    count, where it has those of several robots. With ``merge_labels`` labels that differ only in
    how they are written from one that the model has learnt are that one.
    """
    segments = read_segments(reader, sensor_topics)
    if merge_labels:
        counts = Counter(segment.label for segment in segments)
        segments = relabelled(segments, merged(counts, info.labels))
    ends = _ends(info, offline)
    truth = window_truth(segments, ends, info.window.length_ns)
    return BagEvaluation(
        name=name or reader.name,
        path=reader.path,
        subject=reader.subject,
        sensor=sensor,
        segments=segments,
        offline=offline,
        truth=tuple(truth.segment_of_window.tolist()),
        unseen=count_unseen(segments, ends, info.window),
    )


def _ends(info: BundleInfo, offline: BagPredictions) -> list[int]:
    """Give when windows ended, in the one time of the recording, as its labels are."""
    stamps = [prediction.stamp_ns for prediction in offline.predictions]
    if not offline.due_ns:
        return stamps
    return [int(each) for each in in_one_time(stamps, offline.due_ns, info.window.hop_ns)]


def evaluate(info: BundleInfo, bags: Sequence[BagEvaluation], name: str = '') -> Evaluation:
    """Score all recordings together; a clip is one labelled segment of one recording.

    ``name`` is by default that of the sensor the bundle was trained for.
    """
    chances: list[tuple[float, ...]] = []
    labels: list[str] = []
    clips: list[tuple[int, int]] = []
    decisions: list[str] = []
    nothing = (0.0,) * len(info.labels)
    for number, bag in enumerate(bags):
        for index, prediction in enumerate(bag.offline.predictions):
            label = bag.truth_label(index)
            if label is None:
                continue
            chances.append(prediction.probabilities or nothing)
            labels.append(label)
            clips.append((number, bag.truth[index]))
            decisions.append(prediction.label)
    scores = score(info.labels, np.array(chances), labels, clips, decisions) if labels else None
    measures = measure([decided(info, bag) for bag in bags], [bag.subject for bag in bags])
    return Evaluation(info, tuple(bags), scores, measures, name or info.sensor)


def decided(info: BundleInfo, bag: BagEvaluation) -> Decided:
    """Give a recording's decisions as they are counted."""
    predictions = bag.offline.predictions
    nothing = (0.0,) * len(info.labels)
    return Decided(
        stamps_ns=_ends(info, bag.offline),
        labels=[each.label for each in predictions],
        classes=info.labels,
        probabilities=np.array([each.probabilities or nothing for each in predictions]).reshape(
            len(predictions), len(info.labels)
        ),
        truth=bag.truth,
        segments=bag.segments,
        step_ns=info.window.hop_ns,
    )


def latency_summary(evaluation: Evaluation) -> dict[str, float]:
    """Give the live latency's percentiles in milliseconds; empty without a live run."""
    latencies = [s for bag in evaluation.bags if bag.live for s in bag.live.latencies_s]
    if not latencies:
        return {}
    p50, p95, p99 = np.percentile(1e3 * np.array(latencies), [50, 95, 99])
    return {'p50': float(p50), 'p95': float(p95), 'p99': float(p99)}

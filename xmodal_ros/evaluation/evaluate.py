"""Score a bundle's decisions over recordings against their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.labels import read_segments, Segment
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.evaluation.agreement import Agreement
from xmodal_ros.evaluation.measures import Measures
from xmodal_ros.evaluation.measuring import measure
from xmodal_ros.evaluation.tally import Decided
from xmodal_ros.models.bundle import BundleInfo
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.evaluation import BagPredictions
from xmodal_ros.training.metrics import score, Scores
from xmodal_ros.training.truth import window_truth


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
    """One recording: its truth and the decisions over it, in order of time."""

    name: str
    path: Path
    subject: str
    sensor: str
    segments: tuple[Segment, ...]
    offline: BagPredictions
    truth: tuple[int, ...]
    live: LiveRun | None = None

    def truth_label(self, index: int) -> str | None:
        """Give the activity of a prediction's window, None where it has none."""
        segment = self.truth[index]
        return None if segment < 0 else self.segments[segment].label


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A bundle over recordings; ``scores`` is None when none of them is labelled.

    ``name`` tells it from the other bundles of a trial.
    """

    info: BundleInfo
    bags: tuple[BagEvaluation, ...]
    scores: Scores | None
    measures: Measures
    name: str

    @property
    def agreement(self) -> Agreement | None:
        """The comparison with the live runs over all recordings, None without any."""
        found = [bag.live.agreement for bag in self.bags if bag.live is not None]
        return sum(found[1:], found[0]) if found else None

    @property
    def hurried(self) -> bool:
        """Whether a live run was as fast as possible: latencies then hold the waiting."""
        return any(bag.live is not None and bag.live.rate == 0 for bag in self.bags)

    @property
    def unknown_labels(self) -> tuple[str, ...]:
        """Activities of the recordings that the model has not learnt."""
        return tuple(
            sorted({s.label for bag in self.bags for s in bag.segments} - set(self.info.labels))
        )


def evaluate_bag(
    info: BundleInfo, reader: BagReader, sensor: str, offline: BagPredictions
) -> BagEvaluation:
    """Put the decisions over a recording beside its truth."""
    segments = read_segments(reader)
    ends = [prediction.stamp_ns for prediction in offline.predictions]
    truth = window_truth(segments, ends, info.window.length_ns)
    return BagEvaluation(
        name=reader.name,
        path=reader.path,
        subject=reader.subject,
        sensor=sensor,
        segments=segments,
        offline=offline,
        truth=tuple(truth.segment_of_window.tolist()),
    )


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
        stamps_ns=[each.stamp_ns for each in predictions],
        labels=[each.label for each in predictions],
        classes=info.labels,
        probabilities=np.array([each.probabilities or nothing for each in predictions]).reshape(
            len(predictions), len(info.labels)
        ),
        truth=bag.truth,
        segments=bag.segments,
        step_ns=info.window.hop_ns,
    )


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """Give the result in the form that ``--json`` writes: scores at the top level."""
    scores, agreement = evaluation.scores, evaluation.agreement
    predictions = [p for bag in evaluation.bags for p in bag.offline.predictions]
    result: dict[str, object] = {
        'macro_f1': scores and scores.macro_f1,
        'macro_f1_window': scores and scores.macro_f1_window,
        'accuracy': scores and scores.accuracy,
        'accuracy_window': scores and scores.accuracy_window,
        'counts': {
            'bags': len(evaluation.bags),
            'clips': scores.clips if scores else 0,
            'windows': len(predictions),
            'scored_windows': scores.windows if scores else 0,
            'unknown': sum(p.label == UNKNOWN for p in predictions),
            'messages': sum(bag.offline.received for bag in evaluation.bags),
            'drops': sum(sum(bag.offline.drops.values()) for bag in evaluation.bags),
        },
        'f1_by_label': scores and scores.f1_by_label,
        'unknown_labels': list(evaluation.unknown_labels),
        'bags': [_bag_json(bag) for bag in evaluation.bags],
        'labels': [
            {
                'bag': bag.name,
                'stamp_ns': prediction.stamp_ns,
                'label': prediction.label,
                'scores': dict(prediction.scores),
                'truth': bag.truth_label(index),
            }
            for bag in evaluation.bags
            for index, prediction in enumerate(bag.offline.predictions)
        ],
    }
    if agreement is not None:
        result['equals_offline'] = agreement.equal
        result['stamps_compared'] = agreement.compared
        result['live'] = {
            'missing': agreement.missing,
            'extra': agreement.extra,
            'other_label': agreement.other_label,
            'largest_score_difference': agreement.largest_difference,
            'drops': sum(sum(bag.live.drops.values()) for bag in evaluation.bags if bag.live),
            'latency_ms': latency_summary(evaluation),
        }
    return result


def _bag_json(bag: BagEvaluation) -> dict[str, object]:
    return {
        'name': bag.name,
        'subject': bag.subject,
        'sensor': bag.sensor,
        'windows': len(bag.offline.predictions),
        'segments': len(bag.segments),
        'messages': bag.offline.received,
        'drops': bag.offline.drops,
        'resets': bag.offline.resets,
    }


def latency_summary(evaluation: Evaluation) -> dict[str, float]:
    """Give the live latency's percentiles in milliseconds; empty without a live run."""
    latencies = [s for bag in evaluation.bags if bag.live for s in bag.live.latencies_s]
    if not latencies:
        return {}
    p50, p95, p99 = np.percentile(1e3 * np.array(latencies), [50, 95, 99])
    return {'p50': float(p50), 'p95': float(p95), 'p99': float(p99)}

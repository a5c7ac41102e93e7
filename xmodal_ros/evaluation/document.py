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

"""An evaluation and a trial as JSON; docs/evaluation.md describes every field."""

from collections.abc import Mapping
from dataclasses import asdict
import math
from typing import Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.evaluation.scoring import BagEvaluation, Evaluation, latency_summary
from xmodal_ros.evaluation.trial import Selection, Trial
from xmodal_ros.metrics.measures import Measures

SCHEMA_VERSION: Final = 2
"""1 had no version and the scores of one bundle alone; what it had is where it was."""


def trial_as_json(trial: Trial) -> dict[str, object]:
    """Give a trial in the form that ``--json`` writes.

    With one bundle its document is the top level; with several each is under ``bundles``, by name.
    """
    result: dict[str, object] = {'schema_version': SCHEMA_VERSION}
    if len(trial.evaluations) == 1:
        result |= as_json(trial.evaluations[0])
    else:
        result['bundles'] = {each.name: as_json(each) for each in trial.evaluations}
        result['selection'] = _selection(trial.selection) if trial.selection else None
        result['comparison'] = asdict(trial.comparison) if trial.comparison else None
    if trial.robustness:
        result['robustness'] = [asdict(curve) for curve in trial.robustness]
    return result


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """Give one bundle's results: scores at the top level."""
    scores, agreement = evaluation.scores, evaluation.agreement
    predictions = [p for bag in evaluation.bags for p in bag.offline.predictions]
    result: dict[str, object] = {
        'bundle': evaluation.name,
        **_measures(evaluation.measures),
        'counts': {
            'bags': len(evaluation.bags),
            'subjects': len({bag.subject for bag in evaluation.bags}),
            'clips': scores.clips if scores else 0,
            'windows': len(predictions),
            'scored_windows': scores.windows if scores else 0,
            'unknown': sum(p.label == UNKNOWN for p in predictions),
            'messages': sum(bag.offline.received for bag in evaluation.bags),
            'drops': sum(sum(bag.offline.drops.values()) for bag in evaluation.bags),
        },
        'f1_by_label': scores and scores.f1_by_label,
        'by_label': scores and {name: asdict(each) for name, each in scores.by_label.items()},
        'by_label_window': scores
        and {name: asdict(each) for name, each in scores.by_label_window.items()},
        'confusion': scores
        and {
            'labels': list(scores.labels),
            'clips': scores.confusion.tolist(),
            'windows': scores.confusion_window.tolist(),
        },
        'detections': [
            {
                'bag': evaluation.bags[each.bag].name,
                'label': each.label,
                'start_ns': evaluation.bags[each.bag].segments[each.segment].start_ns,
                'delay_s': each.delay_s,
            }
            for each in evaluation.measures.detections
        ],
        'unknown_labels': list(evaluation.unknown_labels),
        'clips_of_unknown_labels': evaluation.clips_of_unknown_labels,
        'bags': [_bag(bag) for bag in evaluation.bags],
        'left_out': [asdict(each) for each in evaluation.left_out],
        'live_left_out': [asdict(each) for each in evaluation.live_left_out],
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
            # Infinite where a score is no number, which JSON cannot say.
            'largest_score_difference': agreement.largest_difference
            if math.isfinite(agreement.largest_difference)
            else None,
            'drops': sum(sum(bag.live.drops.values()) for bag in evaluation.bags if bag.live),
            'latency_ms': latency_summary(evaluation),
        }
    return result


def _measures(measures: Measures) -> Mapping[str, object]:
    return {
        **measures.scalars,
        'intervals': {
            name: {'low': each.low, 'high': each.high, 'over': each.over, 'units': each.units}
            for name, each in measures.intervals.items()
        },
        'reliability': [asdict(each) for each in measures.reliability],
    }


def _selection(selection: Selection) -> dict[str, object]:
    return {
        'mode': selection.mode,
        'sources': dict(selection.sources),
        **_measures(selection.measures),
        'labels': [
            {'bag': recording.name, **asdict(choice)}
            for recording in selection.recordings
            for choice in recording.choices
        ],
    }


def _bag(bag: BagEvaluation) -> dict[str, object]:
    return {
        'name': bag.name,
        'subject': bag.subject,
        'sensor': bag.sensor,
        'windows': len(bag.offline.predictions),
        'segments': len(bag.segments),
        'unseen': bag.unseen,
        'messages': bag.offline.received,
        'drops': bag.offline.drops,
        'resets': bag.offline.resets,
        'problems': [asdict(each) for each in bag.offline.problems],
    }

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

"""What the live selector would have said, given the labels of several bundles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import heapq
from pathlib import Path
import re

import numpy as np

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.scoring import BagEvaluation, Evaluation
from xmodal_ros.evaluation.trial import Choice, RecordingSelection, Selection
from xmodal_ros.metrics.measure import measure
from xmodal_ros.metrics.tally import Decided
from xmodal_ros.metrics.truth import window_truth
from xmodal_ros.runtime.label import Label, probabilities
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_settings import (
    AUTO,
    JOINT,
    Mode,
    SelectorSettings,
    SourceSettings,
)
from xmodal_ros.windows.epochs import in_one_time


def select(
    evaluations: Sequence[Evaluation], accuracies: Mapping[str, float | None], mode: Mode
) -> Selection | None:
    """Run the selector's core over each recording that two of the bundles or more have decided on.

    ``accuracies`` are the validated ones by bundle, needed by the mode ``fuse`` alone. The first
    bundle has the highest rank, as in the list of a node's sources; all else is as by default.
    None without such a recording. Raises :class:`ConfigurationError` when a bundle to fuse was
    never validated.
    """
    names = source_names([each.name for each in evaluations])
    of_source = dict(zip(names, evaluations, strict=True))
    unrated = [each.name for each in evaluations if accuracies.get(each.name) is None]
    if mode == 'fuse' and unrated:
        raise ConfigurationError(
            f'to fuse bundles their accuracy on other people must be known, and that of '
            f'{", ".join(unrated)} is not: train with validation subjects, or --selector select'
        )
    settings = SelectorSettings(
        tuple(
            SourceSettings(name, accuracy=accuracies.get(e.name)) for name, e in of_source.items()
        ),
        mode=mode,
    )
    recordings: list[RecordingSelection] = []
    counted: list[Decided] = []
    for path in _in_several(evaluations):
        bags = {
            name: bag for name, each in of_source.items() for bag in each.bags if bag.path == path
        }
        recording, decided = _run(settings, of_source, bags)
        recordings.append(recording)
        counted.append(decided)
    if not recordings:
        return None
    return Selection(
        mode=mode,
        sources={name: each.name for name, each in of_source.items()},
        recordings=tuple(recordings),
        measures=measure(counted, [each.subject for each in recordings]),
    )


def source_names(bundles: Sequence[str]) -> list[str]:
    """Turn bundles' names into those that a selector's sources may have, all different."""
    names: list[str] = []
    for bundle in bundles:
        plain = re.sub(r'[^A-Za-z0-9_]', '_', bundle)
        name, number = plain, 1
        while name in names or name in ('', AUTO):
            number += 1
            name = f'{plain}_{number}'
        names.append(name)
    return names


def _in_several(evaluations: Sequence[Evaluation]) -> list[Path]:
    paths = [bag.path for each in evaluations for bag in each.bags]
    return [path for path in dict.fromkeys(paths) if paths.count(path) > 1]


def _run(
    settings: SelectorSettings,
    of_source: Mapping[str, Evaluation],
    bags: Mapping[str, BagEvaluation],
) -> tuple[RecordingSelection, Decided]:
    came = list(_decisions(settings, bags))
    decisions = [decision for _, decision in came]
    first = next(iter(bags.values()))
    step_ns = max(of_source[name].info.window.hop_ns for name in bags)
    ends = in_one_time(
        [each.stamp_ns for each in decisions], [came_ns for came_ns, _ in came], step_ns
    ).tolist()
    truth = [
        _truth(end_ns, decision, of_source, first)
        for end_ns, decision in zip(ends, decisions, strict=True)
    ]
    classes = tuple(dict.fromkeys(label for name in bags for label in of_source[name].info.labels))
    chances = np.zeros((len(decisions), len(classes)))
    for row, decision in enumerate(decisions):
        for name, value in probabilities(decision.scores).items():
            chances[row, classes.index(name)] = value
    counted = Decided(
        stamps_ns=ends,
        labels=[each.label for each in decisions],
        classes=classes,
        probabilities=chances,
        truth=truth,
        segments=first.segments,
        step_ns=step_ns,
    )
    choices = tuple(
        Choice(each.stamp_ns, each.label, each.source, each.scores[0][1], label)
        for each, label in zip(decisions, counted.true_labels, strict=True)
    )
    return RecordingSelection(first.name, first.subject, first.segments, choices), counted


def _decisions(
    settings: SelectorSettings,
    bags: Mapping[str, BagEvaluation],
) -> Iterator[tuple[int, Decision]]:
    # A recording's clock: labels come when their windows are due. Silence, of which a node tells
    # by watching it, does not occur.
    now_ns = 0
    selector = Selector(settings, lambda: now_ns)
    streams = [_labels(name, bag) for name, bag in bags.items()]
    for now_ns, name, label in heapq.merge(*streams, key=lambda each: each[0]):
        for decision in selector.push(name, label):
            yield now_ns, decision


def _labels(name: str, bag: BagEvaluation) -> Iterable[tuple[int, str, Label]]:
    """Give when each label of a source came; where that is not known, at its stamp."""
    predictions = bag.offline.predictions
    due_ns = bag.offline.due_ns or [each.stamp_ns for each in predictions]
    for came_ns, each in zip(due_ns, predictions, strict=True):
        yield came_ns, name, Label(each.stamp_ns, each.frame_id, each.scores)


def _truth(
    end_ns: int, decision: Decision, of_source: Mapping[str, Evaluation], bag: BagEvaluation
) -> int:
    """Give the segment of the window decided on; of several sources', the longest."""
    lengths = [of_source[name].info.window.length_ns for name in decision.source.split(JOINT)]
    found = window_truth(bag.segments, [end_ns], max(lengths))
    return int(found.segment_of_window[0])

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

"""Scores of a sequence of predictions, per window and per clip."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import TrainingError
from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1


@dataclass(frozen=True)
class LabelScores:
    """One activity: ``support`` is how often it is true."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Scores:
    """Macro-F1 and accuracy; a clip is a labelled segment, decided by its windows' mean.

    ``labels`` are those the truth holds or the decisions name, in the model's order, then any the
    model does not know, then ``unknown``; the confusion matrices (true, decided) follow them.
    Macro-F1 and balanced accuracy (recall) are means over the activities that occur in the truth,
    which are those of ``by_label`` (per clip) and ``by_label_window``.
    """

    macro_f1: float
    macro_f1_window: float
    accuracy: float
    accuracy_window: float
    balanced_accuracy: float
    balanced_accuracy_window: float
    clips: int
    windows: int
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    confusion_window: NDArray[np.int64]
    by_label: dict[str, LabelScores]
    by_label_window: dict[str, LabelScores]

    @property
    def f1_by_label(self) -> dict[str, float]:
        """F1 per clip of each activity that occurs."""
        return {label: each.f1 for label, each in self.by_label.items()}


def score(
    model_labels: Sequence[str],
    probabilities: NDArray[np.float64],
    truth: Sequence[str],
    clips: Sequence[Hashable],
    decisions: Sequence[str] | None = None,
) -> Scores:
    """Score windows whose truth is known.

    ``probabilities`` (N, classes) are a window's class probabilities, all zero where it was not
    classified for want of evidence; ``truth`` and ``clips`` name each window's activity and the
    segment it belongs to. ``decisions`` are what was published for each window, by default the
    likeliest class. A clip is decided by the mean of its windows' probabilities; one without any
    is ``unknown``, which is never right. Raises :class:`TrainingError` when there is no window.
    """
    if not len(truth):
        raise TrainingError('no window has a known activity: there is nothing to score')
    if decisions is None:
        decisions = [_decide(model_labels, row) for row in probabilities]
    clip_truth, clip_decisions = decide_clips(model_labels, probabilities, truth, clips)
    named = {*truth, *decisions, *clip_decisions}
    labels = (
        *(label for label in model_labels if label in named),
        *sorted(named - {*model_labels, 'unknown'}),
        *(('unknown',) if 'unknown' in named else ()),
    )
    present = [label for label in labels if label in set(truth)]
    by_clip = _by_label(clip_truth, clip_decisions, present)
    by_window = _by_label(truth, decisions, present)
    return Scores(
        macro_f1=float(macro_f1(count_by_class(clip_truth, clip_decisions, present))),
        macro_f1_window=float(macro_f1(count_by_class(truth, decisions, present))),
        accuracy=_share_right(clip_truth, clip_decisions),
        accuracy_window=_share_right(truth, decisions),
        balanced_accuracy=_mean(each.recall for each in by_clip.values()),
        balanced_accuracy_window=_mean(each.recall for each in by_window.values()),
        clips=len(clip_truth),
        windows=len(truth),
        labels=labels,
        confusion=_confusion(clip_truth, clip_decisions, labels),
        confusion_window=_confusion(truth, decisions, labels),
        by_label=by_clip,
        by_label_window=by_window,
    )


def decide_clips(
    model_labels: Sequence[str],
    probabilities: NDArray[np.float64],
    truth: Sequence[str],
    clips: Sequence[Hashable],
) -> tuple[list[str], list[str]]:
    """Give every clip's true and decided activity, in the order in which they begin.

    Arguments as for :func:`score`.
    """
    rows_of_clip: dict[Hashable, list[int]] = {}
    for row, clip in enumerate(clips):
        rows_of_clip.setdefault(clip, []).append(row)
    return (
        [truth[rows[0]] for rows in rows_of_clip.values()],
        [_decide(model_labels, probabilities[rows].sum(axis=0)) for rows in rows_of_clip.values()],
    )


def _decide(labels: Sequence[str], chances: NDArray[np.float64]) -> str:
    return labels[int(chances.argmax())] if chances.any() else 'unknown'


def _confusion(
    truth: Sequence[str], decisions: Sequence[str], labels: Sequence[str]
) -> NDArray[np.int64]:
    place = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for true, mine in zip(truth, decisions, strict=True):
        counts[place[true], place[mine]] += 1
    return counts


def _by_label(
    truth: Sequence[str], decisions: Sequence[str], labels: Sequence[str]
) -> dict[str, LabelScores]:
    counts = count_by_class(truth, decisions, labels)
    return {
        # One that is never decided on has no precision: 0.
        label: LabelScores(
            right / max(1, decided), right / true, 2 * right / (true + decided), int(true)
        )
        for label, (right, true, decided) in zip(labels, counts.tolist(), strict=True)
    }


def _share_right(truth: Sequence[str], decisions: Sequence[str]) -> float:
    return _mean(true == mine for true, mine in zip(truth, decisions, strict=True))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))

"""Scores of a sequence of predictions, per window and per clip."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from xmodal_ros.errors import TrainingError


@dataclass(frozen=True, eq=False)
class Scores:
    """Macro-F1 and accuracy; a clip is a labelled segment, decided by its windows' mean.

    ``labels`` are those the truth holds or the decisions name, in the model's order, then any the
    model does not know, then ``unknown``; the confusion matrices (true, decided) follow them.
    Macro-F1 is the mean over the activities that occur in the truth.
    """

    macro_f1: float
    macro_f1_window: float
    accuracy: float
    accuracy_window: float
    clips: int
    windows: int
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    confusion_window: NDArray[np.int64]
    f1_by_label: dict[str, float]


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
    rows_of_clip: dict[Hashable, list[int]] = {}
    for row, clip in enumerate(clips):
        rows_of_clip.setdefault(clip, []).append(row)
    clip_truth = [truth[rows[0]] for rows in rows_of_clip.values()]
    clip_decisions = [
        _decide(model_labels, probabilities[rows].sum(axis=0)) for rows in rows_of_clip.values()
    ]
    named = {*truth, *decisions, *clip_decisions}
    labels = (
        *(label for label in model_labels if label in named),
        *sorted(named - {*model_labels, 'unknown'}),
        *(('unknown',) if 'unknown' in named else ()),
    )
    present = [label for label in labels if label in set(truth)]
    per_label = _f1(clip_truth, clip_decisions, present)
    return Scores(
        macro_f1=float(per_label.mean()),
        macro_f1_window=float(_f1(truth, decisions, present).mean()),
        accuracy=float(accuracy_score(clip_truth, clip_decisions)),
        accuracy_window=float(accuracy_score(truth, decisions)),
        clips=len(clip_truth),
        windows=len(truth),
        labels=labels,
        confusion=confusion_matrix(clip_truth, clip_decisions, labels=list(labels)),
        confusion_window=confusion_matrix(truth, decisions, labels=list(labels)),
        f1_by_label=dict(zip(present, per_label.tolist(), strict=True)),
    )


def _decide(labels: Sequence[str], chances: NDArray[np.float64]) -> str:
    return labels[int(chances.argmax())] if chances.any() else 'unknown'


def _f1(
    truth: Sequence[str], decisions: Sequence[str], labels: Sequence[str]
) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.asarray(
        f1_score(truth, decisions, labels=list(labels), average=None, zero_division=0)
    )
    return values

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

"""What the page tells in tables and cards, in the words and figures that it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.evaluation.scoring import Evaluation, latency_summary
from xmodal_ros.evaluation.trial import Comparison, PairedDifference, Trial
from xmodal_ros.metrics.measures import Interval, Measures

# More would fill a screen with cells that hold nothing; a page must not grow with their square.
_MOST_ROWS: Final = 48
_WORDS: Final = {
    'macro_f1': 'macro-F1 per clip',
    'macro_f1_window': 'macro-F1 per window',
    'accuracy': 'accuracy per clip',
    'accuracy_window': 'accuracy per window',
    'balanced_accuracy': 'balanced accuracy per clip',
    'balanced_accuracy_window': 'balanced accuracy per window',
    'edit': 'edit score',
    'detection_rate': 'segments detected',
    'detection_delay_s': 'mean detection delay, s',
    'ece': 'calibration error (ECE)',
    'brier': 'Brier score',
    'unknown_rate': 'share of unknown',
    'selective_accuracy': 'accuracy where not unknown',
}


@dataclass(frozen=True)
class Card:
    """A figure that is to be seen first; ``verdict`` is 'good', 'bad' or nothing."""

    name: str
    value: str
    meaning: str
    more: str = ''
    verdict: str = ''


@dataclass(frozen=True)
class ScoreCell:
    """One scalar, and its interval where it is known."""

    value: str
    interval: str


@dataclass(frozen=True)
class ScoreRow:
    """One scalar of every bundle and of the selector."""

    name: str
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """All scalars; ``over`` says what the intervals are over, '' without any.

    ``selector`` says what that column is, '' where there is none.
    """

    names: tuple[str, ...]
    rows: tuple[ScoreRow, ...]
    over: str
    selector: str


@dataclass(frozen=True)
class Cell:
    """One cell of a confusion matrix; ``truth`` and ``decided`` are the page's labels' indices."""

    count: int
    share: float
    label: str
    truth: int
    decided: int
    right: bool
    has_clip: bool


@dataclass(frozen=True)
class MatrixRow:
    """One activity's row."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix of at most 48 activities, ``left_out`` of them not shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    left_out: int


@dataclass(frozen=True)
class ActivityRow:
    """One activity's figures, as text."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonRow:
    """One paired difference, as text."""

    metric: str
    ours: str
    theirs: str
    difference: str
    interval: str
    p: str
    p_holm: str


def metric_words(name: str) -> str:
    """Give a scalar's name as a person reads it."""
    if name.startswith('segmental_f1_'):
        return f'segmental F1@{name.rpartition("_")[2]}'
    return _WORDS.get(name, name.replace('_', ' '))


def cards(trial: Trial) -> list[Card]:
    """Choose what is to be seen first."""
    found = [
        card
        for evaluation in trial.evaluations
        for card in _score_cards(evaluation, alone=len(trial.evaluations) == 1)
    ]
    if trial.selection and (value := trial.selection.measures.scalars.get('macro_f1')) is not None:
        interval = trial.selection.measures.intervals.get('macro_f1')
        found.append(
            Card(
                trial.selection.title,
                f'{value:.3f}',
                _WORDS['macro_f1'],
                _between(interval, brackets=True),
            )
        )
    if not any(evaluation.scores for evaluation in trial.evaluations):
        found.append(
            Card(
                'no scores',
                '–',
                'no window belongs to a labelled segment: there are decisions to look at, but no '
                'scores',
            )
        )
    for evaluation in trial.evaluations:
        name = '' if len(trial.evaluations) == 1 else evaluation.name
        if agreement := evaluation.agreement:
            found.append(
                Card(
                    name,
                    'equal' if agreement.equal else 'differs',
                    'live against offline',
                    f'({agreement.compared} stamps)',
                    'good' if agreement.equal else 'bad',
                )
            )
        if latency := latency_summary(evaluation):
            waiting = '; with the waiting at full speed' if evaluation.hurried else ''
            more = f'(p95 {latency["p95"]:.1f} ms{waiting})'
            found.append(Card(name, f'{latency["p50"]:.1f} ms', 'live latency p50', more))
    return found


def _score_cards(evaluation: Evaluation, *, alone: bool) -> list[Card]:
    scores, intervals = evaluation.scores, evaluation.measures.intervals
    if scores is None:
        return []
    name = '' if alone else evaluation.name
    first = Card(
        name,
        f'{scores.macro_f1:.3f}',
        _WORDS['macro_f1'],
        _between(intervals.get('macro_f1'), brackets=True) or f'({scores.clips} clips)',
    )
    if not alone:
        return [first]
    window = _between(intervals.get('macro_f1_window'), brackets=True)
    return [
        first,
        Card(
            name,
            f'{scores.macro_f1_window:.3f}',
            _WORDS['macro_f1_window'],
            window or f'({scores.windows} windows)',
        ),
        Card(name, f'{scores.accuracy:.3f}', 'accuracy per clip', f'({scores.clips} clips)'),
    ]


def score_table(trial: Trial) -> ScoreTable:
    """Put every scalar of every bundle, and the selector's, side by side."""
    columns: dict[str, Measures] = {each.name: each.measures for each in trial.evaluations}
    if trial.selection:
        columns[trial.selection.title] = trial.selection.measures
    names = list(dict.fromkeys(name for each in columns.values() for name in each.scalars))
    shown = [n for n in names if any(c.scalars.get(n) is not None for c in columns.values())]
    overs = {
        f'{interval.units} {interval.over}'
        for each in columns.values()
        for interval in each.intervals.values()
    }
    return ScoreTable(
        tuple(columns),
        tuple(
            ScoreRow(
                metric_words(name),
                tuple(
                    ScoreCell(_figure(each.scalars.get(name)), _between(each.intervals.get(name)))
                    for each in columns.values()
                ),
            )
            for name in shown
        ),
        ' or '.join(sorted(overs)),
        trial.selection.explanation if trial.selection else '',
    )


def comparison_rows(comparison: Comparison) -> list[ComparisonRow]:
    """Give the paired differences as text."""
    return [_comparison_row(each) for each in comparison.differences]


def _comparison_row(each: PairedDifference) -> ComparisonRow:
    known = each.low is not None and each.high is not None
    return ComparisonRow(
        metric_words(each.metric),
        each.ours,
        each.theirs,
        _signed(each.difference),
        f'{_signed(each.low)} to {_signed(each.high)}' if known else '–',
        _p(each.p),
        _p(each.p_holm),
    )


def matrices(
    evaluation: Evaluation, places: Mapping[str, int], wrong: set[tuple[int, int]]
) -> list[Matrix]:
    """Give both confusion matrices; ``wrong`` are the (truth, decided) that the page has clips of.

    ``places`` maps labels to their indices in the page.
    """
    scores = evaluation.scores
    if scores is None:
        return []
    return [
        _matrix('per clip', scores.confusion, scores.labels, places, wrong),
        _matrix('per window', scores.confusion_window, scores.labels, places, set()),
    ]


def _matrix(
    title: str,
    counts: NDArray[np.int64],
    labels: Sequence[str],
    places: Mapping[str, int],
    wrong: set[tuple[int, int]],
) -> Matrix:
    total = counts.sum(axis=1) + counts.sum(axis=0)
    often = np.argsort(-total, kind='stable')[:_MOST_ROWS]
    kept = sorted(int(index) for index in often if total[index])
    rows = [
        MatrixRow(
            labels[i],
            tuple(
                Cell(
                    count=int(counts[i, j]),
                    share=float(counts[i, j] / counts[i].sum()),
                    label=labels[j],
                    truth=places[labels[i]],
                    decided=places[labels[j]],
                    right=i == j,
                    has_clip=(places[labels[i]], places[labels[j]]) in wrong,
                )
                for j in kept
            ),
        )
        for i in kept
        if counts[i].any()
    ]
    left_out = int((total > 0).sum()) - len(kept)
    return Matrix(title, tuple(labels[j] for j in kept), tuple(rows), left_out)


def by_activity(evaluation: Evaluation) -> list[ActivityRow]:
    """Give each activity's figures per clip and per window, and its median detection delay."""
    scores = evaluation.scores
    if scores is None:
        return []
    delays: dict[str, list[float]] = {}
    for detection in evaluation.measures.detections:
        if detection.delay_s is not None:
            delays.setdefault(detection.label, []).append(detection.delay_s)
    found = []
    for index, label in enumerate(scores.labels):
        if not scores.confusion_window[index].any():
            continue
        delay = f'{np.median(delays[label]):.1f} s' if label in delays else '–'
        figures = (
            *_by_class(scores.confusion, index),
            *_by_class(scores.confusion_window, index),
            delay,
        )
        found.append(ActivityRow(label, figures))
    return found


def _by_class(counts: NDArray[np.int64], index: int) -> tuple[str, ...]:
    right = counts[index, index]
    true, decided = counts[index].sum(), counts[:, index].sum()
    return (
        str(true),
        f'{right / true:.2f}' if true else '–',
        f'{right / decided:.2f}' if decided else '–',
        f'{2 * right / (true + decided):.2f}' if true + decided else '–',
    )


def _figure(value: float | None) -> str:
    return '–' if value is None else f'{value:.3f}'


def _signed(value: float | None) -> str:
    return '–' if value is None else f'{value:+.3f}'.replace('-', '−')


def _p(value: float | None) -> str:
    if value is None:
        return '–'
    return '< 0.001' if value < 0.001 else f'{value:.3f}'


def _between(interval: Interval | None, *, brackets: bool = False) -> str:
    if interval is None:
        return ''
    return f'[{interval.words}]' if brackets else interval.words

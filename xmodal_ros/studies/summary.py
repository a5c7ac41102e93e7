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

"""From the records of all runs to the tables of a study."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.metrics.macro_f1 import counts_of_confusion, macro_f1
from xmodal_ros.metrics.statistics import (
    Difference,
    holm,
    mean_score,
    paired_difference,
    score_interval,
)
from xmodal_ros.studies.results import Outcome, RunRecord
from xmodal_ros.studies.runs import Run
from xmodal_ros.studies.specification import Labels, MethodRow, Study

_ALIKE: Final = 1e-9


@dataclass(frozen=True)
class Line:
    """A row of a table: one method for one target from one set of sources.

    Scores are means over the ``seeds`` whose runs are all done; ``low`` and ``high`` are the
    least and the best of them, per clip, and ``interval`` is of the score, over people. ``clip``
    and ``window`` are differences to the reference for the same target, None for the reference
    itself; ``p`` is Holm's, per clip. ``better`` says of how many people the score is above, and
    below, that of the reference. ``best_alone`` is the difference per clip to whichever row that
    learns from no source is best, ``best_alone_row``, and ``best_alone_p`` Holm's of these.
    ``sources_kept`` says in how many of the runs each source was used, ``chosen`` in how many
    each choice was taken. ``failures`` are the reasons of runs without a result.
    """

    target: str
    sources: tuple[str, ...]
    row: str
    is_reference: bool
    seeds: tuple[int, ...]
    subjects: int
    macro_f1: float | None
    low: float | None
    high: float | None
    interval: tuple[float, float] | None
    macro_f1_window: float | None
    clip: Difference | None
    window: Difference | None
    p: float | None
    better: tuple[int, int] | None
    best_alone: Difference | None
    best_alone_row: str
    best_alone_p: float | None
    parameters: tuple[int, ...]
    sources_kept: Mapping[str, int]
    chosen: Mapping[str, int]
    runs: int
    runs_planned: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """All lines of one split and amount of labels; p values are corrected over them.

    ``people`` is from how many each run learns, by the mean over folds, those counted too who lack
    the target and teach by sources alone; None where the same people are tested. ``fraction`` is
    the share of labels, None where there are so many an activity. ``unlabelled`` says whether the
    windows of the others are there too, without a label.
    """

    split: str
    labels: str
    people: float | None
    fraction: float | None
    unlabelled: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Cell:
    """The runs of one line, by seed and fold; None for those that are not done.

    ``shown`` are those that are compared, ``runs`` all of them.
    """

    shown: Mapping[tuple[int, int], RunRecord | None]
    runs: Mapping[tuple[int, int], RunRecord | None]

    def outcomes(self) -> dict[int, list[Outcome]]:
        """Give the outcomes of those seeds whose folds are all done."""
        by_seed: dict[int, list[Outcome | None]] = defaultdict(list)
        for (seed, _), record in self.shown.items():
            by_seed[seed].append(record.outcome if record else None)
        return {
            seed: [outcome for outcome in outcomes if outcome]
            for seed, outcomes in by_seed.items()
            if all(outcomes)
        }

    def done(self) -> list[Outcome]:
        """Give the outcomes of all runs that are done."""
        return [record.outcome for record in self.runs.values() if record and record.outcome]

    def failures(self) -> tuple[str, ...]:
        """Give the different reasons of failure."""
        reasons = [record.failure for record in self.runs.values() if record and record.failure]
        return tuple(dict.fromkeys(reasons))


def summarise(study: Study, records: Sequence[tuple[Run, RunRecord | None]]) -> tuple[Table, ...]:
    """Make a study's tables of its runs and their records, where they are done."""
    runs: dict[tuple[str, Labels], dict[tuple[str, tuple[str, ...], str], _Found]] = {}
    counts: dict[tuple[str, Labels], dict[int, int]] = {}
    rows = {row.row: row for row in study.methods}
    for run, record in records:
        group = run.group
        key = group.fold.kind, group.labels
        found = runs.setdefault(key, {}).setdefault((group.target, group.sources, run.row.row), {})
        found[group.seed, group.fold.number] = record
        if group.fold.direction is not None:
            train = group.fold.direction.train
            learnt_from = [name for name in train if name in (group.labelled or train)]
            counts.setdefault(key, {})[group.fold.number] = len(learnt_from)
    return tuple(
        Table(
            split,
            labels.title,
            float(np.mean(list(counts[split, labels].values()))) if split == 'across' else None,
            labels.fraction if labels.shots is None else None,
            labels.unlabelled,
            _lines(lines, rows),
        )
        for (split, labels), lines in runs.items()
    )


_Found = dict[tuple[int, int], RunRecord | None]


def _lines(
    lines: Mapping[tuple[str, tuple[str, ...], str], _Found], rows: Mapping[str, MethodRow]
) -> tuple[Line, ...]:
    cells = {key: _Cell(found, lines[key]) for key, found in _alike(lines).items()}
    references = {
        target: cell for (target, _, row), cell in cells.items() if rows[row].is_reference
    }
    made = [
        _line(target, sources, rows[row], cell, references[target])
        for (target, sources, row), cell in cells.items()
    ]
    made = [
        replace(line, **_compared_with_best(line, made, cells))
        if rows[line.row].learns_from_sources
        else line
        for line in made
    ]
    # Together by target, in the order of the study.
    targets = list(dict.fromkeys(line.target for line in made))
    made.sort(key=lambda line: targets.index(line.target))
    corrected = _corrected([line.clip for line in made])
    corrected_best = _corrected([line.best_alone for line in made])
    return tuple(
        replace(line, p=corrected.get(str(i)), best_alone_p=corrected_best.get(str(i)))
        for i, line in enumerate(made)
    )


def _alike(
    lines: Mapping[tuple[str, tuple[str, ...], str], _Found],
) -> dict[tuple[str, tuple[str, ...], str], _Found]:
    """Leave out of a target's lines the folds that some have still to do, if no seed is complete.

    What was done by then is shown of the seed that has come furthest.
    """
    shown = dict(lines)
    for target in {key[0] for key in lines}:
        own = {key: found for key, found in lines.items() if key[0] == target}
        tried = [{at for at, record in found.items() if record} for found in own.values()]
        common, planned = set.intersection(*tried), set.union(*map(set, own.values()))
        by_seed: dict[int, set[tuple[int, int]]] = defaultdict(set)
        for at in common:
            by_seed[at[0]].add(at)
        folds = Counter(seed for seed, _ in planned)
        if not common or any(len(by_seed[seed]) == count for seed, count in folds.items()):
            continue
        furthest = max(by_seed.values(), key=len)
        for key, found in own.items():
            shown[key] = {at: record for at, record in found.items() if at in furthest}
    return shown


def _corrected(differences: Sequence[Difference | None]) -> dict[str, float]:
    return holm(
        {str(i): d.p for i, d in enumerate(differences) if d is not None and d.p is not None}
    )


def _compared_with_best(
    line: Line, lines: Sequence[Line], cells: Mapping[tuple[str, tuple[str, ...], str], '_Cell']
) -> dict[str, Any]:
    """Compare a line with the best of those for its target that learn from no source."""
    alone = [
        other
        for other in lines
        if other.target == line.target and not other.sources and other.macro_f1 is not None
    ]
    if not alone:
        return {}
    best = max(alone, key=lambda other: other.macro_f1 or 0.0)
    ours = cells[line.target, line.sources, line.row].outcomes()
    theirs = cells[best.target, best.sources, best.row].outcomes()
    both = [seed for seed in ours if seed in theirs]
    if not both:
        return {}
    difference = paired_difference(*_aligned([ours, theirs], both, 'clip'))
    return {'best_alone': difference, 'best_alone_row': best.row}


def _line(
    target: str, sources: tuple[str, ...], row: MethodRow, cell: _Cell, reference: _Cell
) -> Line:
    outcomes, compared = cell.outcomes(), reference.outcomes()
    both = [seed for seed in outcomes if seed in compared]
    done, shown = cell.done(), [each for by_fold in outcomes.values() for each in by_fold]
    clip = window = better = interval = None
    if both and not row.is_reference:
        ours, theirs = _aligned([outcomes, compared], both, 'clip')
        clip, better = paired_difference(ours, theirs), _better(ours, theirs)
        window = paired_difference(*_aligned([outcomes, compared], both, 'window'))
    if outcomes:
        (counts,) = _aligned([outcomes], list(outcomes), 'clip')
        interval = score_interval(counts)
    by_seed = {seed: _aligned([outcomes], [seed], 'clip')[0] for seed in outcomes}
    scores = [mean_score(counts) for counts in by_seed.values()]
    by_window = [mean_score(_aligned([outcomes], [s], 'window')[0]) for s in outcomes]
    return Line(
        target=target,
        sources=sources,
        row=row.row,
        is_reference=row.is_reference,
        seeds=tuple(outcomes),
        subjects=len({subject for outcome in shown for subject in outcome.subjects}),
        macro_f1=float(np.mean(scores)) if scores else None,
        low=min(scores, default=None),
        high=max(scores, default=None),
        interval=interval,
        macro_f1_window=float(np.mean(by_window)) if by_window else None,
        clip=clip,
        window=window,
        p=None,
        better=better,
        best_alone=None,
        best_alone_row='',
        best_alone_p=None,
        parameters=tuple(sorted({o.parameters for o in done if o.parameters is not None})),
        sources_kept={
            name: len(done) if row.all_sensors else sum(name in o.sources_used for o in done)
            for name in sources
        },
        chosen={
            choice.row: sum(o.facts.get('chosen') == choice.row for o in done)
            for choice in row.choose
        },
        runs=len(done),
        runs_planned=len(cell.runs),
        failures=cell.failures(),
    )


def _better(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[int, int]:
    """Count the people whose own macro-F1, by the mean over seeds, is above and below."""
    gain = macro_f1(ours).mean(axis=0) - macro_f1(theirs).mean(axis=0)
    return int((gain > _ALIKE).sum()), int((gain < -_ALIKE).sum())


def _aligned(
    cells: Sequence[Mapping[int, Sequence[Outcome]]], seeds: Sequence[int], level: str
) -> list[NDArray[np.float64]]:
    """Give class counts (seeds, subjects, classes, 3) of cells, by the same subjects and classes.

    What a subject was in several folds is added up.
    """
    everything = [outcome for cell in cells for seed in seeds for outcome in cell[seed]]
    subjects = sorted({subject for outcome in everything for subject in outcome.subjects})
    labels = sorted({label for outcome in everything for label in outcome.labels})
    aligned = []
    for cell in cells:
        counts = np.zeros((len(seeds), len(subjects), len(labels), 3))
        for number, seed in enumerate(seeds):
            for outcome in cell[seed]:
                for subject, confusion in outcome.subjects.items():
                    counts[number, subjects.index(subject)] += counts_of_confusion(
                        getattr(confusion, level), outcome.labels, labels
                    )
        aligned.append(counts)
    return aligned

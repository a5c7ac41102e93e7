"""From the records of all runs to the tables of a study."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.metrics.macro_f1 import counts_of_confusion
from xmodal_ros.metrics.statistics import (
    Difference,
    holm,
    mean_score,
    paired_difference,
)
from xmodal_ros.studies.results import Outcome, RunRecord
from xmodal_ros.studies.runs import Run
from xmodal_ros.studies.specification import MethodRow, Study


@dataclass(frozen=True)
class Line:
    """A row of a table: one method for one target from one set of sources.

    Scores are means over the ``seeds`` whose runs are all done; ``low`` and ``high`` are the
    least and the best of them, per clip. ``clip`` and ``window`` are differences to the reference
    for the same target, None for the reference itself; ``p`` is Holm's, per clip. ``sources_kept``
    says in how many of the runs each source was used. ``failures`` are the reasons of runs
    without a result.
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
    macro_f1_window: float | None
    clip: Difference | None
    window: Difference | None
    p: float | None
    parameters: tuple[int, ...]
    sources_kept: Mapping[str, int]
    runs: int
    runs_planned: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """All lines of one split and amount of labels; p values are corrected over them."""

    split: str
    labels: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Cell:
    """The runs of one line, by seed and fold; None for those that are not done."""

    runs: Mapping[tuple[int, int], RunRecord | None]

    def outcomes(self) -> dict[int, list[Outcome]]:
        """Give the outcomes of those seeds whose folds are all done."""
        by_seed: dict[int, list[Outcome | None]] = defaultdict(list)
        for (seed, _), record in self.runs.items():
            by_seed[seed].append(record.outcome if record else None)
        return {
            seed: [outcome for outcome in outcomes if outcome]
            for seed, outcomes in by_seed.items()
            if all(outcomes)
        }

    def failures(self) -> tuple[str, ...]:
        """Give the different reasons of failure."""
        reasons = [record.failure for record in self.runs.values() if record and record.failure]
        return tuple(dict.fromkeys(reasons))


def summarise(study: Study, records: Sequence[tuple[Run, RunRecord | None]]) -> tuple[Table, ...]:
    """Make a study's tables of its runs and their records, where they are done."""
    runs: dict[tuple[str, str], dict[tuple[str, tuple[str, ...], str], _Found]] = {}
    rows = {row.row: row for row in study.methods}
    for run, record in records:
        group = run.group
        lines = runs.setdefault((group.fold.kind, group.labels.title), {})
        found = lines.setdefault((group.target, group.sources, run.row.row), {})
        found[group.seed, group.fold.number] = record
    return tuple(_table(split, labels, lines, rows) for (split, labels), lines in runs.items())


_Found = dict[tuple[int, int], RunRecord | None]


def _table(
    split: str,
    labels: str,
    lines: Mapping[tuple[str, tuple[str, ...], str], _Found],
    rows: Mapping[str, MethodRow],
) -> Table:
    cells = {key: _Cell(found) for key, found in lines.items()}
    references = {
        target: cell for (target, _, row), cell in cells.items() if rows[row].is_reference
    }
    made = [
        _line(target, sources, rows[row], cell, references[target])
        for (target, sources, row), cell in cells.items()
    ]
    # Together by target, in the order of the study.
    targets = list(dict.fromkeys(line.target for line in made))
    made.sort(key=lambda line: targets.index(line.target))
    known = {
        str(i): line.clip.p
        for i, line in enumerate(made)
        if line.clip is not None and line.clip.p is not None
    }
    corrected = holm(known)
    return Table(
        split,
        labels,
        tuple(replace(line, p=corrected.get(str(i))) for i, line in enumerate(made)),
    )


def _line(
    target: str, sources: tuple[str, ...], row: MethodRow, cell: _Cell, reference: _Cell
) -> Line:
    outcomes, compared = cell.outcomes(), reference.outcomes()
    both = [seed for seed in outcomes if seed in compared]
    done = [outcome for by_fold in outcomes.values() for outcome in by_fold]
    clip = window = None
    if both and not row.is_reference:
        clip, window = (
            paired_difference(*_aligned([outcomes, compared], both, level))
            for level in ('clip', 'window')
        )
    by_seed = {seed: _aligned([outcomes], [seed], 'clip')[0] for seed in outcomes}
    scores = [mean_score(counts) for counts in by_seed.values()]
    by_window = [mean_score(_aligned([outcomes], [s], 'window')[0]) for s in outcomes]
    return Line(
        target=target,
        sources=sources,
        row=row.row,
        is_reference=row.is_reference,
        seeds=tuple(outcomes),
        subjects=len({subject for outcome in done for subject in outcome.subjects}),
        macro_f1=float(np.mean(scores)) if scores else None,
        low=min(scores, default=None),
        high=max(scores, default=None),
        macro_f1_window=float(np.mean(by_window)) if by_window else None,
        clip=clip,
        window=window,
        p=None,
        parameters=tuple(sorted({o.parameters for o in done if o.parameters is not None})),
        sources_kept={name: sum(name in o.sources_used for o in done) for name in sources},
        runs=len(done),
        runs_planned=len(cell.runs),
        failures=cell.failures(),
    )


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

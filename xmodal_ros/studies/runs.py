"""The runs a study is made of, and what they share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import hashlib
from itertools import product
import json
import re
from typing import Any, Literal

from xmodal_ros import __version__
from xmodal_ros.data.split import DataSplit, LabelSubset, SegmentFold, SubjectSplit
from xmodal_ros.studies.specification import Direction, Labels, MethodRow, Study

SplitKind = Literal['across', 'within']


@dataclass(frozen=True)
class Fold:
    """One direction of a split: who or what trains and tests.

    ``across`` names subjects; ``within`` tests fold ``number`` of ``folds`` of ``subjects``,
    all where that is empty.
    """

    kind: SplitKind
    number: int
    direction: Direction | None = None
    folds: int = 1
    subjects: tuple[str, ...] = ()

    @property
    def people(self) -> SubjectSplit | SegmentFold:
        """Who or what trains and tests."""
        if self.direction is None:
            return SegmentFold(self.number, self.folds, self.subjects)
        named = self.direction
        return SubjectSplit((*named.train, *named.sources_only), named.validation, named.test)


@dataclass(frozen=True)
class Group:
    """Runs that share everything but the row: their sources are trained once for all of them."""

    target: str
    sources: tuple[str, ...]
    fold: Fold
    labels: Labels
    seed: int
    rows: tuple[MethodRow, ...]

    @property
    def split(self) -> DataSplit:
        """Who or what trains, validates and tests."""
        labels = LabelSubset(self.labels.fraction, self.labels.shots, self.labels.unlabelled)
        direction = self.fold.direction
        sources_only = () if direction is None else direction.sources_only
        return DataSplit(self.fold.people, sources_only, labels, self.seed)


@dataclass(frozen=True)
class Run:
    """One row trained and tested once."""

    group: Group
    row: MethodRow

    @property
    def title(self) -> str:
        """What progress displays say."""
        group = self.group
        learns = f' from {"+".join(group.sources)}' if group.sources else ''
        return (
            f'{group.target}{learns}, {self.row.row}, {group.fold.kind} {group.fold.number + 1}, '
            f'{group.labels.title}, seed {group.seed}'
        )

    def identity(self, study: Study, recordings: Mapping[str, Any]) -> dict[str, Any]:
        """Give all that decides the result, as it is kept with it.

        ``recordings`` says what the recordings hold. Where anything of it changes, it is another
        run.
        """
        group = self.group
        direction = group.fold.direction
        return {
            'row': self.row.row,
            'method': self.row.method,
            'options': self.row.options,
            'statistics': self.row.statistics,
            'target': group.target,
            'sources': list(group.sources),
            'split': group.fold.kind,
            'fold': group.fold.number,
            'folds': group.fold.folds,
            'subjects': list(group.fold.subjects),
            'direction': None if direction is None else direction.model_dump(mode='json'),
            'labels': group.labels.model_dump(mode='json'),
            'seed': group.seed,
            'windows': study.windows.model_dump(mode='json'),
            'sensors': {
                name: settings.model_dump(mode='json', exclude_none=True)
                for name, settings in sorted(study.sensors.items())
            },
            'recordings': recordings,
            'version': __version__,
        }


def file_name(identity: Mapping[str, Any]) -> str:
    """Give the file that the result of a run lies in: another for any other run."""
    text = json.dumps(identity, sort_keys=True)
    words = (identity['target'], identity['row'], f'seed{identity["seed"]}')
    readable = re.sub(r'[^A-Za-z0-9.=+-]+', '_', '-'.join(words))
    return f'{readable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json'


def groups(study: Study) -> Iterator[Group]:
    """Give all runs: table by table, and seed by seed, so that early ones are whole first.

    Rows that learn from nobody are run once a target, whatever sets of sources it has.
    """
    alone = tuple(row for row in study.methods if not row.learns_from_sources)
    transfer_rows = tuple(row for row in study.methods if row.learns_from_sources)
    for labels, folds in _tables(study):
        for seed, fold in product(study.seeds, folds):
            for target, sets in study.targets.items():
                yield Group(target, (), fold, labels, seed, alone)
                for sources in sets if transfer_rows else ():
                    yield Group(target, sources, fold, labels, seed, transfer_rows)


def _tables(study: Study) -> Iterator[tuple[Labels, tuple[Fold, ...]]]:
    across, within = study.splits.across, study.splits.within
    if across is not None:
        folds = tuple(
            Fold('across', i, direction) for i, direction in enumerate(across.directions)
        )
        for labels in across.labels:
            yield labels, folds
    if within is not None:
        folds = tuple(
            Fold('within', i, folds=within.folds, subjects=within.subjects)
            for i in range(within.folds)
        )
        for labels in within.labels:
            yield labels, folds

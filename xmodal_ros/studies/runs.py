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

"""The runs a study is made of, and what they share."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
import hashlib
from itertools import product
import json
import re
from typing import Any, Final, Literal

import numpy as np

from xmodal_ros import __version__
from xmodal_ros.data.split import (
    DataSplit,
    LabelSubset,
    natural_order,
    SegmentFold,
    SubjectSplit,
)
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.studies.specification import (
    Across,
    Direction,
    Labels,
    MethodRow,
    number_of_people,
    Study,
)

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
    labelled: tuple[str, ...] = ()
    """Who of those who train has labels, where the others have none."""

    @property
    def split(self) -> DataSplit:
        """Who or what trains, validates and tests."""
        labels = LabelSubset(
            self.labels.fraction, self.labels.shots, self.labels.unlabelled, self.labelled
        )
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

    def identity(
        self, study: Study, recordings: Mapping[str, str], modalities: Collection[str]
    ) -> dict[str, Any]:
        """Give all that decides the result, as it is kept with it.

        ``recordings`` says what the recordings hold of the run's sensors, which are of these
        ``modalities``. Where anything of it changes, it is another run.
        """
        group = self.group
        direction = group.fold.direction
        return {
            'row': self.row.row,
            'method': self.row.method,
            'options': self.row.options,
            'statistics': self.row.statistics,
            'all_sensors': self.row.all_sensors,
            'choose': [choice.model_dump(mode='json') for choice in self.row.choose],
            'inner_folds': self.row.inner_folds if self.row.choose else None,
            'target': group.target,
            'sources': list(group.sources),
            'split': group.fold.kind,
            'fold': group.fold.number,
            'folds': group.fold.folds,
            'subjects': list(group.fold.subjects),
            'direction': None if direction is None else direction.model_dump(mode='json'),
            'labels': group.labels.model_dump(mode='json'),
            **({'labelled': list(group.labelled)} if group.labelled else {}),
            'seed': group.seed,
            'windows': study.windows.model_dump(mode='json'),
            'sensors': {
                name: settings.model_dump(mode='json', exclude_none=True)
                for name, settings in sorted(study.sensors.items())
                if name in modalities
            },
            'recordings': dict(recordings),
            'version': __version__,
        }


def file_name(identity: Mapping[str, Any]) -> str:
    """Give the file that the result of a run lies in: another for any other run."""
    text = json.dumps(identity, sort_keys=True)
    words = (identity['target'], identity['row'], f'seed{identity["seed"]}')
    readable = re.sub(r'[^A-Za-z0-9.=+-]+', '_', '-'.join(words))
    return f'{readable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json'


@dataclass(frozen=True)
class People:
    """Who is there: the ``subjects`` of all recordings, and of them who ``lack`` a sensor."""

    subjects: tuple[str, ...] = ()
    lack: Mapping[str, frozenset[str]] = field(default_factory=dict)


_NOBODY_KNOWN: Final = People()


def groups(study: Study, people: People = _NOBODY_KNOWN) -> Iterator[Group]:
    """Give all runs: table by table, and seed by seed, so that early ones are whole first.

    Rows that learn from nobody are run once a target, whatever sets of sources it has. A fold in
    which nobody who is tested has the target is none of that target.
    Raises :class:`ConfigurationError` where there are too few people for what is asked.
    """
    alone = tuple(row for row in study.methods if not row.learns_from_sources)
    transfer_rows = tuple(row for row in study.methods if row.learns_from_sources)
    for labels, folds in _tables(study, people):
        for seed, fold in product(study.seeds, folds):
            for target, sets in study.targets.items():
                without = people.lack.get(target, frozenset())
                drawn = _draw_people(fold, labels.people, seed, without)
                labelled: tuple[str, ...] = ()
                if labels.others_unlabelled and drawn.direction is not None:
                    named = drawn.direction
                    labelled, drawn = (*named.train, *named.sources_only), fold
                if fold.direction and set(fold.direction.test) <= without:
                    continue
                yield Group(target, (), drawn, labels, seed, alone, labelled)
                for sources in sets if transfer_rows else ():
                    yield Group(target, sources, drawn, labels, seed, transfer_rows, labelled)


def folds_over_people(
    subjects: Sequence[str], folds: int | Literal['leave_one_out']
) -> tuple[Direction, ...]:
    """Divide people so that each is tested once: by name, the n-th is in fold n mod folds.

    Raises :class:`ConfigurationError` where there are fewer people than folds.
    """
    ordered = sorted(set(subjects), key=natural_order)
    if len(ordered) < 2:
        raise ConfigurationError(
            f'the recordings show {number_of_people(len(ordered))}, and folds over people need '
            'two at least: nobody is left to test on. Record others, or divide what this one does '
            "with 'within', which says nothing of other people"
        )
    count = len(ordered) if folds == 'leave_one_out' else folds
    if count > len(ordered):
        raise ConfigurationError(
            f'{count} folds cannot be made of {number_of_people(len(ordered))}: '
            f"give 'folds: {len(ordered)}' at most, or leave_one_out"
        )
    return tuple(
        Direction(
            train=tuple(name for i, name in enumerate(ordered) if i % count != number),
            test=tuple(ordered[number::count]),
        )
        for number in range(count)
    )


def inner_folds(group: Group, row: MethodRow) -> tuple[Group, ...]:
    """Give groups in which those who train in ``group`` are tested once each, for choosing.

    One person alone is divided by segments. Nobody who tests in ``group`` has a part.
    """
    outer = group.fold.direction
    if outer is None:
        raise ConfigurationError(f'row {row.row!r} chooses over people: only across people')
    if len(outer.train) == 1:
        folds = tuple(Fold('within', i, folds=2, subjects=outer.train) for i in range(2))
    else:
        count = min(row.inner_folds, len(outer.train))
        folds = tuple(
            Fold(
                'across',
                number,
                inner.model_copy(update={'sources_only': outer.sources_only}),
            )
            for number, inner in enumerate(folds_over_people(outer.train, count))
        )
    return tuple(replace(group, fold=fold, rows=row.choose, labels=Labels()) for fold in folds)


def _draw_people(fold: Fold, count: int | None, seed: int, without: Collection[str]) -> Fold:
    """Let only so many people of a fold train; more of them are the same ones and others.

    Who is ``without`` the target is drawn where there are not enough others.
    """
    if count is None or fold.direction is None:
        return fold
    train = sorted(fold.direction.train, key=natural_order)
    if count > len(train):
        raise ConfigurationError(
            f'{number_of_people(count)} to learn from are asked for, but in fold '
            f'{fold.number + 1} there are {len(train)}: name fewer, or more folds'
        )
    order = np.random.default_rng([seed, fold.number]).permutation(len(train)).tolist()
    order.sort(key=lambda index: train[index] in without)
    drawn = tuple(sorted((train[index] for index in order[:count]), key=natural_order))
    return replace(fold, direction=fold.direction.model_copy(update={'train': drawn}))


def _tables(study: Study, people: People) -> Iterator[tuple[Labels, tuple[Fold, ...]]]:
    across, within = study.splits.across, study.splits.within
    if across is not None:
        folds = tuple(
            Fold('across', i, direction) for i, direction in enumerate(directions(study, people))
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


def directions(study: Study, people: People) -> tuple[Direction, ...]:
    """Give who trains and who tests across people: as named, or a direction a fold."""
    across = study.splits.across
    if across is None:
        return ()
    if across.folds is None:
        return across.directions
    return folds_over_people(_testable(study, across, people), across.folds)


def _testable(study: Study, across: Across, people: People) -> tuple[str, ...]:
    """Give the people that folds are made of: those named, or all who have any target."""
    if across.subjects:
        unknown = [name for name in across.subjects if name not in people.subjects]
        if unknown and people.subjects:
            raise ConfigurationError(
                f'splits.across.subjects: no recording shows {", ".join(unknown)}; there are '
                f'{", ".join(sorted(people.subjects, key=natural_order))}'
            )
        return across.subjects
    without = set.intersection(*(set(people.lack.get(name, ())) for name in study.targets))
    return tuple(name for name in people.subjects if name not in without)

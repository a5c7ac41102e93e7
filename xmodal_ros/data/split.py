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

"""Who or what is trained on, validates and tests; nobody and nothing does two of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
import re
from typing import Final, Literal

import numpy as np

from xmodal_ros.data.recording import RecordingFacts
from xmodal_ros.errors import TrainingError

# Without validation subjects, this share of each activity's segments is held out instead.
HELD_OUT_SHARE: Final = 0.15

# A labelled segment: the number of its recording, and its position there.
SegmentKey = tuple[int, int]
Part = Literal['training', 'validation', 'test']


@dataclass(frozen=True)
class SubjectSplit:
    """Subjects by their part; those not named have none.

    ``validation`` is empty when segments are held out instead.
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """All who have a part."""
        return (*self.training, *self.validation, *self.test)

    def parts(self, recordings: Sequence[RecordingFacts]) -> dict[SegmentKey, Part]:
        """Give the part of each segment of those who have one."""
        part_of: dict[str, Part] = {}
        part_of |= dict.fromkeys(self.training, 'training')
        part_of |= dict.fromkeys(self.validation, 'validation')
        part_of |= dict.fromkeys(self.test, 'test')
        return {
            (number, segment): part_of[facts.subject]
            for number, facts in enumerate(recordings)
            if facts.subject in part_of
            for segment in range(len(facts.segments))
        }


@dataclass(frozen=True)
class SegmentFold:
    """The same people train and test: of an activity's segments the n-th is in fold n mod folds.

    Fold ``number`` of ``folds`` tests. ``subjects`` are all where none is named.
    """

    number: int
    folds: int
    subjects: tuple[str, ...] = ()

    @property
    def validation(self) -> tuple[str, ...]:
        """Nobody: segments are held out."""
        return ()

    def parts(self, recordings: Sequence[RecordingFacts]) -> dict[SegmentKey, Part]:
        """Give the part of each segment of the subjects."""
        counts: dict[tuple[str, str], int] = {}
        parts: dict[SegmentKey, Part] = {}
        for number, facts in enumerate(recordings):
            if self.subjects and facts.subject not in self.subjects:
                continue
            for index, segment in enumerate(facts.segments):
                turn = counts.get((facts.subject, segment.label), 0)
                counts[facts.subject, segment.label] = turn + 1
                parts[number, index] = 'test' if turn % self.folds == self.number else 'training'
        return parts


@dataclass(frozen=True)
class LabelSubset:
    """How many of the target's training windows have a label.

    ``fraction`` of each activity's segments, at least one, or ``shots`` windows of each activity.
    The others are left out of the target's windows, and sources keep theirs. With ``unlabelled``
    all sensors keep all windows, and none has a label in the other segments. With ``people`` only
    theirs have one, of all sensors, and of those who train only they validate.
    """

    fraction: float = 1.0
    shots: int | None = None
    unlabelled: bool = False
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSplit:
    """All that decides which windows train, validate and test, and with which label.

    From those of the training subjects who are ``sources_only`` the target does not learn.
    ``seed`` chooses the segments that validate where nobody is named for it, and the labels.
    """

    people: SubjectSplit | SegmentFold
    sources_only: tuple[str, ...] = ()
    labels: LabelSubset = field(default_factory=LabelSubset)
    seed: int = 0


def split_subjects(
    present: Collection[str],
    test: Sequence[str],
    validation: Sequence[str] = (),
    unlabelled: Collection[str] = (),
) -> SubjectSplit:
    """Give every subject that is ``present`` a part; those not named train.

    So do those ``unlabelled``, of whom no recording has labels, but they alone are not enough.
    Raises :class:`TrainingError` for subjects named that are not there, named twice, or when
    nobody is left to train or to test.
    """
    check_present((*test, *validation), present, '--test-subjects or --val-subjects')
    known = _listed(present)
    if both := sorted({*test} & {*validation}, key=natural_order):
        raise TrainingError(
            f'subject {both[0]!r} is named for testing and for validation: a subject can have '
            'one part only'
        )
    training = [name for name in present if name not in {*test, *validation}]
    if not test:
        raise TrainingError(f'no subject is named for testing: give --test-subjects, of {known}')
    if not training and len(set(present)) == 1:
        raise TrainingError(
            f'the labelled recordings show one person, {known}, who cannot be trained on and '
            'tested: record somebody else. How well activities of this one person are told apart '
            "says a study with 'splits: {within: {}}', which knows nothing of others"
        )
    if not training:
        raise TrainingError(
            f'no subject is left for training: the labelled recordings show {known}, all of '
            'whom are kept for testing or validation'
        )
    return SubjectSplit(_ordered([*training, *unlabelled]), _ordered(validation), _ordered(test))


def check_present(named: Sequence[str], present: Collection[str], where: str) -> None:
    """Raise :class:`TrainingError` for a subject that is not ``present``: to correct ``where``."""
    if missing := [name for name in named if name not in present]:
        raise TrainingError(
            f'subject {missing[0]!r} is in none of the labelled recordings, which show '
            f'{_listed(present)}: correct {where}'
        )


def check_people(subjects: Collection[str], split: SubjectSplit) -> None:
    """Refuse two names of what seems one person when they are in different parts.

    Names that differ only in case, zeros before numbers and what is between their words are taken
    for one. Who has no part matters to nobody. Raises :class:`TrainingError`.
    """
    part_of = {
        **dict.fromkeys(split.training, 'training'),
        **dict.fromkeys(split.validation, 'validation'),
        **dict.fromkeys(split.test, 'testing'),
    }
    seen: dict[str, str] = {}
    for name in _ordered([subject for subject in subjects if subject in part_of]):
        other = seen.setdefault(_plain(name), name)
        if part_of[other] != part_of[name]:
            raise TrainingError(
                f'subjects {other!r} ({part_of[other]}) and {name!r} ({part_of[name]}) look like '
                'one person, who would be trained on and scored: name both for the same part, or '
                'rename one of them'
            )


def _plain(name: str) -> str:
    words = re.findall(r'[^\W\d_]+|\d+', name.casefold())
    return ' '.join(str(int(word)) if word.isdecimal() else word for word in words) or name


def hold_out_segments(
    labels: Mapping[SegmentKey, str], seed: int, share: float = HELD_OUT_SHARE
) -> frozenset[SegmentKey]:
    """Choose segments to validate on: a share of each activity's, at least one, never all.

    ``labels`` gives the activity of each segment, by recording and position. The same seed
    chooses the same segments.
    """
    by_label: dict[str, list[SegmentKey]] = {}
    for segment in sorted(labels):
        by_label.setdefault(labels[segment], []).append(segment)
    generator = np.random.default_rng(seed)
    chosen: set[SegmentKey] = set()
    for label in sorted(by_label):
        segments = by_label[label]
        count = min(max(1, round(share * len(segments))), len(segments) - 1)
        order = generator.permutation(len(segments))
        chosen.update(segments[index] for index in order[:count])
    return frozenset(chosen)


def _listed(names: Collection[str]) -> str:
    return ', '.join(_ordered(names)) or 'nobody'


def _ordered(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=natural_order))


def natural_order(name: str) -> tuple[int, int, str]:
    """Give the key by which names of subjects are sorted: numbers first, by size."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)

"""Who is trained on, who validates and who tests; nobody does two of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
import re
from typing import Final

import numpy as np

from xmodal_ros.errors import TrainingError

# Without validation subjects, this share of each activity's segments is held out instead.
HELD_OUT_SHARE: Final = 0.15


@dataclass(frozen=True)
class SubjectSplit:
    """Subjects by their part; ``validation`` is empty when segments are held out instead."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


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
    known = ', '.join(sorted(present, key=_natural)) or 'nobody'
    for name in (*test, *validation):
        if name not in present:
            raise TrainingError(
                f'subject {name!r} is in none of the labelled recordings, which show {known}: '
                'correct --test-subjects or --val-subjects'
            )
    if both := sorted({*test} & {*validation}, key=_natural):
        raise TrainingError(
            f'subject {both[0]!r} is named for testing and for validation: a subject can have '
            'one part only'
        )
    training = [name for name in present if name not in {*test, *validation}]
    if not test:
        raise TrainingError(f'no subject is named for testing: give --test-subjects, of {known}')
    if not training:
        raise TrainingError(
            f'no subject is left for training: the labelled recordings show {known}, all of '
            'whom are kept for testing or validation'
        )
    return SubjectSplit(_ordered([*training, *unlabelled]), _ordered(validation), _ordered(test))


def check_people(subjects: Collection[str], split: SubjectSplit) -> None:
    """Refuse two names of what seems one person when they are in different parts.

    Names that differ only in case, zeros before numbers and what is between their words are taken
    for one. Raises :class:`TrainingError`.
    """
    part_of = {
        **dict.fromkeys(split.training, 'training'),
        **dict.fromkeys(split.validation, 'validation'),
        **dict.fromkeys(split.test, 'testing'),
    }
    seen: dict[str, str] = {}
    for name in _ordered(subjects):
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
    labels: Mapping[tuple[int, int], str], seed: int, share: float = HELD_OUT_SHARE
) -> frozenset[tuple[int, int]]:
    """Choose segments to validate on: a share of each activity's, at least one, never all.

    ``labels`` gives the activity of each segment, by recording and position. The same seed
    chooses the same segments.
    """
    by_label: dict[str, list[tuple[int, int]]] = {}
    for segment in sorted(labels):
        by_label.setdefault(labels[segment], []).append(segment)
    generator = np.random.default_rng(seed)
    chosen: set[tuple[int, int]] = set()
    for label in sorted(by_label):
        segments = by_label[label]
        count = min(max(1, round(share * len(segments))), len(segments) - 1)
        order = generator.permutation(len(segments))
        chosen.update(segments[index] for index in order[:count])
    return frozenset(chosen)


def _ordered(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=_natural))


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)

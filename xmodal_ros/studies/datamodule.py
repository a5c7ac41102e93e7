"""The windows a group of runs learns from, validates on and is tested on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, SegmentKey, WindowsDataset
from xmodal_ros.data.recording import RecordingWindows
from xmodal_ros.data.split import hold_out_segments
from xmodal_ros.data.window_array import choose, join
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.studies.runs import Fold, Group
from xmodal_ros.studies.specification import Labels

Part = Literal['training', 'validation', 'test']
# For each recording the rows of a sensor's windows that are in a part.
_Rows = list[NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class TestWindows:
    """The target's windows (N, ...) to be tested on, at the hop that a robot has.

    ``truth`` names each one's activity, ``subjects`` who does it and ``clips`` the segment.
    """

    __test__ = False

    values: NDArray[np.generic]
    truth: tuple[str, ...]
    subjects: tuple[str, ...]
    clips: tuple[SegmentKey, ...]


@dataclass(frozen=True, eq=False)
class GroupData:
    """All windows of a group; ``sets`` are by sensor, ``labels`` what the target is taught."""

    labels: tuple[str, ...]
    sets: Mapping[str, DatasetSplit]
    test: TestWindows


def prepare_group(
    recordings: Sequence[RecordingWindows], recipes: Mapping[str, Recipe], group: Group
) -> GroupData:
    """Divide the windows of recordings as a group wants.

    A training window may touch no segment that validates or tests, a validation window none that
    tests. Only the target's training windows become fewer with the labels: sources and validation
    keep theirs. Where windows are to be unlabelled instead, none becomes fewer, and sources know
    as little of them as the target. Raises :class:`TrainingError` when a part is left without
    windows.
    """
    parts = segment_parts(recordings, group)
    rows = {
        name: _rows(recordings, name, recipes[name], parts)
        for name in (group.target, *group.sources)
    }
    _keep_for_sources(recordings, group, rows[group.target])
    training = rows[group.target]['training']
    labels = tuple(sorted(set(_truth(recordings, group.target, training))))
    taught = labelled(recordings, group, training)
    unlabelled: frozenset[SegmentKey] = frozenset()
    if group.labels.unlabelled:
        unlabelled = frozenset(_segments(recordings, group.target, training)) - frozenset(
            _segments(recordings, group.target, taught)
        )
    else:
        rows[group.target]['training'] = taught
    sets = {}
    for name, chosen in rows.items():
        known = {part: _known(recordings, name, chosen[part], labels) for part in chosen}
        sets[name] = DatasetSplit(
            _examples(recordings, name, known['training'], labels, unlabelled),
            _examples(recordings, name, known['validation'], labels),
            {},
        )
    _check(sets)
    hop_ns = recipes[group.target].window.hop_ns
    return GroupData(
        labels, sets, _test_windows(recordings, group.target, rows[group.target]['test'], hop_ns)
    )


def segment_parts(recordings: Sequence[RecordingWindows], group: Group) -> dict[SegmentKey, Part]:
    """Say what each segment is for; those without a part are left out.

    Where nobody is named to validate, a share of the training segments does, chosen by the seed.
    Raises :class:`TrainingError` for subjects whom no recording shows.
    """
    fold = group.fold
    parts = _by_subject(recordings, fold) if fold.direction else _by_turn(recordings, fold)
    if fold.direction and fold.direction.validation:
        return parts
    held: frozenset[SegmentKey] = frozenset()
    for name in (group.target, *group.sources):
        shown = {
            (number, segment): recording.facts.segments[segment].label
            for number, recording in enumerate(recordings)
            for segment in np.unique(recording.windows[name].segment_of).tolist()
            if parts.get((number, segment)) == 'training'
        }
        # A source that was not recorded together with the target validates on its own segments.
        if not held & shown.keys():
            held |= hold_out_segments(shown, group.seed)
    return {key: 'validation' if key in held else part for key, part in parts.items()}


def _by_subject(recordings: Sequence[RecordingWindows], fold: Fold) -> dict[SegmentKey, Part]:
    assert fold.direction is not None  # noqa: S101 - across is by direction
    named: dict[str, Part] = {}
    named |= dict.fromkeys((*fold.direction.train, *fold.direction.sources_only), 'training')
    named |= dict.fromkeys(fold.direction.validation, 'validation')
    named |= dict.fromkeys(fold.direction.test, 'test')
    _check_subjects(recordings, named)
    return {
        (number, segment): named[recording.facts.subject]
        for number, recording in enumerate(recordings)
        if recording.facts.subject in named
        for segment in range(len(recording.facts.segments))
    }


def _keep_for_sources(
    recordings: Sequence[RecordingWindows], group: Group, rows: dict[Part, _Rows]
) -> None:
    """Take from the target what only its sources may learn from."""
    kept = group.fold.direction.sources_only if group.fold.direction else ()
    for number, recording in enumerate(recordings):
        if recording.facts.subject in kept:
            rows['training'][number] = rows['validation'][number] = np.empty(0, dtype=np.int64)


def _by_turn(recordings: Sequence[RecordingWindows], fold: Fold) -> dict[SegmentKey, Part]:
    _check_subjects(recordings, fold.subjects)
    counts: dict[tuple[str, str], int] = {}
    parts: dict[SegmentKey, Part] = {}
    for number, recording in enumerate(recordings):
        subject = recording.facts.subject
        if fold.subjects and subject not in fold.subjects:
            continue
        for index, segment in enumerate(recording.facts.segments):
            turn = counts.get((subject, segment.label), 0)
            counts[subject, segment.label] = turn + 1
            tested = turn % fold.folds == fold.number
            parts[number, index] = 'test' if tested else 'training'
    return parts


def _check_subjects(
    recordings: Sequence[RecordingWindows], named: Sequence[str] | Mapping[str, Part]
) -> None:
    present = sorted({recording.facts.subject for recording in recordings})
    if missing := [name for name in named if name not in present]:
        raise TrainingError(
            f'subject {missing[0]!r} is in none of the labelled recordings, which show '
            f'{", ".join(present)}: correct the splits of the study'
        )


def _rows(
    recordings: Sequence[RecordingWindows],
    name: str,
    recipe: Recipe,
    parts: Mapping[SegmentKey, Part],
) -> dict[Part, _Rows]:
    chosen: dict[Part, _Rows] = {'training': [], 'validation': [], 'test': []}
    for number, recording in enumerate(recordings):
        windows, segments = recording.windows[name], recording.facts.segments
        ends_ns, owner = np.asarray(windows.ends_ns), np.asarray(windows.segment_of)
        part_of = np.array([parts.get((number, i), '') for i in range(len(segments))], dtype=str)
        own = part_of[owner]
        starts_ns = ends_ns - recipe.window.length_ns
        touches = {part: np.zeros(len(ends_ns), dtype=bool) for part in chosen}
        for segment, part in zip(segments, part_of.tolist(), strict=True):
            if part:
                touches[part] |= (segment.start_ns < ends_ns) & (segment.end_ns > starts_ns)
        clean = {
            'training': ~touches['validation'] & ~touches['test'],
            'validation': ~touches['test'],
            'test': np.ones(len(ends_ns), dtype=bool),
        }
        for part in chosen:
            chosen[part].append(np.flatnonzero((own == part) & clean[part]))
    return chosen


def labelled(recordings: Sequence[RecordingWindows], group: Group, rows: _Rows) -> _Rows:
    """Give those of the target's training rows that are labelled; the seed chooses them."""
    labels: Labels = group.labels
    if labels.shots is None and labels.fraction == 1:
        return rows
    # What is drawn: windows, or segments with all their windows. Each is a recording, and a key.
    units: dict[str, dict[tuple[int, int], list[int]]] = {}
    for number, (recording, chosen) in enumerate(zip(recordings, rows, strict=True)):
        owner = recording.windows[group.target].segment_of[chosen].tolist()
        for row, segment in zip(chosen.tolist(), owner, strict=True):
            unit = (number, segment if labels.shots is None else row)
            of_label = units.setdefault(recording.facts.segments[segment].label, {})
            of_label.setdefault(unit, []).append(row)
    generator = np.random.default_rng(group.seed)
    kept: list[list[int]] = [[] for _ in rows]
    for label in sorted(units):
        keys = list(units[label])
        count = labels.shots or max(1, round(labels.fraction * len(keys)))
        for index in generator.permutation(len(keys))[:count]:
            kept[keys[index][0]] += units[label][keys[index]]
    return [np.array(sorted(numbers), dtype=np.int64) for numbers in kept]


def _truth(recordings: Sequence[RecordingWindows], name: str, rows: _Rows) -> list[str]:
    return [
        recordings[number].facts.segments[segment].label
        for number, segment in _segments(recordings, name, rows)
    ]


def _segments(recordings: Sequence[RecordingWindows], name: str, rows: _Rows) -> list[SegmentKey]:
    """Give the segment of each window."""
    return [
        (number, segment)
        for number, (recording, chosen) in enumerate(zip(recordings, rows, strict=True))
        for segment in recording.windows[name].segment_of[chosen].tolist()
    ]


def _known(
    recordings: Sequence[RecordingWindows], name: str, rows: _Rows, labels: Sequence[str]
) -> _Rows:
    known = []
    for recording, chosen in zip(recordings, rows, strict=True):
        taught = np.array([s.label in labels for s in recording.facts.segments], dtype=bool)
        known.append(chosen[taught[recording.windows[name].segment_of[chosen]]])
    return known


def _examples(
    recordings: Sequence[RecordingWindows],
    name: str,
    rows: _Rows,
    labels: Sequence[str],
    unlabelled: Collection[SegmentKey] = (),
) -> WindowsDataset:
    index_of = {label: index for index, label in enumerate(labels)}
    classes = [
        NO_LABEL
        if (number, segment) in unlabelled
        else index_of[recordings[number].facts.segments[segment].label]
        for number, segment in _segments(recordings, name, rows)
    ]
    return WindowsDataset(
        _values(recordings, name, rows),
        np.array(classes, dtype=np.int64),
        np.concatenate([np.full(len(r), i, dtype=np.int64) for i, r in enumerate(rows)]),
        np.concatenate(
            [r.windows[name].ends_ns[rows[i]] for i, r in enumerate(recordings)], dtype=np.int64
        ),
    )


def _values(recordings: Sequence[RecordingWindows], name: str, rows: _Rows) -> NDArray[np.generic]:
    parts = [choose(r.windows[name].values, rows[i]) for i, r in enumerate(recordings)]
    # Runs are many and read them again and again.
    return np.asarray(join(parts))


def _test_windows(
    recordings: Sequence[RecordingWindows], name: str, rows: _Rows, hop_ns: int
) -> TestWindows:
    rows = [
        chosen[np.asarray(recording.windows[name].ends_ns)[chosen] % hop_ns == 0]
        for recording, chosen in zip(recordings, rows, strict=True)
    ]
    clips = tuple(_segments(recordings, name, rows))
    if not clips:
        raise TrainingError(f"no window of sensor '{name}' is left to test on")
    return TestWindows(
        _values(recordings, name, rows),
        tuple(_truth(recordings, name, rows)),
        tuple(recordings[number].facts.subject for number, _ in clips),
        clips,
    )


def _check(sets: Mapping[str, DatasetSplit]) -> None:
    for name, examples in sets.items():
        taught = examples.training.labels[examples.training.labelled]
        if len(np.unique(taught)) < 2:
            raise TrainingError(
                f"the training part holds {len(taught)} windows of sensor '{name}' "
                'that show fewer than two activities of the target'
            )
        if not len(examples.validation):
            raise TrainingError(
                f"no window of sensor '{name}' is left for validation: label more than one "
                'segment of each activity, or name subjects for validation in the study'
            )

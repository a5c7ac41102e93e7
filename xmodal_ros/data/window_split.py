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

"""Divide the windows of recordings into those that train, validate and test."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.data.dataset import DatasetSplit, leave_out_unpaired, WindowsDataset
from xmodal_ros.data.recording import RecordingWindows
from xmodal_ros.data.split import (
    DataSplit,
    hold_out_segments,
    LabelSubset,
    Part,
    SegmentKey,
    SubjectSplit,
)
from xmodal_ros.data.window_array import choose, join, WindowArray
from xmodal_ros.errors import NothingLeftError
from xmodal_ros.methods.source import NO_LABEL

# The rows of a sensor's windows by the number of their recording; without it, it has none.
_Rows = dict[int, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class WindowSplit:
    """The windows of a target and of its sources.

    ``labels`` are the activities that the target's training windows show, ``sets`` are by sensor,
    ``parts`` say what each segment is for.
    """

    labels: tuple[str, ...]
    sets: Mapping[str, DatasetSplit]
    parts: Mapping[SegmentKey, Part]


@dataclass(frozen=True, eq=False)
class TestWindows:
    """A sensor's windows (N, ...) to be tested on.

    ``truth`` names each one's activity, ``subjects`` who does it and ``clips`` the segment;
    ``ends_ns`` (N,) are its stamps.
    """

    __test__ = False

    values: WindowArray
    truth: tuple[str, ...]
    subjects: tuple[str, ...]
    clips: tuple[SegmentKey, ...]
    ends_ns: NDArray[np.int64]


def split_windows(
    recordings: Sequence[RecordingWindows],
    target: str,
    sources: Sequence[str],
    lengths_ns: Mapping[str, int],
    split: DataSplit,
) -> WindowSplit:
    """Divide the windows of a target and its sources, each of its own length, as ``split`` says.

    A training window that reaches into a segment that validates or tests is left out, for it would
    show what is asked there, and so is a validation window that reaches into one that tests.
    Windows of no segment, where recordings hold some, train without a label, except those of
    people who validate or test, and those with no partner in time to compare. Recordings without
    a sensor add nothing to it; one of them at least must have it. Raises :class:`TrainingError`
    when a sensor is left with nothing to learn from or to validate on.
    """
    names = (target, *sources)
    parts = segment_parts(recordings, names, split)
    learnable = _learnt_from(recordings, split)
    barred = [
        number
        for number, recording in enumerate(recordings)
        if recording.facts.subject in split.sources_only
    ]

    def divide(name: str, labels: Collection[str] | None) -> _Divided:
        kept_back = barred if name == target else ()
        return _divide(
            recordings, name, lengths_ns[name], parts, learnable, kept_back, labels, others
        )

    others = _segments_of_others(recordings, split.labels)
    shown = divide(target, None).rows['training']
    known = set(_segments(recordings, target, shown)) - others
    labels = tuple(sorted({_label(recordings, segment) for segment in known}))
    divided = {name: divide(name, labels) for name in names}
    withheld: Collection[SegmentKey] = others
    if split.labels.shots is not None or split.labels.fraction < 1:
        withheld = _withhold(recordings, target, divided[target], split.labels, split.seed)
    sets = {
        name: DatasetSplit(
            _dataset(recordings, name, found.rows['training'], labels, withheld),
            _dataset(recordings, name, found.rows['validation'], labels),
            dict(found.left_out),
        )
        for name, found in divided.items()
    }
    # Those whose label is withheld stay: all methods, that without a source too, are compared on
    # the same windows. So do those of a target that learns from them by itself.
    sets = sets if withheld or not sources else leave_out_unpaired(sets, target)
    _check(sets, target)
    return WindowSplit(labels, sets, parts)


def segment_parts(
    recordings: Sequence[RecordingWindows], names: Sequence[str], split: DataSplit
) -> dict[SegmentKey, Part]:
    """Say what each segment is for; those without a part are left out.

    ``names`` are the target and its sources. Where nobody is named to validate, a share of the
    training segments does, chosen by the seed.
    """
    parts = split.people.parts([recording.facts for recording in recordings])
    if split.people.validation:
        return parts
    held: frozenset[SegmentKey] = frozenset()
    others = _segments_of_others(recordings, split.labels)
    for name in names:
        shown = {
            segment: label
            for segment, label in shown_segments(recordings, name).items()
            if parts.get(segment) == 'training' and segment not in others
        }
        # A source that was not recorded together with the target validates on its own segments.
        if not held & shown.keys():
            held |= hold_out_segments(shown, split.seed)
    return {key: 'validation' if key in held else part for key, part in parts.items()}


def _segments_of_others(
    recordings: Sequence[RecordingWindows], labels: LabelSubset
) -> frozenset[SegmentKey]:
    """Give the segments of those whose labels are to be withheld."""
    if not labels.people:
        return frozenset()
    return frozenset(
        (number, segment)
        for number, recording in enumerate(recordings)
        if recording.facts.subject not in labels.people
        for segment in range(len(recording.facts.segments))
    )


def shown_segments(recordings: Sequence[RecordingWindows], sensor: str) -> dict[SegmentKey, str]:
    """Give the segments that a sensor's windows show, with their activities."""
    return {
        (number, segment): recording.facts.segments[segment].label
        for number, recording in enumerate(recordings)
        if sensor in recording.windows
        for segment in np.unique(recording.windows[sensor].segment_of).tolist()
        if segment >= 0
    }


def select_test_windows(
    recordings: Sequence[RecordingWindows],
    sensor: str,
    hop_ns: int,
    parts: Mapping[SegmentKey, Part] | None = None,
) -> TestWindows:
    """Give those of a sensor's labelled windows that a robot with this hop would classify.

    With ``parts`` only of segments that test; recordings without the sensor have none. Raises
    :class:`TrainingError` when there is none at all.
    """
    rows: _Rows = {}
    for number, recording in enumerate(recordings):
        if sensor not in recording.windows:
            continue
        windows, segments = recording.windows[sensor], recording.facts.segments
        tests = [parts is None or parts.get((number, i)) == 'test' for i in range(len(segments))]
        # The last is that of segment -1, which is none.
        tested = np.array([*tests, False])[windows.segment_of]
        rows[number] = np.flatnonzero(tested & (np.asarray(windows.ends_ns) % hop_ns == 0))
    clips = tuple(_segments(recordings, sensor, rows))
    if not clips:
        raise NothingLeftError(f"no window of sensor '{sensor}' is left to test on")
    return TestWindows(
        _values(recordings, sensor, rows),
        tuple(_label(recordings, clip) for clip in clips),
        tuple(recordings[number].facts.subject for number, _ in clips),
        clips,
        np.concatenate(
            [
                np.asarray(recordings[n].windows[sensor].ends_ns)[chosen]
                for n, chosen in rows.items()
            ]
        ),
    )


@dataclass(frozen=True, eq=False)
class _Divided:
    """A sensor's rows by what they are for, and why others are for nothing."""

    rows: Mapping[Part, _Rows]
    left_out: Counter[str]


def _learnt_from(recordings: Sequence[RecordingWindows], split: DataSplit) -> list[int]:
    """Give the recordings whose windows of no segment may be learnt from."""
    people = split.people
    learnt_from = people.training if isinstance(people, SubjectSplit) else people.subjects
    anybody = not isinstance(people, SubjectSplit) and not people.subjects
    return [
        number
        for number, recording in enumerate(recordings)
        if anybody or recording.facts.subject in learnt_from
    ]


def _divide(
    recordings: Sequence[RecordingWindows],
    sensor: str,
    length_ns: int,
    parts: Mapping[SegmentKey, Part],
    learnable: Collection[int],
    barred: Collection[int],
    labels: Collection[str] | None,
    unknown: Collection[SegmentKey],
) -> _Divided:
    """Divide a sensor's windows by the segment that each belongs to.

    Windows of segments of other activities than ``labels`` are left out, unless they train without
    a label, as those of ``unknown`` ones do, and so is what would train or validate of the
    recordings ``barred``. Those of no segment train in ``learnable``.
    """
    found: dict[Part, _Rows] = {'training': {}, 'validation': {}}
    left_out: Counter[str] = Counter()
    for number, recording in enumerate(recordings):
        if sensor not in recording.windows:
            continue
        windows, segments = recording.windows[sensor], recording.facts.segments
        left_out.update(windows.left_out)
        part_of = [parts.get((number, index), '') for index in range(len(segments))]
        # The last is that of segment -1, which is none.
        own = np.array([*part_of, 'training' if number in learnable else ''])[windows.segment_of]
        kept = [labels is None or segment.label in labels for segment in segments]
        known = np.array([*kept, True])
        # Whatever it shows may be learnt from without its name, but nothing is validated by that.
        nameless = np.array([*((number, index) in unknown for index in range(len(kept))), False])
        usable = known[windows.segment_of] | ((own == 'training') & nameless[windows.segment_of])
        touches = {
            part: _touch(recording, sensor, length_ns, [p == part for p in part_of])
            for part in ('validation', 'test')
        }
        learns = (own == 'training') | (own == 'validation')
        reasons = {
            'of_validation_subjects': (windows.segment_of < 0) & (own == ''),
            'of_sources_only': learns & (number in barred),
            'activity_left_out': learns & ~usable,
            'touches_test': learns & touches['test'],
            'touches_validation': (own == 'training') & touches['validation'],
        }
        lost = np.zeros(len(own), dtype=bool)
        for reason, concerned in reasons.items():
            if count := int((concerned & ~lost).sum()):
                left_out[reason] += count
            lost |= concerned
        for part, rows in found.items():
            rows[number] = np.flatnonzero((own == part) & ~lost)
    return _Divided(found, left_out)


def _touch(
    recording: RecordingWindows, sensor: str, length_ns: int, chosen: Sequence[bool]
) -> NDArray[np.bool_]:
    """Say which windows reach into any of the segments that are chosen."""
    ends_ns = np.asarray(recording.windows[sensor].ends_ns)
    touches = np.zeros(len(ends_ns), dtype=bool)
    for segment, is_chosen in zip(recording.facts.segments, chosen, strict=True):
        if is_chosen:
            touches |= (segment.start_ns < ends_ns) & (segment.end_ns > ends_ns - length_ns)
    return touches


def _withhold(
    recordings: Sequence[RecordingWindows],
    target: str,
    divided: _Divided,
    labels: LabelSubset,
    seed: int,
) -> Collection[SegmentKey]:
    """Leave the target as many labels as it is to have.

    Takes the windows without one from ``divided``, or gives the segments to be shown without.
    """
    rows = divided.rows['training']
    labelled = _draw_labelled(recordings, target, rows, labels, seed)
    if labels.unlabelled:
        known = frozenset(_segments(recordings, target, labelled))
        return frozenset(_segments(recordings, target, rows)) - known
    divided.left_out['label_withheld'] += sum(len(rows[n]) - len(labelled[n]) for n in rows)
    rows.update(labelled)
    return ()


def _draw_labelled(
    recordings: Sequence[RecordingWindows],
    target: str,
    rows: _Rows,
    labels: LabelSubset,
    seed: int,
) -> _Rows:
    """Draw those of the target's training rows that are to have a label."""
    # What is drawn: windows, or segments with all their windows. Each is a recording, and a key.
    units: dict[str, dict[tuple[int, int], list[int]]] = {}
    for number, chosen in rows.items():
        owner = recordings[number].windows[target].segment_of[chosen].tolist()
        for row, segment in zip(chosen.tolist(), owner, strict=True):
            if segment < 0:
                continue
            unit = (number, segment if labels.shots is None else row)
            of_label = units.setdefault(_label(recordings, (number, segment)), {})
            of_label.setdefault(unit, []).append(row)
    generator = np.random.default_rng(seed)
    kept: dict[int, list[int]] = {number: [] for number in rows}
    for label in sorted(units):
        keys = list(units[label])
        count = labels.shots or max(1, round(labels.fraction * len(keys)))
        for index in generator.permutation(len(keys))[:count]:
            kept[keys[index][0]] += units[label][keys[index]]
    return {number: np.array(sorted(drawn), dtype=np.int64) for number, drawn in kept.items()}


def _label(recordings: Sequence[RecordingWindows], segment: SegmentKey) -> str:
    return recordings[segment[0]].facts.segments[segment[1]].label


def _segments(
    recordings: Sequence[RecordingWindows], sensor: str, rows: _Rows
) -> list[SegmentKey]:
    """Give the segment of each window that has one."""
    return [
        (number, segment)
        for number, chosen in rows.items()
        for segment in recordings[number].windows[sensor].segment_of[chosen].tolist()
        if segment >= 0
    ]


def _dataset(
    recordings: Sequence[RecordingWindows],
    sensor: str,
    rows: _Rows,
    labels: Sequence[str],
    withheld: Collection[SegmentKey] = (),
) -> WindowsDataset:
    index_of = {label: index for index, label in enumerate(labels)}
    classes, numbers, ends_ns = [], [], []
    for number, chosen in rows.items():
        windows, segments = recordings[number].windows[sensor], recordings[number].facts.segments
        by_segment = [
            NO_LABEL if (number, index) in withheld else index_of.get(segment.label, NO_LABEL)
            for index, segment in enumerate(segments)
        ]
        # The last is that of segment -1, which is none.
        by_row = np.array([*by_segment, NO_LABEL], dtype=np.int64)[windows.segment_of]
        classes.append(by_row[chosen])
        numbers.append(np.full(len(chosen), number, dtype=np.int64))
        ends_ns.append(np.asarray(windows.ends_ns, dtype=np.int64)[chosen])
    return WindowsDataset(
        _values(recordings, sensor, rows),
        np.concatenate(classes),
        np.concatenate(numbers),
        np.concatenate(ends_ns),
    )


def _values(recordings: Sequence[RecordingWindows], sensor: str, rows: _Rows) -> WindowArray:
    return join(
        [choose(recordings[n].windows[sensor].values, chosen) for n, chosen in rows.items()]
    )


def _check(sets: Mapping[str, DatasetSplit], target: str) -> None:
    for name, examples in sets.items():
        training = examples.training
        classes = len(set(training.labels[training.labelled].tolist()))
        if not classes:
            raise NothingLeftError(
                f"no training window of sensor '{name}' shows an activity that '{target}' is "
                'taught: was it recorded while the labels say what is done, are its header stamps '
                'of the same clock, and are windows (--window) shorter than twice the labelled '
                f'segments, and than its recordings? {why_left_out(examples)}'
            )
        if classes < 2:
            raise NothingLeftError(
                f"the training recordings hold {len(training.labelled)} windows of sensor '{name}'"
                f' that show {classes} activities, but two are needed: {why_left_out(examples)}'
            )
        if not len(examples.validation):
            raise NothingLeftError(
                f"no window of sensor '{name}' is left for validation: label more than one "
                'segment of each activity, or name subjects to validate on; '
                f'{why_left_out(examples)}'
            )


def why_left_out(examples: DatasetSplit) -> str:
    """Say how many windows and messages are not used, by reason."""
    reasons = ', '.join(f'{count} {reason}' for reason, count in examples.left_out.items())
    return f'left out: {reasons or "nothing"}'

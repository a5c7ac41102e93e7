"""The windows a classifier learns from, gathered over recordings and paired across sensors."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.data.recording import RecordingWindows
from xmodal_ros.data.window_array import choose, join, WindowArray
from xmodal_ros.methods.source import NO_LABEL

SegmentKey = tuple[int, int]


@dataclass(frozen=True, eq=False)
class WindowsDataset:
    """Windows of one sensor over several recordings.

    ``values`` (N, steps, ...) are raw windows, gathered where they are indexed if they lie in a
    cache; ``labels`` (N,) are class indices, or NO_LABEL where nobody says what a window shows;
    ``recordings`` (N,) and ``ends_ns`` (N,) say where each comes from.
    """

    values: WindowArray
    labels: NDArray[np.int64]
    recordings: NDArray[np.int64]
    ends_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> NDArray[np.int64]:
        """The rows (L,) of those windows that have a label."""
        return np.flatnonzero(self.labels != NO_LABEL)

    @property
    def unlabelled(self) -> NDArray[np.int64]:
        """The rows of the others."""
        return np.flatnonzero(self.labels == NO_LABEL)


@dataclass(frozen=True, eq=False)
class DatasetSplit:
    """One sensor's examples to learn from and to validate on, and why others are in neither."""

    training: WindowsDataset
    validation: WindowsDataset
    left_out: Mapping[str, int]


def split_windows(
    recordings: Sequence[RecordingWindows],
    sensor: str,
    length_ns: int,
    labels: Sequence[str],
    validation: Collection[SegmentKey],
    validating: Collection[int] = (),
) -> DatasetSplit:
    """Divide a sensor's windows by the segment they belong to.

    ``validation`` names segments by recording and position. A training window that reaches into
    one of them is left out, for it would show what validation asks about. Windows without a label
    train, where there are any, except in the recordings ``validating``, from which nothing may be
    learnt. Recordings without the sensor add nothing; one of them at least must have it.
    """
    index_of = {label: index for index, label in enumerate(labels)}
    left_out: Counter[str] = Counter()
    parts: dict[bool, list[_Piece]] = {False: [], True: []}
    for number, recording in enumerate(recordings):
        if sensor not in recording.windows:
            continue
        windows, segments = recording.windows[sensor], recording.facts.segments
        left_out.update(windows.left_out)
        held = [s for i, s in enumerate(segments) if (number, i) in validation]
        rows: dict[bool, list[int]] = {False: [], True: []}
        for row, (end_ns, segment) in enumerate(
            zip(windows.ends_ns.tolist(), windows.segment_of.tolist(), strict=True)
        ):
            if segment < 0 and number in validating:
                left_out['of_validation_subjects'] += 1
            elif segment >= 0 and segments[segment].label not in index_of:
                left_out['activity_left_out'] += 1
            elif (number, segment) in validation:
                rows[True].append(row)
            elif any(s.start_ns < end_ns and s.end_ns > end_ns - length_ns for s in held):
                left_out['touches_validation'] += 1
            else:
                rows[False].append(row)
        # The last is that of segment -1, which is none.
        classes = np.array(
            [*(index_of.get(s.label, NO_LABEL) for s in segments), NO_LABEL], dtype=np.int64
        )
        for is_held, chosen in rows.items():
            parts[is_held].append(_Piece(number, chosen, recording, sensor, classes))
    return DatasetSplit(_join(parts[False]), _join(parts[True]), dict(left_out))


@dataclass(frozen=True, eq=False)
class _Piece:
    number: int
    rows: list[int]
    recording: RecordingWindows
    sensor: str
    classes: NDArray[np.int64]


def _join(pieces: Sequence[_Piece]) -> WindowsDataset:
    windows = [piece.recording.windows[piece.sensor] for piece in pieces]
    values = [choose(w.values, p.rows) for w, p in zip(windows, pieces, strict=True)]
    return WindowsDataset(
        join(values),
        np.concatenate(
            [p.classes[w.segment_of[p.rows]] for w, p in zip(windows, pieces, strict=True)]
        ),
        np.concatenate([np.full(len(p.rows), p.number, dtype=np.int64) for p in pieces]),
        np.concatenate([w.ends_ns[p.rows] for w, p in zip(windows, pieces, strict=True)]),
    )


def pair_in_time(target: WindowsDataset, source: WindowsDataset) -> NDArray[np.int64]:
    """Give for each target window (N,) the source window that ends at the same stamp, or -1."""
    rows = {
        key: row
        for row, key in enumerate(
            zip(source.recordings.tolist(), source.ends_ns.tolist(), strict=True)
        )
    }
    keys = zip(target.recordings.tolist(), target.ends_ns.tolist(), strict=True)
    return np.array([rows.get(key, -1) for key in keys], dtype=np.int64)


def leave_out_unpaired(sets: Mapping[str, DatasetSplit], target: str) -> dict[str, DatasetSplit]:
    """Keep of training windows without a label those that teach: the target's with a partner.

    A partner is a window of a source, and a source's that of the target, which ends at the same
    stamp. The others would only take their turn in the batches.
    """
    if not any(len(each.training.unlabelled) for each in sets.values()):
        return dict(sets)
    ours = sets[target].training
    paired = {name: np.zeros(len(each.training), dtype=bool) for name, each in sets.items()}
    for name in sets.keys() - {target}:
        partners = pair_in_time(ours, sets[name].training)
        paired[target] |= partners >= 0
        paired[name][partners[partners >= 0]] = True
    return {name: _only(found, paired[name]) for name, found in sets.items()}


def _only(found: DatasetSplit, paired: NDArray[np.bool_]) -> DatasetSplit:
    training = found.training
    keeps = paired | (training.labels != NO_LABEL)
    if keeps.all():
        return found
    rows = np.flatnonzero(keeps)
    return replace(
        found,
        training=WindowsDataset(
            choose(training.values, rows),
            training.labels[rows],
            training.recordings[rows],
            training.ends_ns[rows],
        ),
        left_out={**found.left_out, 'unpaired': int((~keeps).sum())},
    )

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

"""Turn SP-SW-HAR, a phone and a watch worn by 23 people, into one bag a subject.

Data in Brief, doi 10.1016/j.dib.2023.109809. Each device has its own clock, which counts from the
start of an execution, and its own labels. Nothing says how the clocks relate but the labels: both
change when the activity does.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
import heapq
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import load_arrays
from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    chosen,
    DAY_NS,
    GAP_NS,
    ImportedBag,
    make_bag,
    next_second,
    SECOND_NS,
    SensorData,
)
from xmodal_ros.bags.importers.messages import imu_record
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

Clocks = Literal['own', 'phone']
FILE: Final = 'sp_sw_har.npz'
PHONE: Final = Sensor('imu_phone', 'imu', '/imu_phone', 'phone_link')
WATCH: Final = Sensor('imu_watch', 'imu', '/imu_watch', 'watch_link')
_MS_NS: Final = 1_000_000
_EPOCH_NS: Final = 1_672_531_200 * SECOND_NS
_METADATA: Final = {
    'dataset': 'SP-SW-HAR',
    'citation': 'Smartphone and smartwatch human activity recognition data set, Data in Brief, '
    'doi 10.1016/j.dib.2023.109809 (CC BY 4.0)',
}


@dataclass(frozen=True, eq=False)
class DeviceTrace:
    """What a device gave: ``t_ms`` (N,) by its clock, ``values`` (N, 6) in SI units.

    ``labels`` (N,) are names. Time never runs backwards, but the phone gave several samples at a
    time the same stamp.
    """

    t_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    labels: NDArray[np.str_]

    def changes(self) -> list[tuple[int, str]]:
        """Give when which label begins, the first at the first sample."""
        first = np.flatnonzero(np.r_[True, self.labels[1:] != self.labels[:-1]])
        return [(int(self.t_ms[row]), str(self.labels[row])) for row in first]


@dataclass(frozen=True, eq=False)
class Execution:
    """One run through the activities by one person, as phone and watch saw it."""

    subject: int
    number: int
    phone: DeviceTrace
    watch: DeviceTrace

    def watch_ahead_ms(self) -> float | None:
        """Say how far the watch's clock is ahead of the phone's, by their labels.

        That is the median over the changes of label that both have, or None without any.
        """
        ours, theirs = self.phone.changes(), self.watch.changes()
        matcher = SequenceMatcher(
            None, [label for _, label in ours], [label for _, label in theirs], autojunk=False
        )
        ahead = [
            theirs[block.b + i][0] - ours[block.a + i][0]
            for block in matcher.get_matching_blocks()
            for i in range(block.size)
            # The first label begins with the recording, not with the activity.
            if block.a + i and block.b + i
        ]
        return float(np.median(ahead)) if ahead else None


def load_executions(folder: Path) -> tuple[Execution, ...]:
    """Read the archive in ``folder``; raises :class:`BagError` for anything else in its place."""
    file = folder / FILE
    arrays = _load(file)
    names = arrays['label_names']
    phones = _traces(file, arrays, 'sp', names)
    watches = _traces(file, arrays, 'sw', names)
    return tuple(
        Execution(int(subject), int(number), phone, watch)
        for (subject, number), phone, watch in zip(arrays['key'], phones, watches, strict=True)
    )


def choose_subjects(executions: Sequence[Execution], subjects: Collection[int]) -> tuple[int, ...]:
    """Give ``subjects`` in order, or all when there are none; BagError for an unknown one."""
    there = (execution.subject for execution in executions)
    return chosen(subjects, there, 'SP-SW-HAR has no subject')


def import_subject(
    executions: Sequence[Execution],
    subject: int,
    out: Path,
    clocks: Clocks = 'own',
    *,
    force: bool = False,
) -> ImportedBag:
    """Write the executions of one subject to ``out/sp_sw_har_s<subject>``, one after the other.

    Labels are the phone's, by its clock. With ``clocks`` 'own' the watch's stamps are by its own
    clock, with 'phone' they are moved by :meth:`Execution.watch_ahead_ms` in each execution. The
    time of recording is that of the stamps, for the data set has no other.
    Raises :class:`BagError` when anything else is in the way.
    """
    own = sorted((e for e in executions if e.subject == subject), key=lambda e: e.number)
    parts = [(execution, segments) for execution, segments in zip(own, _placed(own), strict=True)]
    moved = [_shift_ms(execution, clocks) for execution in own]
    plan = BagPlan(
        path=out / f'sp_sw_har_s{subject:02d}',
        importer=f'sp-sw-har 1, clocks {clocks}',
        subject=str(subject),
        sensors=(PHONE, WATCH),
        segments=sum(len(segments) for _, segments in parts),
        metadata={
            **_METADATA,
            'clocks': 'of each device' if clocks == 'own' else "the phone's, by changes of label",
            'watch_moved_ms': ' '.join(f'{-ms:g}' for ms in moved),
        },
    )
    return make_bag(
        plan,
        (
            SensorData(segments, _records(execution, segments[0].start_ns, shift))
            for (execution, segments), shift in zip(parts, moved, strict=True)
        ),
        force=force,
    )


def _shift_ms(execution: Execution, clocks: Clocks) -> float:
    return 0.0 if clocks == 'own' else execution.watch_ahead_ms() or 0.0


def _placed(executions: Sequence[Execution]) -> Iterator[list[Segment]]:
    start_ns = _EPOCH_NS + executions[0].subject * DAY_NS
    for execution in executions:
        phone, watch = execution.phone, execution.watch
        origin_ns = start_ns - int(phone.t_ms[0]) * _MS_NS
        yield _segments(phone, origin_ns)
        last_ms = max(int(phone.t_ms[-1]), int(watch.t_ms[-1]))
        start_ns = next_second(origin_ns + last_ms * _MS_NS + GAP_NS)


def _segments(trace: DeviceTrace, origin_ns: int) -> list[Segment]:
    changes = trace.changes()
    ends = [*(t_ms for t_ms, _ in changes[1:]), int(trace.t_ms[-1])]
    segments: list[Segment] = []
    for (t_ms, label), end_ms in zip(changes, ends, strict=True):
        start_ns, end_ns = origin_ns + t_ms * _MS_NS, origin_ns + end_ms * _MS_NS
        if segments and segments[-1].label == label:
            segments[-1] = Segment(segments[-1].start_ns, end_ns, label)
        # Samples of one stamp may bear two labels.
        elif end_ns > start_ns:
            segments.append(Segment(start_ns, end_ns, label))
    return segments


def _records(execution: Execution, start_ns: int, ahead_ms: float) -> Iterator[Record]:
    # Both clocks count from the start of the execution.
    origin_ns = start_ns - int(execution.phone.t_ms[0]) * _MS_NS
    return heapq.merge(
        _imu_records(PHONE, execution.phone, origin_ns),
        _imu_records(WATCH, execution.watch, origin_ns - round(ahead_ms * _MS_NS)),
        key=lambda record: record.stamp_ns,
    )


def _imu_records(sensor: Sensor, trace: DeviceTrace, origin_ns: int) -> Iterator[Record]:
    for t_ms, values in zip(trace.t_ms.tolist(), trace.values, strict=True):
        yield imu_record(sensor, origin_ns + t_ms * _MS_NS, values[:3], values[3:])


def _load(file: Path) -> dict[str, NDArray[Any]]:
    names = (
        *('key', 'label_names'),
        *(f'{device}_{name}' for device in ('sp', 'sw') for name in ('t_ms', 'x', 'label', 'len')),
    )
    missing = f'{str(file.parent)!r} does not hold SP-SW-HAR: expected {FILE} in it'
    arrays = load_arrays(file, names, missing)
    if arrays['key'].ndim != 2 or arrays['key'].shape[1] != 2 or not len(arrays['key']):
        raise BagError(f"{str(file)!r}: 'key' must hold (subject, execution)")
    return arrays


def _traces(
    file: Path, arrays: dict[str, NDArray[Any]], device: str, names: NDArray[Any]
) -> list[DeviceTrace]:
    t_ms, values, labels, lengths = (
        arrays[f'{device}_{name}'] for name in ('t_ms', 'x', 'label', 'len')
    )
    count = int(lengths.sum())
    fits = (
        len(lengths) == len(arrays['key'])
        and int(lengths.min()) > 1
        and t_ms.shape == labels.shape == (count,)
        and values.shape == (count, 6)
        and int(labels.max()) < len(names)
    )
    if not fits:
        raise BagError(f"{str(file)!r}: the arrays of '{device}' differ in length")
    if not np.isfinite(values).all():
        raise BagError(f"{str(file)!r}: '{device}_x' holds values that are no numbers")
    cuts = np.cumsum(lengths)[:-1]
    return [
        _trace(file, device, *arrays_of_one)
        for arrays_of_one in zip(
            np.split(t_ms, cuts),
            np.split(values, cuts),
            np.split(names[labels], cuts),
            strict=True,
        )
    ]


def _trace(
    file: Path, device: str, t_ms: NDArray[Any], values: NDArray[Any], labels: NDArray[Any]
) -> DeviceTrace:
    if (np.diff(t_ms.astype(np.int64)) < 0).any():
        raise BagError(f"{str(file)!r}: the time of '{device}' runs backwards")
    return DeviceTrace(t_ms.astype(np.int64), values.astype(np.float64), labels)

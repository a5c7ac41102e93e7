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

"""Turn UMAFall, daily movements and falls of 18 people, into one bag a subject.

Casilari, Santoyo-Ramon, Cano-Garcia, "UMAFall: A Multisensor Dataset for the Research on Automatic
Fall Detection", Procedia Computer Science 110, 2017. Five positions are worn together: a phone in
the pocket, without a gyroscope, and four sensors of about 20 Hz, some of which are missing in some
trials. Stamps are those of the phone's clock.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
import heapq
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import load_arrays, split_lengths
from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    chosen,
    DAY_NS,
    ImportedBag,
    make_bag,
    schedule,
    SECOND_NS,
    SensorData,
    STANDARD_GRAVITY,
)
from xmodal_ros.bags.importers.messages import imu_record
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

FILE: Final = 'umafall.npz'
POCKET: Final = Sensor('imu_pocket', 'imu', '/imu_pocket', 'pocket_link')
# The sensors by the archive's names for their positions.
SENSORS: Final[Mapping[str, Sensor]] = {
    'rightpocket': POCKET,
    **{
        name: Sensor(f'imu_{name}', 'imu', f'/imu_{name}', f'{name}_link')
        for name in ('chest', 'waist', 'wrist', 'ankle')
    },
}
_MS_NS: Final = 1_000_000
_EPOCH_NS: Final = 1_491_004_800 * SECOND_NS
_METADATA: Final = {
    'dataset': 'UMAFall',
    'citation': 'E. Casilari, J. A. Santoyo-Ramon, J. M. Cano-Garcia: UMAFall: A Multisensor '
    'Dataset for the Research on Automatic Fall Detection. Procedia Computer Science 110, 2017',
}


@dataclass(frozen=True, eq=False)
class PositionTrace:
    """What one position gave: ``t_ms`` (n,) from the trial's start, ``acceleration`` in m/s².

    ``rate`` is in rad/s, sample by sample as the acceleration; None without a gyroscope.
    """

    t_ms: NDArray[np.int64]
    acceleration: NDArray[np.float64]
    rate: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class FallTrial:
    """A movement done once; ``traces`` are by position, without those that are missing."""

    subject: int
    label: str
    traces: Mapping[str, PositionTrace]

    @property
    def duration_ns(self) -> int:
        """How long it lasts, to the last sample."""
        return max(int(trace.t_ms[-1]) for trace in self.traces.values()) * _MS_NS


def load_trials(folder: Path) -> tuple[FallTrial, ...]:
    """Read the archive in ``folder``; raises :class:`BagError` for anything else in its place."""
    file = folder / FILE
    arrays = load_arrays(
        file,
        (
            *('subject', 'label', 'label_names', 'scale_acc_g', 'scale_gyro_dps'),
            *(
                f'{part}_{name}'
                for name in SENSORS
                for part in ('acc', 't_acc', 'n_acc', 'gyro', 'n_gyro')
                if not (part.endswith('gyro') and name == 'rightpocket')
            ),
        ),
        f'{str(folder)!r} does not hold UMAFall: expected {FILE} in it',
    )
    subjects, labels, names = arrays['subject'], arrays['label'], arrays['label_names']
    if subjects.ndim != 1 or subjects.shape != labels.shape or not len(subjects):
        raise BagError(f"{str(file)!r}: 'subject' and 'label' differ in length")
    if not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise BagError(f"{str(file)!r}: 'label' holds numbers that 'label_names' does not name")
    traces = {name: _traces(file, arrays, name, len(subjects)) for name in SENSORS}
    trials = []
    for index, (subject, label) in enumerate(zip(subjects, labels, strict=True)):
        there = {name: found[index] for name, found in traces.items()}
        present = {name: trace for name, trace in there.items() if trace is not None}
        if present:
            trials.append(FallTrial(int(subject), str(names[label]), present))
    return tuple(trials)


def choose_subjects(trials: Sequence[FallTrial], subjects: Collection[int]) -> tuple[int, ...]:
    """Give ``subjects`` in order, or all when there are none; BagError for an unknown one."""
    return chosen(subjects, (trial.subject for trial in trials), 'UMAFall has no subject')


def import_subject(
    trials: Sequence[FallTrial], subject: int, out: Path, *, force: bool = False
) -> ImportedBag:
    """Write the trials of one subject to ``out/umafall_s<subject>``, one after the other.

    Each trial is one segment. Sensors that the subject never wore are not declared.
    Raises :class:`BagError` when anything else is in the way.
    """
    own = [trial for trial in trials if trial.subject == subject]
    segments = schedule(
        _EPOCH_NS + subject * DAY_NS, ((trial.duration_ns, trial.label) for trial in own)
    )
    missing = {name: sum(name not in trial.traces for trial in own) for name in SENSORS}
    plan = BagPlan(
        path=out / f'umafall_s{subject:02d}',
        importer='umafall 1',
        subject=str(subject),
        sensors=[sensor for name, sensor in SENSORS.items() if missing[name] < len(own)],
        segments=len(own),
        metadata={
            **_METADATA,
            'missing': ', '.join(
                f'{SENSORS[name].name} in {count} of {len(own)} trials'
                for name, count in missing.items()
                if count
            )
            or 'nothing',
        },
    )
    parts = (
        SensorData([segment], _records(trial, segment))
        for trial, segment in zip(own, segments, strict=True)
    )
    return make_bag(plan, parts, force=force)


def _records(trial: FallTrial, segment: Segment) -> Iterator[Record]:
    return heapq.merge(
        *(
            _imu_records(SENSORS[name], trace, segment.start_ns)
            for name, trace in trial.traces.items()
        ),
        key=lambda record: record.stamp_ns,
    )


def _imu_records(sensor: Sensor, trace: PositionTrace, start_ns: int) -> Iterator[Record]:
    for index, t_ms in enumerate(trace.t_ms.tolist()):
        rate = None if trace.rate is None else trace.rate[index]
        yield imu_record(sensor, start_ns + t_ms * _MS_NS, trace.acceleration[index], rate)


def _traces(
    file: Path, arrays: Mapping[str, NDArray[Any]], name: str, trials: int
) -> list[PositionTrace | None]:
    """Give a position's trace of each trial, None where it has no samples."""
    lengths, steps = arrays[f'n_acc_{name}'], arrays[f't_acc_{name}']
    acceleration, rate = arrays[f'acc_{name}'], arrays.get(f'gyro_{name}')
    # A gyroscope's samples come with those of the acceleration, some milliseconds later.
    together = rate is None or (
        rate.shape == acceleration.shape and np.array_equal(arrays[f'n_gyro_{name}'], lengths)
    )
    if len(lengths) != trials or acceleration.shape != (len(steps), 3) or not together:
        raise BagError(f'{str(file)!r}: the arrays of {name!r} differ in length')
    if (steps < 0).any():
        raise BagError(f'{str(file)!r}: the time of {name!r} runs backwards')
    to_si = float(arrays['scale_acc_g']) * STANDARD_GRAVITY
    to_rad_s = np.deg2rad(float(arrays['scale_gyro_dps']))
    turning: Sequence[NDArray[Any] | None] = [None] * trials
    if rate is not None:
        turning = split_lengths(file, f'gyro_{name}', rate, lengths)
    return [
        PositionTrace(
            np.cumsum(own_steps, dtype=np.int64),
            own * to_si,
            None if turned is None else turned * to_rad_s,
        )
        if len(own)
        else None
        for own_steps, own, turned in zip(
            split_lengths(file, f't_acc_{name}', steps, lengths),
            split_lengths(file, f'acc_{name}', acceleration, lengths),
            turning,
            strict=True,
        )
    ]

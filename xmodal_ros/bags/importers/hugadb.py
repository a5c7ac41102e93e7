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

"""Turn HuGaDB, six IMUs on the legs of 18 people, into one bag a subject.

Chereshnev, Kertesz-Farkas, "HuGaDB: Human Gait Database for Activity Recognition from Wearable
Inertial Sensor Networks", AIST 2017. About half of its gyroscopes are amplified tenfold and
clipped, as its authors say; the archive flags them. The two EMG channels are not imported.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import check_fit, load_arrays, split_lengths
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
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

Gyroscopes = Literal['sound', 'recorded']
FILE: Final = 'hugadb29.npz'
# One person alone did these, so nothing can be said of anybody else.
ONE_PERSONS: Final = ('bicycling', 'sitting_in_car')
_EPOCH_NS: Final = 1_483_228_800 * SECOND_NS
_METADATA: Final = {
    'dataset': 'HuGaDB',
    'citation': 'R. Chereshnev, A. Kertesz-Farkas: HuGaDB: Human Gait Database for Activity '
    'Recognition from Wearable Inertial Sensor Networks. AIST 2017',
}


@dataclass(frozen=True, eq=False)
class LegStretch:
    """An activity done once, as all IMUs saw it on one clock.

    ``acceleration`` and ``rate`` are (n, IMUs, 3) in m/s² and rad/s; ``sound_gyro`` (IMUs,) says
    whose gyroscope is not flagged.
    """

    subject: int
    label: str
    rate_hz: float
    acceleration: NDArray[np.float64]
    rate: NDArray[np.float64]
    sound_gyro: NDArray[np.bool_]

    @property
    def duration_ns(self) -> int:
        """How long it lasts."""
        return self.stamp_ns(len(self.acceleration))

    def stamp_ns(self, index: int) -> int:
        """Give when a sample was taken, from the first: there are no stamps, but one rate."""
        return round(index * SECOND_NS / self.rate_hz)


@dataclass(frozen=True, eq=False)
class LegData:
    """The stretches of HuGaDB, and the sensor that each IMU is."""

    sensors: tuple[Sensor, ...]
    stretches: tuple[LegStretch, ...]


def load_stretches(folder: Path) -> LegData:
    """Read the archive in ``folder``, without the activities that one person alone did.

    Raises :class:`BagError` for anything else in its place.
    """
    file = folder / FILE
    arrays = load_arrays(
        file,
        (
            *('acc', 'gyro', 'lengths', 'subject', 'label', 'label_names', 'imu_names'),
            *('gyro_corrupted', 'rate_hz', 'scale_acc_g', 'scale_gyro_dps'),
        ),
        f'{str(folder)!r} does not hold HuGaDB: expected {FILE} in it',
    )
    _check(file, arrays)
    lengths = arrays['lengths']
    acceleration = split_lengths(file, 'acc', arrays['acc'], lengths)
    rate = split_lengths(file, 'gyro', arrays['gyro'], lengths)
    to_si = float(arrays['scale_acc_g']) * STANDARD_GRAVITY
    to_rad_s = np.deg2rad(float(arrays['scale_gyro_dps']))
    stretches = [
        LegStretch(
            int(arrays['subject'][index]),
            str(arrays['label_names'][arrays['label'][index]]),
            float(arrays['rate_hz']),
            acceleration[index] * to_si,
            rate[index] * to_rad_s,
            ~arrays['gyro_corrupted'][index],
        )
        for index in range(len(lengths))
    ]
    sensors = tuple(
        Sensor(f'imu_{name}', 'imu', f'/imu_{name}', f'{name}_link')
        for name in arrays['imu_names'].tolist()
    )
    return LegData(sensors, tuple(s for s in stretches if s.label not in ONE_PERSONS))


def choose_subjects(data: LegData, subjects: Collection[int]) -> tuple[int, ...]:
    """Give ``subjects`` in order, or all when there are none; BagError for an unknown one."""
    there = (stretch.subject for stretch in data.stretches)
    return chosen(subjects, there, 'HuGaDB has no subject')


def import_subject(
    data: LegData,
    subject: int,
    out: Path,
    gyroscopes: Gyroscopes = 'sound',
    *,
    force: bool = False,
) -> ImportedBag:
    """Write the stretches of one subject to ``out/hugadb_s<subject>``, as they were recorded.

    With ``gyroscopes`` 'sound' messages of one that is flagged say that no angular rate was
    measured, with 'recorded' they hold what the data set holds.
    Raises :class:`BagError` when anything else is in the way.
    """
    own = [stretch for stretch in data.stretches if stretch.subject == subject]
    segments = schedule(
        _EPOCH_NS + subject * DAY_NS, ((stretch.duration_ns, stretch.label) for stretch in own)
    )
    flagged = np.mean([~stretch.sound_gyro for stretch in own], axis=0)
    plan = BagPlan(
        path=out / f'hugadb_s{subject:02d}',
        importer=f'hugadb 1, gyroscopes {gyroscopes}',
        subject=str(subject),
        sensors=data.sensors,
        segments=len(own),
        metadata={
            **_METADATA,
            'gyroscopes': f'as {gyroscopes}; share of stretches in which they are amplified and '
            'clipped: '
            + ', '.join(
                f'{sensor.name} {share:.2f}'
                for sensor, share in zip(data.sensors, flagged, strict=True)
            ),
        },
    )
    parts = (
        SensorData([segment], _records(data.sensors, stretch, segment, gyroscopes))
        for stretch, segment in zip(own, segments, strict=True)
    )
    return make_bag(plan, parts, force=force)


def _records(
    sensors: Sequence[Sensor], stretch: LegStretch, segment: Segment, gyroscopes: Gyroscopes
) -> Iterator[Record]:
    for index in range(len(stretch.acceleration)):
        stamp_ns = segment.start_ns + stretch.stamp_ns(index)
        for number, sensor in enumerate(sensors):
            measured = gyroscopes == 'recorded' or stretch.sound_gyro[number]
            yield imu_record(
                sensor,
                stamp_ns,
                stretch.acceleration[index, number],
                stretch.rate[index, number] if measured else None,
            )


def _check(file: Path, arrays: dict[str, NDArray[Any]]) -> None:
    count, imus = len(np.atleast_1d(arrays['lengths'])), len(np.atleast_1d(arrays['imu_names']))
    samples = arrays['acc'].shape
    fits = (
        count > 0
        and len(samples) == 3
        and samples[1:] == (imus, 3)
        and arrays['gyro'].shape == samples
        and arrays['subject'].shape == arrays['label'].shape == (count,)
        and arrays['gyro_corrupted'].shape == (count, imus)
        and arrays['gyro_corrupted'].dtype == np.bool_
        and 0 <= int(arrays['label'].min()) <= int(arrays['label'].max())
        and int(arrays['label'].max()) < len(arrays['label_names'])
        and float(arrays['rate_hz']) > 0
        and int(arrays['lengths'].min()) > 1
    )
    check_fit(file, fits=fits)

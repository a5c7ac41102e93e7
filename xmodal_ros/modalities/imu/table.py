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

"""Read the samples of an IMU from a table: a CSV file with a line of column names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.table import read_table, SampleTable, TableColumns, TimeUnit
from xmodal_ros.windows.windowing import SECOND_NS

AccelerationUnit = Literal['m/s2', 'g', 'mg']
RateUnit = Literal['rad/s', 'deg/s', 'mrad/s']

_GRAVITY: Final = 9.80665
_ACCELERATION: Final = {'m/s2': 1.0, 'g': _GRAVITY, 'mg': _GRAVITY / 1000}
_RATE: Final = {'rad/s': 1.0, 'deg/s': math.pi / 180, 'mrad/s': 1e-3}
# 2000 degrees/s in rad/s: the range of usual gyros, which people do not reach.
_FASTEST: Final = 35.0
# Between angular rates farther apart, of so many usual steps or so long, none is known.
_MOST_STEPS, _LONGEST_NS = 3, SECOND_NS // 10

# No accelerometer that people wear measures more.
_MOST_G: Final = 200


@dataclass(frozen=True)
class ImuColumns:
    """Which columns of a table hold what, and in which units.

    ``rate`` is () where there is no gyro. ``gravity`` says that the acceleration includes it, as
    accelerometers measure it; only then the unit can be checked. ``label`` holds what is done at
    each sample; '' for no such column. ``rate_file`` is the table of ``rate`` where that is
    another, with the same column of time.
    """

    time: str = 'time'
    acceleration: Sequence[str] = ('ax', 'ay', 'az')
    rate: Sequence[str] = ('gx', 'gy', 'gz')
    time_unit: TimeUnit = 's'
    acceleration_unit: AccelerationUnit = 'm/s2'
    rate_unit: RateUnit = 'rad/s'
    gravity: bool = True
    label: str = ''
    rate_file: Path | None = None


def read_imu_table(file: Path, columns: ImuColumns) -> SampleTable:
    """Read a table; its values are acceleration in m/s², then angular rate in rad/s if any.

    Angular rates in a table of their own are interpolated linearly at the times of the
    accelerations; where none is near, the sample is left out, and a note says so.

    Raises :class:`BagError` as :func:`~xmodal_ros.modalities.table.read_table` does, and for
    values that are hardly of the unit said.
    """
    if columns.rate_file is None:
        table = _read(file, columns, (*columns.acceleration, *columns.rate), columns.label)
    else:
        table = _joined(
            _read(file, columns, columns.acceleration, columns.label),
            _read(columns.rate_file, columns, columns.rate),
            (file, columns.rate_file),
        )
    acceleration = table.values[:, :3] * _ACCELERATION[columns.acceleration_unit]
    rate = table.values[:, 3:] * _RATE[columns.rate_unit] if columns.rate else None
    _check_units(file, acceleration, rate, columns)
    measured = acceleration if rate is None else np.hstack([acceleration, rate])
    return replace(table, values=measured)


def _read(file: Path, columns: ImuColumns, values: Sequence[str], label: str = '') -> SampleTable:
    return read_table(
        file,
        TableColumns(
            tuple(values),
            columns.time,
            columns.time_unit,
            'IMU',
            "name the columns with '--time', '--acc', '--gyro' (--gyro none without a gyro, "
            "--gyro-file where it is in another table) and '--label-column'",
            label,
        ),
    )


def _joined(table: SampleTable, rates: SampleTable, files: tuple[Path, Path]) -> SampleTable:
    """Add the angular rates at the times of the accelerations."""
    times_ns, rate_times_ns = table.times_ns, rates.times_ns
    after = np.searchsorted(rate_times_ns, times_ns).clip(1, len(rate_times_ns) - 1)
    apart_ns = rate_times_ns[after] - rate_times_ns[after - 1]
    most_ns = max(_MOST_STEPS * int(np.median(np.diff(rate_times_ns))), _LONGEST_NS)
    within = (rate_times_ns[0] <= times_ns) & (times_ns <= rate_times_ns[-1])
    near = (apart_ns <= most_ns) | (rate_times_ns[after] == times_ns)
    kept = within & near
    if np.count_nonzero(kept) < 2:
        raise BagError(
            f'{files[1]}: it has no angular rates at the times of {files[0]}: that is from '
            f'{_span(table)}, this from {_span(rates)}: are they of one recording, and do both '
            "count from one start? Choose another column by '--time'"
        )
    # From a near start: seconds since 1970 are no exact floats.
    start_ns = int(rate_times_ns[0])
    rate = [
        np.interp(times_ns[kept] - start_ns, rate_times_ns - start_ns, axis)
        for axis in rates.values.T
    ]
    left_out = len(kept) - int(np.count_nonzero(kept))
    note = (
        f'{left_out} of {len(kept)} samples are left out, for {files[1].name} has no angular rate '
        'near them'
    )
    return SampleTable(
        times_ns[kept],
        np.column_stack([table.values[kept], *rate]),
        int((np.diff(times_ns[kept]) == 0).sum()),
        tuple(name for name, used in zip(table.labels, kept, strict=True) if used)
        if table.labels
        else (),
        (*table.notes, *rates.notes, *((note,) if left_out else ())),
        int(times_ns[kept][0]) - table.begins_ns,
    )


def _span(table: SampleTable) -> str:
    first_s, last_s = int(table.times_ns[0]) / SECOND_NS, int(table.times_ns[-1]) / SECOND_NS
    return f'{first_s:.12g} to {last_s:.12g} s'


def _check_units(
    file: Path,
    acceleration: NDArray[np.float64],
    rate: NDArray[np.float64] | None,
    columns: ImuColumns,
) -> None:
    length = float(np.median(np.linalg.norm(acceleration, axis=1)))
    if columns.gravity and not _GRAVITY / 2 <= length <= _GRAVITY * 2:
        raise BagError(
            f'{file}: with acceleration in {columns.acceleration_unit} its median length is '
            f'{length:.3g} m/s², but gravity alone is {_GRAVITY:.3g}: correct '
            f"'--acc-unit'{_better(length, columns.acceleration_unit)}, or give '--no-gravity' "
            f'where it has been taken out{_of_counts(length)}'
        )
    if rate is not None:
        fastest = float(np.percentile(np.linalg.norm(rate, axis=1), 99))
        if fastest > _FASTEST:
            raise BagError(
                f'{columns.rate_file or file}: with angular rate in {columns.rate_unit} it '
                f'reaches {fastest:.3g} rad/s, which is more than usual gyros measure: correct '
                "'--gyro-unit' (deg/s?)"
            )


def _of_counts(length: float) -> str:
    if length < _MOST_G * _GRAVITY:
        return ''
    return '; raw counts of a converter are to be divided by its scale first, as 16384 counts a g'


def _better(length: float, unit: AccelerationUnit) -> str:
    raw = length / _ACCELERATION[unit]
    fitting = [u for u, f in _ACCELERATION.items() if _GRAVITY / 2 <= raw * f <= _GRAVITY * 2]
    return f' ({fitting[0]}?)' if fitting else ''

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

"""Read the samples of a sensor from a table: a CSV file with a line of column names."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, UTC
from decimal import Decimal, InvalidOperation
import itertools
import math
from pathlib import Path
import re
import sys
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError
from xmodal_ros.text_file import opened_table, TableLines
from xmodal_ros.windows.windowing import SECOND_NS

TimeUnit = Literal['s', 'ms', 'us', 'ns', 'iso']

_NANOSECONDS: Final = {'s': SECOND_NS, 'ms': 1_000_000, 'us': 1000, 'ns': 1}
_SLOWEST_HZ, _FASTEST_HZ = 1.0, 8000.0
# Times later than this count from 1970, earlier ones from some start: it is 1 January 2000.
SINCE_1970_NS: Final = 946_684_800 * SECOND_NS
MOST_NS: Final = 1 << 62
_HOUR_NS: Final = 3600 * SECOND_NS
# 1 January 2100: later dates are of another unit.
_LATEST_NS: Final = 4_102_444_800 * SECOND_NS
# Of fewer samples of one time nothing can be said.
_FEW: Final = 2
# So many characters of a line of column names are shown.
_MOST_SHOWN: Final = 400
# Days of 1954 to 2119, and on which of them 1970 began.
_DAYS: Final = {'Excel': (20_000, 80_000, 25_569), 'MATLAB': (713_000, 774_000, 719_529)}
_TIME_OF_DAY: Final = re.compile(r'\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?')
_OTHER_DATE: Final = re.compile(r'\d{1,4}[/.]\d{1,2}[/.]\d{1,4}')
# How programs write that there is no number, beside NaN.
_NOTHING: Final = frozenset({'na', 'n/a', '<na>', 'null', 'none', 'nil'})
# Phones write 2025-01-31 12:00:00 +0200.
_BEFORE_ZONE: Final = re.compile(r'\s+(?=[+-]\d{2}:?\d{2}$)')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TableColumns:
    """Which columns hold the time and the values; ``title`` is the sensor's, for messages.

    ``remedy`` says which options name the columns. ``label`` holds what is done at each sample; ''
    for none.
    """

    values: tuple[str, ...]
    time: str = 'time'
    time_unit: TimeUnit = 's'
    title: str = 'sensor'
    remedy: str = "name the column of time with '--time'"
    label: str = ''


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples in order: ``times_ns`` (N,) and ``values`` (N, columns), in the table's units.

    ``repeated`` counts samples of the same time as the one before. ``labels`` (N,) are as the
    table has them, () without a column of labels. ``notes`` say what of the table is not used, and
    ``left_out_ns`` how much earlier it began, by samples that are left out.
    """

    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    repeated: int
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out_ns: int = 0

    @property
    def begins_ns(self) -> int:
        """When it began, in its own time."""
        return int(self.times_ns[0]) - self.left_out_ns

    @property
    def is_dated(self) -> bool:
        """Whether the times count from 1970, rather than from some start."""
        return self.begins_ns >= SINCE_1970_NS


def read_table(file: Path, columns: TableColumns) -> SampleTable:
    """Read a table; rows without one of the values are left out, and a note says so.

    Raises :class:`BagError` with the line, and what to do, for a column that is missing, most of
    whose values are, a value that is no finite number, time that runs backwards, and for times
    that are hardly of the unit said.
    """
    times, values = array('q'), array('d')
    labels: list[str] = []
    with opened_table(file, 'the table') as lines:
        for time_ns, numbers, label in _rows(file, lines, columns):
            if times and time_ns < times[-1]:
                raise BagError(
                    f'{file}: time runs backwards after sample {len(times)}, by '
                    f'{(times[-1] - time_ns) / 1e9:g} s: {_why_backwards(times[-1] - time_ns)}'
                )
            times.append(time_ns)
            values.extend(numbers)
            # One object a name, however many samples bear it.
            labels.append(sys.intern(label))
    if len(times) < 2:
        raise BagError(f'{file}: {len(times)} samples are too few')
    every = np.array(times, np.int64)
    _check_rate(file, every, columns)
    table = np.array(values).reshape(len(every), -1)
    whole = ~np.isnan(table).any(axis=1)
    notes = _of_rows_left_out(file, table, columns)
    stamps, table = every[whole], table[whole]
    repeated = int((np.diff(stamps) == 0).sum())
    if repeated > len(stamps) // 2:
        raise BagError(
            f'{file}: {repeated} of {len(stamps)} samples have the time of the one before, and '
            'only the first of each could be used: give each its own time; where a sensor sends '
            'blocks, count on from the time of each in steps of its rate'
        )
    return SampleTable(
        stamps,
        table,
        repeated,
        tuple(itertools.compress(labels, whole)) if columns.label else (),
        notes,
        int(stamps[0] - every[0]),
    )


def _of_rows_left_out(
    file: Path, table: NDArray[np.float64], columns: TableColumns
) -> tuple[str, ...]:
    """Say how many rows lack a value; most of them may not."""
    missing = np.isnan(table)
    count = int(missing.any(axis=1).sum())
    if not count:
        return ()
    lacking = columns.values[int(missing.sum(axis=0).argmax())]
    if count > len(table) // 2 or count > len(table) - 2:
        raise BagError(
            f'{file}: {count} of {len(table)} rows lack a number, most of them in {lacking!r}: '
            'name other columns, or write the values of one time into one row'
        )
    return (f'{count} of {len(table)} rows are left out, for they lack a number ({lacking})',)


def _why_backwards(by_ns: int) -> str:
    if abs(by_ns - _HOUR_NS) <= SECOND_NS:
        return 'did summer time end? Write the times in UTC, or with their zone'
    return 'sort the rows, or import each recording in the table on its own'


def _rows(
    file: Path, lines: TableLines, columns: TableColumns
) -> Iterator[tuple[int, list[float], str]]:
    header = lines.header
    wanted = [columns.time, *columns.values]
    named = [*wanted, *([columns.label] if columns.label else [])]
    if missing := [name for name in named if name not in header]:
        names = ', '.join(repr(name) for name in missing)
        raise BagError(
            f'{file}: there is no column {names}, only {_shown(header)}: '
            f'{_why_missing(header) or columns.remedy}'
        )
    order = [header.index(name) for name in wanted]
    of_label = header.index(columns.label) if columns.label else None
    for number, row in lines:
        if not any(cell.strip() for cell in row):
            continue
        where = f'{file}: line {number}'
        _check_row(where, row, header, order)
        cells = [lines.number_text(row[index]) for index in order]
        time_ns = _time_ns(where, cells[0].strip(), columns.time_unit)
        yield (
            time_ns,
            [
                _number(where, header[index], cell)
                for index, cell in zip(order[1:], cells[1:], strict=True)
            ],
            '' if of_label is None or of_label >= len(row) else row[of_label].strip(),
        )


def _shown(header: Sequence[str]) -> str:
    """Name the columns; of a line of numbers, or of very many, the first ones."""
    text = ', '.join(header)
    if len(text) <= _MOST_SHOWN:
        return text or 'nothing'
    return f'{text[:_MOST_SHOWN]} … ({len(header)} columns)'


def _why_missing(header: Sequence[str]) -> str:
    if len(header) == 1 and len(header[0].split()) > 1:
        return 'part the columns by commas, semicolons or tabs rather than blanks'
    if any(_is_number(cell) for cell in header):
        return 'let the first line name the columns'
    if header and header[-1].endswith(';'):
        return 'remove the semicolon at the end of each line'
    return ''


def _check_row(where: str, row: Sequence[str], header: Sequence[str], order: list[int]) -> None:
    if any('\0' in cell for cell in row):
        raise BagError(
            f'{where}: it holds zero bytes, as a file that was not written to the disk before '
            'power was lost: remove them'
        )
    if [cell.strip() for cell in row] == header:
        raise BagError(f'{where}: it names the columns once more: remove it')
    if len(row) <= max(order):
        only_time = not any(cell.strip() for cell in row[1:])
        raise BagError(
            f'{where} holds {len(row)} values, the first line {len(header)}: '
            + (
                'remove rows that hold a time and nothing else (a gap is allowed)'
                if only_time and _is_number(row[0])
                else 'is the file cut off there?'
            )
        )
    if len(row) - 1 in order and row[-1].rstrip().endswith(';'):
        raise BagError(f'{where}: remove the semicolon at the end of each line')
    if not any(_is_number_or_nothing(row[index]) for index in order[1:]) and all(
        row[index].strip() for index in order
    ):
        words = ', '.join(row[index].strip() for index in order)
        raise BagError(f'{where}: {words} are no numbers: remove a line of units or words')


def _is_number(text: str) -> bool:
    return _is_a_float(text) and math.isfinite(float(text))


def _is_a_float(text: str) -> bool:
    """Say whether it is a number, or NaN or infinite, as where a sensor gave nothing."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_number_or_nothing(text: str) -> bool:
    return text.strip().lower() in _NOTHING or _is_a_float(text.replace(',', '.'))


def _number(where: str, column: str, text: str) -> float:
    """Read a number; NaN where there is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.inf
        if not text.strip() or text.strip().lower() in _NOTHING:
            return math.nan
    if math.isinf(value):
        raise BagError(
            f'{where}: {column} is {text.strip()!r}, which is no finite number: write 0.5, not '
            '0,5, and nothing where the sensor gave nothing'
        )
    return value


def _time_ns(where: str, text: str, unit: TimeUnit) -> int:
    if unit == 'iso':
        try:
            moment_ns = iso_ns(text)
        except ValueError:
            raise BagError(
                f'{where}: {text!r} is no time in ISO 8601: {_what_iso(text)}'
            ) from None
        if abs(moment_ns) > MOST_NS:
            raise BagError(f'{where}: {text!r} is not between 1824 and 2116')
        return moment_ns
    try:
        # Exact: a float of seconds since 1970 is off by up to 120 ns.
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal('nan')
    if not number.is_finite() or abs(number) * _NANOSECONDS[unit] > MOST_NS:
        raise BagError(
            f'{where}: the time is {text!r}, which is no number of {unit} that can be: '
            f'{_what_time(text, number)}'
        )
    return int(number * _NANOSECONDS[unit])


def _what_time(text: str, number: Decimal) -> str:
    """Say what a time may be that is not of the unit said."""
    if number.is_finite():
        for unit, factor in _NANOSECONDS.items():
            if SINCE_1970_NS <= number * factor <= _LATEST_NS:
                return f"as {unit} it would be a date: give '--time-unit {unit}'"
    with suppress(ValueError):
        iso_ns(text)
        return "it is a date: give '--time-unit iso'"
    if _TIME_OF_DAY.fullmatch(text):
        return (
            'a time of day is not enough: write dates as 2025-01-31T12:00:00.5Z (with '
            "'--time-unit iso'), or seconds from the start on"
        )
    if _OTHER_DATE.match(text):
        return "write dates as 2025-01-31T12:00:00.5Z, and give '--time-unit iso'"
    if ',' in text and _is_number(text.replace(',', '.')):
        return 'write 0.5, not 0,5, or part the columns by semicolons'
    return "give '--time-unit' (s, ms, us, ns, or iso for dates)"


def _what_iso(text: str) -> str:
    if _is_number(text):
        return "it is a number: give '--time-unit' s, ms, us or ns"
    return 'write dates as 2025-01-31T12:00:00.5Z'


def iso_ns(text: str) -> int:
    """Give nanoseconds since 1970 of a time in ISO 8601, UTC unless it says; or ValueError."""
    moment = datetime.fromisoformat(_BEFORE_ZONE.sub('', text))
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _check_rate(file: Path, stamps: NDArray[np.int64], columns: TableColumns) -> None:
    lasted_s = int(stamps[-1] - stamps[0]) / 1e9
    rate_hz = (len(stamps) - 1) / lasted_s if lasted_s else math.inf
    if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
        raise BagError(
            f'{file}: with times in {columns.time_unit} there are {rate_hz:.3g} samples a second, '
            f'which no {columns.title} gives: {_better_unit(stamps, rate_hz, columns.time_unit)}'
        )


def _better_unit(stamps: NDArray[np.int64], rate_hz: float, unit: TimeUnit) -> str:
    """Say which unit would fit the times, as far as any does."""
    if math.isinf(rate_hz) and len(stamps) > _FEW:
        return (
            'all its times are the same: were they rounded, as 1.76E+12 by a spreadsheet? Export '
            "them with all digits; else correct '--time-unit'"
        )
    ahead = np.flatnonzero(np.abs(np.diff(stamps) - _HOUR_NS) <= SECOND_NS)
    if len(ahead):
        return (
            f'they jump ahead by an hour after sample {ahead[0] + 1}: did summer time begin? '
            'Write the times in UTC, or with their zone'
        )
    if unit == 'iso':
        return 'are its dates rounded? Export them with fractions of a second'
    first = int(stamps[0]) / _NANOSECONDS[unit]
    for name, (lowest, highest, zero) in _DAYS.items():
        rate_of_days = rate_hz * _NANOSECONDS[unit] / SECOND_NS / 86_400
        if lowest <= first <= highest and _SLOWEST_HZ <= rate_of_days <= _FASTEST_HZ:
            return f'they seem to be days, as in {name}: write seconds, (days - {zero}) * 86400'
    fitting = [
        name
        for name, factor in _NANOSECONDS.items()
        if _SLOWEST_HZ <= rate_hz * _NANOSECONDS[unit] / factor <= _FASTEST_HZ
    ]
    hint = f' ({" or ".join(fitting)}?)' if fitting else ' (s, ms, us, ns or iso)'
    return f"correct '--time-unit'{hint}"

"""Read the samples of a sensor from a table: a CSV file with a line of column names."""

from array import array
from collections.abc import Iterator
import csv
from dataclasses import dataclass
from datetime import datetime, timedelta, UTC
from decimal import Decimal, InvalidOperation
import math
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError
from xmodal_ros.windows.windowing import SECOND_NS

TimeUnit = Literal['s', 'ms', 'us', 'ns', 'iso']

_NANOSECONDS: Final = {'s': SECOND_NS, 'ms': 1_000_000, 'us': 1000, 'ns': 1}
_SLOWEST_HZ, _FASTEST_HZ = 1.0, 8000.0
# Times later than this count from 1970, earlier ones from some start: it is 1 January 2000.
SINCE_1970_NS: Final = 946_684_800 * SECOND_NS
MOST_NS: Final = 1 << 62
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TableColumns:
    """Which columns hold the time and the values; ``title`` is the sensor's, for messages.

    ``remedy`` says which options name the columns.
    """

    values: tuple[str, ...]
    time: str = 'time'
    time_unit: TimeUnit = 's'
    title: str = 'sensor'
    remedy: str = "name the column of time with '--time'"


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples in order: ``times_ns`` (N,) and ``values`` (N, columns), in the table's units.

    ``repeated`` counts samples of the same time as the one before.
    """

    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    repeated: int

    @property
    def is_dated(self) -> bool:
        """Whether the times count from 1970, rather than from some start."""
        return int(self.times_ns[0]) >= SINCE_1970_NS


def read_table(file: Path, columns: TableColumns) -> SampleTable:
    """Read a table.

    Raises :class:`BagError` with the line, and what to do, for a column that is missing, a value
    that is no finite number, time that runs backwards, and for times that are hardly of the unit
    said.
    """
    times, values = array('q'), array('d')
    try:
        with file.open(encoding='utf-8-sig', newline='') as stream:
            delimiter = _delimiter(stream.readline())
            stream.seek(0)
            lines = csv.reader(stream, delimiter=delimiter, strict=True)
            for time_ns, numbers in _rows(file, lines, columns):
                if times and time_ns < times[-1]:
                    raise BagError(
                        f'{file}: time runs backwards after sample {len(times)}, by '
                        f'{(times[-1] - time_ns) / 1e9:g} s: sort the rows, or import each '
                        'recording in the table on its own'
                    )
                times.append(time_ns)
                values.extend(numbers)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f'the table {str(file)!r} cannot be read: {error}') from error
    if len(times) < 2:
        raise BagError(f'{file}: {len(times)} samples are too few')
    stamps = np.array(times, np.int64)
    _check_rate(file, stamps, columns)
    table = np.array(values).reshape(len(times), -1)
    return SampleTable(stamps, table, int((np.diff(stamps) == 0).sum()))


def _delimiter(header: str) -> str:
    """Give what parts the columns: spreadsheets write commas, semicolons or tabs."""
    return max(',;\t', key=header.count)


def _rows(
    file: Path, lines: Iterator[list[str]], columns: TableColumns
) -> Iterator[tuple[int, list[float]]]:
    header = [name.strip() for name in next(lines, [])]
    wanted = [columns.time, *columns.values]
    if missing := [name for name in wanted if name not in header]:
        raise BagError(
            f'{file}: there is no column {missing[0]!r}, only {", ".join(header) or "nothing"}: '
            f'{columns.remedy}'
        )
    order = [header.index(name) for name in wanted]
    for number, row in enumerate(lines, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(order):
            raise BagError(
                f'{file}: line {number} holds {len(row)} values, the first line {len(header)}: '
                'is the file cut off there?'
            )
        where = f'{file}: line {number}'
        time_ns = _time_ns(where, row[order[0]].strip(), columns.time_unit)
        yield time_ns, [_number(where, header[i], row[i]) for i in order[1:]]


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BagError(
            f'{where}: {column} is {text.strip()!r}, which is no finite number: remove the row '
            'where the sensor gave nothing (a gap is allowed), and write 0.5, not 0,5'
        )
    return value


def _time_ns(where: str, text: str, unit: TimeUnit) -> int:
    if unit == 'iso':
        try:
            moment_ns = iso_ns(text)
        except ValueError:
            raise BagError(f'{where}: {text!r} is no time in ISO 8601') from None
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
            f'{where}: the time is {text!r}, which is no number of {unit} that can be: give '
            "'--time-unit' (s, ms, us, ns, or iso for dates)"
        )
    return int(number * _NANOSECONDS[unit])


def iso_ns(text: str) -> int:
    """Give nanoseconds since 1970 of a time in ISO 8601, UTC unless it says; or ValueError."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _check_rate(file: Path, stamps: NDArray[np.int64], columns: TableColumns) -> None:
    lasted_s = int(stamps[-1] - stamps[0]) / 1e9
    rate_hz = (len(stamps) - 1) / lasted_s if lasted_s else math.inf
    if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
        raise BagError(
            f'{file}: with times in {columns.time_unit} there are {rate_hz:.3g} samples a second, '
            f"which no {columns.title} gives: correct '--time-unit' (s, ms, us, ns or iso)"
        )

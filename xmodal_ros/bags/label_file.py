"""Labels in a table beside the bag: ``start,end,label``, one segment a row.

Times are seconds or ISO 8601. Seconds that are at most one more than the recording lasts count
from its start, others from 1970; ISO times without a zone are UTC.
"""

from collections.abc import Sequence
import csv
from datetime import datetime, timedelta, UTC
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.opening import is_recording
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

FILE_NAME: Final = 'labels.csv'
COLUMNS: Final = ('start', 'end', 'label')
_SECOND_NS: Final = 1_000_000_000
_MOST_SECONDS: Final = Decimal(1 << 34)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def find_label_file(bag: Path) -> Path | None:
    """Find the label table of the bag at ``bag``, if it has one.

    That is ``labels.csv`` in the bag's folder, else ``<bag>.labels.csv`` beside it, else
    ``labels.csv`` beside it. Raises :class:`BagError` when the last lies beside several bags.
    """
    bag = bag.resolve()
    own = [bag / FILE_NAME] if bag.is_dir() else [bag.with_suffix(f'.{FILE_NAME}')]
    own.append(bag.with_name(f'{bag.name}.{FILE_NAME}'))
    for file in own:
        if file.is_file():
            return file
    shared = bag.parent / FILE_NAME
    if not shared.is_file():
        return None
    others = [item.name for item in sorted(bag.parent.iterdir()) if is_recording(item)]
    if others not in ([], [bag.name]):
        raise BagError(
            f'{str(shared)!r} lies beside {len(others)} bags: rename it to {own[-1].name!r} for '
            f'{bag.name!r}, or move it into the folder of the bag it belongs to'
        )
    return shared


def read_label_file(file: Path, start_ns: int, end_ns: int) -> tuple[Segment, ...]:
    """Read the segments in ``file`` for a recording from ``start_ns`` to ``end_ns``.

    Raises :class:`BagError` with file and line for unknown or missing columns, an empty table,
    a time that is no time or lies outside the recording, an end that is not after its start, an
    empty label, and rows that overlap.
    """
    rows: list[tuple[int, Segment]] = []
    try:
        with file.open(encoding='utf-8-sig', newline='') as stream:
            reader = csv.reader(stream, strict=True, skipinitialspace=True)
            order = _read_columns(file, next(reader, []))
            for row in reader:
                if any(cell.strip() for cell in row):
                    where = f'{file}:{reader.line_num}'
                    segment = _read_row(where, row, order, start_ns, end_ns)
                    rows.append((reader.line_num, segment))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f'labels in {str(file)!r} cannot be read: {error}') from error
    if not rows:
        raise BagError(f'{file}: no labels: add rows {",".join(COLUMNS)} or remove the file')
    rows.sort(key=lambda item: item[1].start_ns)
    for (line, before), (next_line, after) in pairwise(rows):
        if after.start_ns < before.end_ns:
            raise BagError(
                f'{file}:{next_line}: {after.label!r} starts before {before.label!r} of line '
                f'{line} has ended: let every row start at or after the end of the one before'
            )
    return tuple(segment for _, segment in rows)


def _read_columns(file: Path, header: Sequence[str]) -> tuple[int, int, int]:
    names = [name.strip().lower() for name in header]
    if sorted(names) != sorted(COLUMNS):
        raise BagError(
            f'{file}:1: the first line must name the columns {",".join(COLUMNS)}, '
            f'it has {",".join(names) or "nothing"}'
        )
    start, end, label = (names.index(name) for name in COLUMNS)
    return start, end, label


def _read_row(
    where: str, row: Sequence[str], order: tuple[int, int, int], start_ns: int, end_ns: int
) -> Segment:
    if len(row) != len(COLUMNS):
        raise BagError(f'{where}: {len(row)} values instead of {",".join(COLUMNS)}')
    start_text, end_text, label = (row[index].strip() for index in order)
    if not label:
        raise BagError(f'{where}: the label is empty')
    if label == UNKNOWN:
        raise BagError(
            f'{where}: {UNKNOWN!r} stands for no activity: remove the row, for what is not '
            'labelled is neither trained nor scored'
        )
    start = _read_time(where, start_text, start_ns, end_ns)
    end = _read_time(where, end_text, start_ns, end_ns)
    if end <= start:
        raise BagError(f'{where}: end {end_text} is not after start {start_text}')
    return Segment(start, end, label)


def _read_time(where: str, text: str, start_ns: int, end_ns: int) -> int:
    duration_ns = end_ns - start_ns
    seconds = _read_seconds(text)
    if seconds is None:
        time_ns = _read_iso(where, text)
    else:
        value = int(seconds * _SECOND_NS)
        time_ns = value + start_ns if value <= duration_ns + _SECOND_NS else value
    if not start_ns - _SECOND_NS <= time_ns <= end_ns + _SECOND_NS:
        raise BagError(
            f'{where}: {text} lies outside the recording, which lasts {duration_ns / 1e9:.3f} s '
            f'from {start_ns / 1e9:.3f} s after 1970 on'
        )
    return time_ns


def _read_seconds(text: str) -> Decimal | None:
    """Read a decimal number, exactly: a float of seconds since 1970 is off by up to 120 ns."""
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        return None
    if not seconds.is_finite():
        return None
    # Beyond int64 nanoseconds all times are equally wrong, and a huge exponent must not be
    # written out in digits.
    return max(-_MOST_SECONDS, min(seconds, _MOST_SECONDS))


def _read_iso(where: str, text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BagError(
            f'{where}: {text!r} is no time: write seconds or ISO 8601, as 2025-01-31T12:00:00.5Z'
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000

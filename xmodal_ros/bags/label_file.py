"""Labels in a file beside the bag: a table, one from ELAN, or a label track of Audacity.

The table is ``start,end,label``, one segment a row. Times are seconds or ISO 8601. Seconds that
are at most one more than the recording lasts count from its start, others from 1970; ISO times
without a zone are UTC.
"""

from collections.abc import Sequence
import csv
from datetime import datetime, timedelta, UTC
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from xmodal_ros.bags.audacity import read_audacity
from xmodal_ros.bags.elan import read_elan
from xmodal_ros.bags.label_rows import in_order, LabelledSpan, make_segment
from xmodal_ros.bags.opening import file_stem, is_recording
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

FILE_NAME: Final = 'labels.csv'
OTHER_NAMES: Final = ('labels.eaf', 'labels.txt')
COLUMNS: Final = ('start', 'end', 'label')
_SECOND_NS: Final = 1_000_000_000
_MOST_SECONDS: Final = Decimal(1 << 34)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def find_label_file(bag: Path) -> Path | None:
    """Find the label file of the bag at ``bag``, if it has one.

    That is ``labels.csv`` in the bag's folder, else ``<bag>.labels.csv`` beside it, else
    ``labels.csv`` beside it; without any, ``labels.eaf`` or ``labels.txt`` in the same places.
    Raises :class:`BagError` when one beside it lies beside several bags, and when there is both an
    ``.eaf`` and a ``.txt``.
    """
    bag = bag.resolve()
    if (table := _find(bag, FILE_NAME)) is not None:
        return table
    others = [file for name in OTHER_NAMES if (file := _find(bag, name)) is not None]
    if len(others) > 1:
        raise BagError(
            f'{bag.name!r} has labels in {str(others[0])!r} and in {str(others[1])!r}: keep one'
        )
    return others[0] if others else None


def _find(bag: Path, name: str) -> Path | None:
    own = [bag / name] if bag.is_dir() else [bag.with_name(f'{file_stem(bag)}.{name}')]
    own.append(bag.with_name(f'{bag.name}.{name}'))
    for file in own:
        if file.is_file():
            return file
    shared = bag.parent / name
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

    An ``.eaf`` is of ELAN, a ``.txt`` of Audacity, all else a table. Raises :class:`BagError`
    with file and line for unknown or missing columns, a file without labels, a time that is no
    time or lies outside the recording, an end that is not after its start, an empty label, and
    rows that overlap.
    """
    span = LabelledSpan(start_ns, end_ns)
    if file.suffix == '.eaf':
        return read_elan(file, span)
    return read_audacity(file, span) if file.suffix == '.txt' else _read_table(file, span)


def _read_table(file: Path, span: LabelledSpan) -> tuple[Segment, ...]:
    rows: list[tuple[str, str, Segment]] = []
    try:
        with file.open(encoding='utf-8-sig', newline='') as stream:
            reader = csv.reader(stream, strict=True, skipinitialspace=True)
            order = _read_columns(file, next(reader, []))
            for row in reader:
                if any(cell.strip() for cell in row):
                    where = f'{file}:{reader.line_num}'
                    segment = _read_row(where, row, order, span)
                    rows.append((where, f'line {reader.line_num}', segment))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f'labels in {str(file)!r} cannot be read: {error}') from error
    if not rows:
        raise BagError(f'{file}: no labels: add rows {",".join(COLUMNS)} or remove the file')
    return in_order(rows)


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
    where: str, row: Sequence[str], order: tuple[int, int, int], span: LabelledSpan
) -> Segment:
    if len(row) != len(COLUMNS):
        raise BagError(f'{where}: {len(row)} values instead of {",".join(COLUMNS)}')
    start, end, label = (row[index].strip() for index in order)
    return make_segment(
        where, label, (start, _time(where, start, span)), (end, _time(where, end, span)), span
    )


def _time(where: str, text: str, span: LabelledSpan) -> int:
    seconds = _read_seconds(text)
    if seconds is None:
        return _read_iso(where, text)
    value = int(seconds * _SECOND_NS)
    since_start = value <= span.end_ns - span.start_ns + _SECOND_NS
    return value + span.start_ns if since_start else value


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

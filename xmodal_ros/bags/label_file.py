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

"""Labels in a file beside the bag: a table, one from ELAN, or a label track of Audacity.

The table is ``start,end,label``, one segment a row, in UTF-8 or UTF-16, with commas, semicolons
or tabs between columns (and decimal commas where these are no commas). Times are seconds or ISO
8601. Seconds that are at most one more than the recording lasts count from its start, others from
1970; ISO times without a zone are UTC.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, UTC
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from xmodal_ros.bags.audacity import read_audacity
from xmodal_ros.bags.elan import read_elan
from xmodal_ros.bags.label_rows import in_order, LabelledSpan, make_segment
from xmodal_ros.bags.opening import file_stem, is_recording, storage_paths
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.paths import as_called
from xmodal_ros.text_file import opened_table

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
    Where the bag is called by a link, or by its only file, what that stands for counts next.
    Raises :class:`BagError` when one beside it lies beside several bags, and when there is both an
    ``.eaf`` and a ``.txt``.
    """
    table = _find(bag, FILE_NAME)
    return find_other_label_file(bag) if table is None else table


def find_other_label_file(bag: Path) -> Path | None:
    """Find the label file of a bag that counts where there is no ``labels.csv``.

    Raises like :func:`find_label_file`.
    """
    others = [file for name in OTHER_NAMES if (file := _find(bag, name)) is not None]
    if len(others) > 1:
        raise BagError(
            f'{bag.name!r} has labels in {str(others[0])!r} and in {str(others[1])!r}: keep one'
        )
    return others[0] if others else None


def _find(bag: Path, name: str) -> Path | None:
    places = _places(bag)
    for place in places:
        inside = place / name if place.is_dir() else place.with_name(f'{file_stem(place)}.{name}')
        for file in (inside, place.with_name(f'{place.name}.{name}')):
            if file.is_file():
                return file
    shared = ((place, place.parent / name) for place in places)
    return next((file for place, file in shared if _is_only_of(place, file)), None)


def _places(bag: Path) -> list[Path]:
    """Give what stands for a bag: as it is called, its only file or folder, where links lead."""
    paths = storage_paths(bag)
    named = (bag, *paths) if len(paths) == 1 else (bag,)
    called = [as_called(each) for each in named]
    return [*dict.fromkeys((*called, *(each.resolve() for each in called)))]


def _is_only_of(bag: Path, file: Path) -> bool:
    """Say whether a label file lies beside a bag; BagError where it lies beside others too."""
    if not file.is_file():
        return False
    others = [item.name for item in sorted(bag.parent.iterdir()) if is_recording(item)]
    if others not in ([], [bag.name]):
        raise BagError(
            f'{str(file)!r} lies beside {len(others)} bags: rename it to '
            f'{f"{bag.name}.{file.name}"!r} for {bag.name!r}, or move it into the folder of the '
            'bag it belongs to'
        )
    return True


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
    with opened_table(file, 'labels in') as table:
        order = _read_columns(file, table.header)
        for line, row in table:
            if any(cell.strip() for cell in row):
                where = f'{file}:{line}'
                cells = _read_row(where, row, len(table.header))
                start, end, label = (cells[index].strip() for index in order)
                times = [
                    (text, _time(where, table.number_text(text), span)) for text in (start, end)
                ]
                segment = make_segment(where, label, times[0], times[1], span)
                rows.append((where, f'line {line}', segment))
    if not rows:
        raise BagError(f'{file}: no labels: add rows {",".join(COLUMNS)} or remove the file')
    return in_order(rows)


def _read_columns(file: Path, header: Sequence[str]) -> tuple[int, int, int]:
    names = [name.lower() for name in header]
    # Spreadsheets write empty columns after the last.
    if sorted(filter(None, names)) != sorted(COLUMNS):
        more = [name for name in names if name and name not in COLUMNS]
        if set(COLUMNS) <= set(names):
            remedy = f': remove {",".join(more) or "what is there twice"}'
        elif names and _read_seconds(names[0]) is not None:
            remedy = ': add that line'
        else:
            remedy = ''
        raise BagError(
            f'{file}:1: the first line must name the columns {",".join(COLUMNS)}, '
            f'it has {",".join(filter(None, names)) or "nothing"}{remedy}'
        )
    start, end, label = (names.index(name) for name in COLUMNS)
    return start, end, label


def _read_row(where: str, row: Sequence[str], columns: int) -> Sequence[str]:
    extra = [cell for cell in row[columns:] if cell.strip()]
    if len(row) < columns or extra:
        raise BagError(f'{where}: {len(row)} values instead of {",".join(COLUMNS)}')
    return row


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
            f'{where}: {text!r} is no time: write {_as_seconds(text)}seconds or ISO 8601, as '
            '2025-01-31T12:00:00.5Z'
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _as_seconds(text: str) -> str:
    """Give what to write for a time with a decimal comma, or of minutes and seconds."""
    parts = text.replace(',', '.').split(':')
    values = [_read_seconds(part) for part in parts]
    if len(parts) > 3 or any(value is None for value in values):
        return ''
    total = Decimal(0)
    for value in values:
        total = total * 60 + (value or 0)
    return f'{total.normalize():f} for '

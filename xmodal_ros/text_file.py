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

"""Read text that people and their programs wrote: tables in any of the usual encodings."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
import csv
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Final

from xmodal_ros.errors import BagError

# UTF-32 first, for its mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, 'utf-32'),
    (codecs.BOM_UTF32_BE, 'utf-32'),
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
)
_PROBED_BYTES: Final = 4096
_DELIMITERS: Final = ',;\t'
# Spreadsheets name the delimiter so, in a line before the first.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\s*')
_DECIMAL_COMMA: Final = re.compile(r'\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*')


@dataclass
class TableLines:
    """The rows of a table, of which ``header`` are the cells of the first.

    ``decimal_comma`` says that numbers may have one, for columns are parted otherwise.
    """

    header: list[str]
    decimal_comma: bool
    _reader: Iterator[list[str]]
    _skipped: int

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Give line numbers and cells."""
        for row in self._reader:
            yield self._skipped + self._reader.line_num, row  # type: ignore[attr-defined]

    def number_text(self, cell: str) -> str:
        """Give a cell as Python writes numbers."""
        if self.decimal_comma and _DECIMAL_COMMA.fullmatch(cell):
            return cell.replace(',', '.')
        return cell


@contextmanager
def opened_table(file: Path, what: str) -> Iterator[TableLines]:
    """Open a table whose columns are parted by commas, semicolons or tabs.

    ``what`` names it in errors, as 'labels in'. Raises :class:`BagError` for one that is no text,
    here and while its rows are read.
    """
    try:
        with _told(file, what), file.open(encoding=_encoding_of(file), newline='') as stream:
            first = stream.readline()
            named = _SEPARATOR_LINE.fullmatch(first)
            if named is None:
                stream.seek(0)
            # Max takes the first of equals: a single column has none.
            delimiter = named[1] if named else max(_DELIMITERS, key=first.count)
            reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=True)
            header = [cell.strip() for cell in next(reader, [])]
            yield TableLines(header, delimiter != ',', reader, 1 if named else 0)
    except csv.Error as error:
        raise BagError(
            f'{what} {str(file)!r} cannot be read: {error}: are its quotes in pairs?'
        ) from error


@contextmanager
def _told(file: Path, what: str) -> Iterator[None]:
    """Raise :class:`BagError` for a file that cannot be read, or is no text."""
    try:
        yield
    except OSError as error:
        raise BagError(
            f'{what} {str(file)!r} cannot be read: {error.strerror or error}'
        ) from error
    except UnicodeDecodeError as error:
        raise BagError(explain_undecodable(file, what)) from error


def read_text(file: Path, what: str) -> str:
    """Read a file of text as a whole; raises :class:`BagError` for one that is none."""
    with _told(file, what):
        return file.read_text(encoding=_encoding_of(file))


def explain_undecodable(file: Path, what: str) -> str:
    """Say where a file is no UTF-8, what it may be instead, and how to convert it."""
    if _encoding_of(file) != 'utf-8-sig':
        return (
            f'{what} {str(file)!r} cannot be read: it begins as UTF-16, but is none: copy it again'
        )
    with file.open('rb') as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start : error.start + 1]
                old = byte.decode('cp1252', 'replace')
                return (
                    f'{what} {str(file)!r} cannot be read: line {number} is no UTF-8 (byte '
                    f'0x{byte.hex()}, which is {old!r} in Windows-1252): save it as UTF-8, or run '
                    f'`iconv -f cp1252 -t utf-8 {file} > NEW`'
                )
    return f'{what} {str(file)!r} cannot be read: it is no UTF-8'


def _encoding_of(file: Path) -> str:
    with file.open('rb') as stream:
        head = stream.read(_PROBED_BYTES)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # Text of few letters beyond English has zeros in every second byte of UTF-16.
    for first, name in ((1, 'utf-16-le'), (0, 'utf-16-be')):
        if len(head) >= 4 and all(byte == 0 for byte in head[first:20:2]) and head[1 - first]:
            return name
    return 'utf-8-sig'

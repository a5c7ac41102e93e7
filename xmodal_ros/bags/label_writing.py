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

"""Write labels into the table beside a bag; :mod:`xmodal_ros.bags.label_file` reads it."""

from collections.abc import Sequence
import csv
import io
from itertools import pairwise
from pathlib import Path
from typing import Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.label_file import COLUMNS, FILE_NAME
from xmodal_ros.bags.opening import file_stem, storage_paths
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import ConfigurationError

_SECOND_NS: Final = 1_000_000_000
# What a table may lie outside the recording, as its reader takes it.
_TOLERANCE_NS: Final = _SECOND_NS
_LONGEST_LABEL: Final = 200


def own_label_file(bag: Path) -> Path:
    """Give where a bag without a label table gets one: in its folder, else beside its file.

    Raises :class:`BagError` where there is no bag.
    """
    paths = storage_paths(bag)
    place = paths[0] if len(paths) == 1 else bag
    if place.is_dir():
        return place / FILE_NAME
    # Several files without metadata.yaml are one bag, which is their folder.
    if bag.is_dir():
        return bag / FILE_NAME
    return place.with_name(f'{file_stem(place)}.{FILE_NAME}')


def check_segments(segments: Sequence[Segment], start_ns: int, end_ns: int) -> tuple[Segment, ...]:
    """Give the segments in order of time, for a recording from ``start_ns`` to ``end_ns``.

    Raises :class:`ConfigurationError` for what no table may hold: a segment without duration or
    outside the recording, segments that overlap, a label that is empty, reserved or unreadable.
    """
    ordered = tuple(sorted(segments, key=lambda segment: segment.start_ns))
    for segment in ordered:
        check_label(segment.label)
        if segment.end_ns <= segment.start_ns:
            raise ConfigurationError(f'{segment.label!r} ends before it has begun')
        if segment.start_ns < start_ns - _TOLERANCE_NS or segment.end_ns > end_ns + _TOLERANCE_NS:
            raise ConfigurationError(f'{segment.label!r} lies outside the recording')
    for before, after in pairwise(ordered):
        if after.start_ns < before.end_ns:
            raise ConfigurationError(f'{before.label!r} and {after.label!r} overlap')
    return ordered


def check_label(label: str) -> None:
    """Raise :class:`ConfigurationError` for a label that no table may hold."""
    if not label or label != label.strip():
        raise ConfigurationError(f'a label must be a word, not {label!r}')
    if label == UNKNOWN:
        raise ConfigurationError(f'{UNKNOWN!r} stands for no activity: leave that time unlabelled')
    if not label.isprintable() or len(label) > _LONGEST_LABEL:
        raise ConfigurationError(
            f'the label {label[:_LONGEST_LABEL]!r} cannot be written: use up to {_LONGEST_LABEL} '
            'printable characters'
        )


def label_table(segments: Sequence[Segment], start_ns: int) -> str:
    """Lay segments out as ``start,end,label``, exact seconds since ``start_ns``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(COLUMNS)
    for segment in segments:
        times = (_seconds(ns - start_ns) for ns in (segment.start_ns, segment.end_ns))
        writer.writerow((*times, segment.label))
    return text.getvalue()


def _seconds(ns: int) -> str:
    seconds, rest = divmod(abs(ns), _SECOND_NS)
    fraction = f'{rest:09d}'.rstrip('0').ljust(3, '0')
    return f'{"-" if ns < 0 else ""}{seconds}.{fraction}'

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

"""What label files of every kind have in common: rows of start, end and label, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
import re
from typing import Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

_SECOND_NS: Final = 1_000_000_000
_UNITS: Final = {'milliseconds': 1000, 'microseconds': 10**6, 'nanoseconds': 10**9}
_NUMBER: Final = re.compile(r'\d{1,30}(\.\d{1,30})?')
_QUARTER_NS: Final = 900 * _SECOND_NS
# Zones are up to 14 hours ahead of UTC.
_MOST_QUARTERS: Final = 56
# Clocks that say an earlier time, 1 January 2000, were not set.
_SET_NS: Final = 946_684_800 * _SECOND_NS


@dataclass(frozen=True)
class LabelledSpan:
    """When the recording lasts, which no label may leave by more than a second."""

    start_ns: int
    end_ns: int

    def check(self, where: str, text: str, time_ns: int) -> int:
        """Give a time back; raises :class:`BagError` when it lies outside."""
        if not self._holds(time_ns):
            # A small number was meant from the start of the recording on.
            small = time_ns < _SET_NS <= self.start_ns
            since = '' if small else f' from {self.start_ns / 1e9:.3f} s after 1970 on'
            raise BagError(
                f'{where}: {text} lies outside the recording, which lasts '
                f'{(self.end_ns - self.start_ns) / 1e9:.3f} s{since}{self._hint(text, time_ns)}'
            )
        return time_ns

    def _hint(self, text: str, time_ns: int) -> str:
        """Say what a time outside may be instead."""
        number_ns = Fraction(text) * _SECOND_NS if _NUMBER.fullmatch(text) else Fraction(0)
        # What is hardly outside is of its unit, and wrong.
        far = number_ns >= 2 * (self.end_ns - self.start_ns)
        for unit, factor in _UNITS.items() if far else ():
            value_ns = int(number_ns / factor)
            if self._holds(value_ns) or self._holds(value_ns + self.start_ns):
                return f': if these are {unit}, write seconds, {value_ns / 1e9:.12g} for {text}'
        for quarters in range(-_MOST_QUARTERS, _MOST_QUARTERS + 1):
            if quarters and self._holds(time_ns - quarters * _QUARTER_NS):
                sign, (hours, rest) = '+-'[quarters < 0], divmod(abs(quarters), 4)
                zone = f'{sign}{hours:02d}:{rest * 15:02d}'
                return f': times without a zone are UTC; is it that of {zone}? Write {text}{zone}'
        if self.start_ns < _SET_NS <= time_ns:
            return (
                ': the clock of the recorder was not set; write seconds from the start of the '
                'recording on'
            )
        return ''

    def _holds(self, time_ns: int) -> bool:
        return self.start_ns - _SECOND_NS <= time_ns <= self.end_ns + _SECOND_NS


def make_segment(
    where: str, label: str, start: tuple[str, int], end: tuple[str, int], span: LabelledSpan
) -> Segment:
    """Make a segment of a label and the texts and times, in nanoseconds, of its start and end.

    Raises :class:`BagError` for an empty label or 'unknown', an end that is not after the start,
    and times outside the recording.
    """
    if not label:
        raise BagError(f'{where}: the label is empty')
    if label == UNKNOWN:
        raise BagError(
            f'{where}: {UNKNOWN!r} stands for no activity: remove the row, for what is not '
            'labelled is neither trained nor scored'
        )
    start_ns, end_ns = (span.check(where, text, time_ns) for text, time_ns in (start, end))
    if end_ns <= start_ns:
        raise BagError(f'{where}: end {end[0]} is not after start {start[0]}')
    return Segment(start_ns, end_ns, label)


def in_order(rows: Sequence[tuple[str, str, Segment]]) -> tuple[Segment, ...]:
    """Give segments in order of time.

    With each comes where it is, as ``file:line``, and how another row may name that place. Raises
    :class:`BagError` for two that overlap.
    """
    ordered = sorted(rows, key=lambda row: row[2].start_ns)
    for (_, place, before), (where, _, after) in pairwise(ordered):
        if after.start_ns < before.end_ns:
            raise BagError(
                f'{where}: {after.label!r} starts before {before.label!r} of {place} has ended: '
                'let every row start at or after the end of the one before'
            )
    return tuple(segment for _, _, segment in ordered)

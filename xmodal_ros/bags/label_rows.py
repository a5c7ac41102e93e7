"""What label files of every kind have in common: rows of start, end and label, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class LabelledSpan:
    """When the recording lasts, which no label may leave by more than a second."""

    start_ns: int
    end_ns: int

    def check(self, where: str, text: str, time_ns: int) -> int:
        """Give a time back; raises :class:`BagError` when it lies outside."""
        if not self.start_ns - _SECOND_NS <= time_ns <= self.end_ns + _SECOND_NS:
            raise BagError(
                f'{where}: {text} lies outside the recording, which lasts '
                f'{(self.end_ns - self.start_ns) / 1e9:.3f} s from {self.start_ns / 1e9:.3f} s '
                'after 1970 on'
            )
        return time_ns


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

"""A stretch of time in which one activity is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Segment:
    """The activity ``label`` is done during ``[start_ns, end_ns)``, in source time."""

    start_ns: int
    end_ns: int
    label: str


def relabelled(segments: Sequence[Segment], names: Mapping[str, str]) -> tuple[Segment, ...]:
    """Give segments with other labels, where ``names`` has any for theirs."""
    return tuple(
        replace(segment, label=names.get(segment.label, segment.label)) for segment in segments
    )

"""A stretch of time in which one activity is done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """The activity ``label`` is done during ``[start_ns, end_ns)``, in source time."""

    start_ns: int
    end_ns: int
    label: str

"""The stretch of time that a page shows of a recording."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """From ``start_ns`` to ``end_ns``, in source time."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_ns - self.start_ns) / 1e9

    def __contains__(self, stamp_ns: int) -> bool:
        """Tell whether a stamp lies in it."""
        return self.start_ns <= stamp_ns <= self.end_ns

    def offset_s(self, stamp_ns: int) -> float:
        """Give the seconds from its start to a stamp."""
        return (stamp_ns - self.start_ns) / 1e9

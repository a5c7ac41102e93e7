"""One source's labels in order of their stamps, and whether it is alive."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final, Literal

from xmodal_ros.runtime.label import Label

Verdict = Literal['accepted', 'duplicate', 'late', 'jumped']

# More than are within the longest timeout at any usual rate; bounds what a faulty source costs.
_KEPT: Final = 4096
_RECENT_STEPS: Final = 4


class LabelTrack:
    """The labels of one source; all times are those of its stamps, in nanoseconds.

    A label not after the newest is refused; one that is more than ``timeout_ns`` before it is a
    jump back in time, with which everything starts anew.
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.drops: Counter[str] = Counter()
        self.heard_ns: int | None = None
        self.clear()

    def clear(self) -> None:
        """Forget the labels, not what was counted."""
        self.newest_ns: int | None = None
        self.alive = False
        self.alive_since_ns: int | None = None
        self.blocked_since_ns: int | None = None
        self._labels: deque[Label] = deque(maxlen=_KEPT)
        self._steps: deque[int] = deque(maxlen=_RECENT_STEPS)

    def fall_silent(self) -> None:
        """Drop the labels that nobody may publish any more; the newest stamp still counts."""
        self.alive = False
        self.blocked_since_ns = None
        self._labels.clear()

    def push(self, label: Label, timeout_ns: int) -> Verdict:
        """Take one label."""
        verdict = self._judge(label.stamp_ns, timeout_ns)
        if verdict in ('duplicate', 'late'):
            self.drops[verdict] += 1
            return verdict
        if verdict == 'jumped':
            self.clear()
        if self.newest_ns is not None:
            step_ns = label.stamp_ns - self.newest_ns
            self._steps.append(step_ns)
            if step_ns > timeout_ns:
                # It was away, though no other source was there to notice.
                self.alive = False
        self.newest_ns = label.stamp_ns
        self._labels.append(label)
        while self._labels[0].stamp_ns < label.stamp_ns - 2 * timeout_ns:
            self._labels.popleft()
        return verdict

    @property
    def latest(self) -> Label | None:
        """The newest label; None where it may not be published any more."""
        return self._labels[-1] if self._labels else None

    @property
    def hold_ns(self) -> int:
        """How long a label stands for what its source says: until the next one is due."""
        return min(self._steps, default=1)

    @property
    def step_ns(self) -> int | None:
        """How far its labels lie apart at the least; None before there are two."""
        return min(self._steps, default=None)

    def first_after(self, stamp_ns: int | None) -> int | None:
        """Give the first stamp after another one; None where there is none."""
        found = None
        for label in self._newest_first():
            if stamp_ns is not None and label.stamp_ns <= stamp_ns:
                break
            found = label.stamp_ns
        return found

    def at(self, stamp_ns: int) -> Label | None:
        """Give the label that stands at a stamp, None where there is none."""
        for label in self._newest_first():
            if label.stamp_ns <= stamp_ns:
                return label if stamp_ns - label.stamp_ns < self.hold_ns else None
        return None

    def awaits(self, stamp_ns: int) -> bool:
        """Tell whether a label for this stamp may still come."""
        return self.newest_ns is None or self.newest_ns + self.hold_ns <= stamp_ns

    def _newest_first(self) -> Iterator[Label]:
        return reversed(self._labels)

    def _judge(self, stamp_ns: int, timeout_ns: int) -> Verdict:
        if self.newest_ns is None or stamp_ns > self.newest_ns:
            return 'accepted'
        if stamp_ns == self.newest_ns:
            return 'duplicate'
        return 'late' if stamp_ns >= self.newest_ns - timeout_ns else 'jumped'

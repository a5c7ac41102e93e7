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

"""One source's labels in order of their stamps, when they came, and whether it is alive."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from xmodal_ros.runtime.label import Label

# Where a label lies that is not of the time in use: ahead of it, behind it, or back in the time
# of its own source.
Astray = Literal['ahead', 'behind', 'back']

# More than are within the longest timeout at any usual rate; bounds what a faulty source costs.
_KEPT: Final = 4096
_RECENT_STEPS: Final = 4
# Labels come as time goes on where the clock advances by at least one part in so many of theirs.
_FASTEST: Final = 2
# Labels that come on time differ in their delays by less than one part in so many of their step.
_DELAYS_VARY: Final = 4


@dataclass
class OtherTime:
    """Labels in a row that are not of the time in use, which their source may yet decide.

    Their stamps go from ``first_ns`` to ``newest_ns``; ``since_ns`` is when they began, or when
    the last label of the time in use came, by the steady clock.
    """

    kind: Astray
    first_ns: int
    newest_ns: int
    since_ns: int

    def goes_on(self, stamp_ns: int, timeout_ns: int) -> bool:
        """Tell whether a label is the next in this time."""
        return 0 < stamp_ns - self.newest_ns <= timeout_ns

    def contradict(self, clock_ns: int) -> None:
        """Take note of a label of the time in use."""
        self.first_ns, self.since_ns = self.newest_ns, clock_ns


class LabelTrack:
    """The labels of one source, in nanoseconds: of its stamps, and of a clock when they came.

    ``other_time`` is set while its newest labels are not of the time in use; those that lie ahead
    of it or go back are no part of the track.
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.drops: Counter[str] = Counter()
        self.heard_ns: int | None = None
        self._measured = self._paced = self._paced_before = False
        self.clear()

    def clear(self) -> None:
        """Forget the labels, not what was counted."""
        self.newest_ns: int | None = None
        self.alive = False
        self.alive_since_ns: int | None = None
        self._alive_from_ns = 0
        self.other_time: OtherTime | None = None
        self._labels: deque[Label] = deque(maxlen=_KEPT)
        self._steps: deque[int] = deque(maxlen=_RECENT_STEPS)
        self._measure_anew()

    def fall_silent(self) -> None:
        """Drop the labels that nobody may publish any more; the newest stamp still counts."""
        self.alive = False
        self._labels.clear()

    def live_from(self, time_ns: int | None, clock_ns: int) -> None:
        """Begin to live, as it did from the beginning where ``time_ns`` is None.

        Where the label that tells so is late, by its own clock or as others have been heard a hop
        later, life begins with the next one.
        """
        if time_ns is not None and (self._is_late or self.awaits(time_ns)):
            time_ns += self.hold_ns
        self.alive_since_ns, self._alive_from_ns = time_ns, clock_ns

    def live_on(self, time_ns: int, clock_ns: int) -> None:
        """Go on living; time that only its burst of labels has let pass does not count."""
        since_ns = self.alive_since_ns
        if since_ns is None or not self.paced:
            return
        if _FASTEST * (clock_ns - self._alive_from_ns) < time_ns - since_ns:
            self.alive_since_ns = time_ns

    def refuse(self, stamp_ns: int, timeout_ns: int, kind: Astray | None) -> bool:
        """Tell, and count, whether a label comes twice or after a later one."""
        newest_ns, other = self.newest_ns, self.other_time
        if kind in ('ahead', 'back'):
            newest_ns = other.newest_ns if other and other.kind == kind else None
        if newest_ns is None or not newest_ns - timeout_ns <= stamp_ns <= newest_ns:
            return False
        self.drops['duplicate' if stamp_ns == newest_ns else 'late'] += 1
        return True

    def take(self, label: Label, clock_ns: int, timeout_ns: int) -> None:
        """Take a label that is after the newest."""
        if self.newest_ns is not None:
            step_ns = label.stamp_ns - self.newest_ns
            self._steps.append(step_ns)
            if step_ns > timeout_ns:
                # It was away, though no other source was there to notice.
                self.alive = False
                self._measure_anew()
        self._measure(label.stamp_ns, clock_ns)
        self.newest_ns = label.stamp_ns
        self._labels.append(label)
        while self._labels[0].stamp_ns < label.stamp_ns - 2 * timeout_ns:
            self._labels.popleft()

    def stray(self, kind: Astray, stamp_ns: int, clock_ns: int, timeout_ns: int) -> None:
        """Take note of a label that is not of the time in use."""
        other = self.other_time
        if other is None or not other.goes_on(stamp_ns, timeout_ns):
            self.other_time = OtherTime(kind, stamp_ns, stamp_ns, clock_ns)
        else:
            other.kind, other.newest_ns = kind, stamp_ns

    def goes_on_back(self, stamp_ns: int, timeout_ns: int) -> bool:
        """Tell whether a label goes on in the time that its source has gone back to."""
        other = self.other_time
        return other is not None and other.kind == 'back' and other.goes_on(stamp_ns, timeout_ns)

    @property
    def paced(self) -> bool:
        """Whether labels come as time goes on, so that the clock tells of what to expect.

        It does not in a recording that is read or played much faster than it was made.
        """
        return self._paced if self._measured else self._paced_before

    def early(self, stamp_ns: int, clock_ns: int, timeout_ns: int) -> bool:
        """Tell whether a label lies further ahead of the clock than any before, by a timeout."""
        return self._is_paced and not self._is_no_fresher(stamp_ns - clock_ns, timeout_ns)

    def on_time(self, stamp_ns: int, clock_ns: int, timeout_ns: int) -> bool:
        """Tell whether a label comes as those before it did, as time goes on."""
        return self._is_paced and self._is_no_fresher(stamp_ns - clock_ns, timeout_ns)

    def punctual(self, stamp_ns: int, clock_ns: int) -> bool:
        """Tell whether a label comes as time goes on, and no later than delays vary."""
        if self._freshest_ns is None or not self._is_paced:
            return False
        return stamp_ns - clock_ns >= self._freshest_ns - self.hold_ns // _DELAYS_VARY

    def speaks(self, clock_ns: int, timeout_ns: int) -> bool:
        """Tell whether its labels come as time goes on, and one has come lately."""
        return self.paced and self.heard_within(clock_ns, timeout_ns)

    def heard_within(self, clock_ns: int, longest_ns: int) -> bool:
        """Tell whether anything has come for no longer than this, by the clock."""
        return self.heard_ns is not None and clock_ns - self.heard_ns <= longest_ns

    @property
    def behind(self) -> bool:
        """Whether its labels are older than the time in use allows."""
        return self.other_time is not None and self.other_time.kind == 'behind'

    def backed_ns(self, clock_ns: int) -> int | None:
        """Give the newest stamp, or how far it may be by the clock and the freshest label."""
        if self.newest_ns is None or self._freshest_ns is None:
            return None
        return min(self.newest_ns, clock_ns + self._freshest_ns)

    @property
    def voice_ns(self) -> int | None:
        """What time its newest label says it is; None where it may not be published any more."""
        other = self.other_time
        if other is not None and other.kind != 'behind':
            return other.newest_ns
        return self._labels[-1].stamp_ns if self._labels else None

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

    @property
    def _is_paced(self) -> bool:
        return self._measured and self._paced

    @property
    def _is_late(self) -> bool:
        """Whether its newest label has come late, as time goes on, by more than delays vary."""
        newest_ns = self.newest_ns
        if newest_ns is None or not self._is_paced:
            return False
        return not self.punctual(newest_ns, self._clock_ns)

    def _is_no_fresher(self, fresh_ns: int, timeout_ns: int) -> bool:
        return self._freshest_ns is None or fresh_ns <= self._freshest_ns + timeout_ns

    def _measure_anew(self) -> None:
        if self._measured:
            self._paced_before = self._paced
        self._measured = self._paced = False
        self._first: tuple[int, int] | None = None
        self._freshest_ns: int | None = None
        self._clock_ns = 0

    def _measure(self, stamp_ns: int, clock_ns: int) -> None:
        """Measure whether labels come as time goes on, and how fresh they come at best."""
        fresh_ns = stamp_ns - clock_ns
        if self._first is None or self._freshest_ns is None:
            self._first, self._freshest_ns = (stamp_ns, clock_ns), fresh_ns
        else:
            self._measured = True
            passed_ns, paced_before = clock_ns - self._first[1], self._paced
            self._paced = _FASTEST * passed_ns >= stamp_ns - self._first[0]
            if not (self._paced and paced_before):
                # What came in a burst says nothing of how fresh labels come as time goes on.
                self._freshest_ns = fresh_ns
            else:
                # A burst of labels, all at once, must not make later ones seem to come in time.
                most_ns = self._freshest_ns + clock_ns - self._clock_ns
                self._freshest_ns = max(self._freshest_ns, min(fresh_ns, most_ns))
        self._clock_ns = clock_ns

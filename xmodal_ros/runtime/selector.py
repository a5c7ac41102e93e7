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

"""The selector: labels of several sources in, one decision at a time out.

Where the clocks of the sources agree, what it decides depends on the labels' stamps alone, so a
recording gives the same decisions however fast it is played. When labels came, by a steady clock,
tells what to believe where stamps contradict each other, and that nothing comes from any source,
of which :meth:`Selector.watch` speaks.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.fusion import fuse, Opinion
from xmodal_ros.runtime.label import Label, ranked, refusal, Scores
from xmodal_ros.runtime.label_track import Astray, LabelTrack
from xmodal_ros.runtime.selector_settings import AUTO, JOINT, SelectorSettings
from xmodal_ros.runtime.smoothing import Dwell, Smoother

# A label comes after what it is about, on a slow computer seconds later; more is another clock.
LATE_NS: Final = 5_000_000_000


@dataclass(frozen=True)
class Decision:
    """What to publish; ``source`` names what it rests on, '' where that is silence."""

    stamp_ns: int
    frame_id: str
    scores: Scores
    source: str

    @property
    def label(self) -> str:
        """An activity's name, or ``unknown``."""
        return self.scores[0][0]


class Selector:
    """Chooses between sources, or fuses them; ``clock`` gives steady nanoseconds.

    The time in use is the newest stamp of all sources that may be chosen, or the last decision's.
    A source is alive while its newest label is at most the timeout older. Decisions come in order
    of their stamps, from one reset to the next; a reset follows when another time comes into use:
    time jumps back for all sources, or those left are by another clock.
    """

    def __init__(self, settings: SelectorSettings, clock: Callable[[], int]) -> None:
        self.tracks = {name: LabelTrack(name) for name in settings.names}
        self.selected = ''
        self.answering = ''
        self.silent = False
        self.resets = 0
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._heard_ns = self._decided_ns = self._said_ns = clock()
        # What the node's clock said, by the steady one, when the last label had come.
        self._node_ns: tuple[int, int] | None = None
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self.change(settings)

    def change(self, settings: SelectorSettings) -> None:
        """Take up other settings for the same sources; what has been heard still counts."""
        self.settings = settings
        self._accuracy = {each.name: each.accuracy or 0.0 for each in settings.sources}
        self._smoother = Smoother(settings.smoothing_ns, settings.smoothing_method)
        self._dwell = Dwell(settings.minimum_dwell_ns)
        if settings.source != AUTO:
            self.selected = settings.source

    def push(self, name: str, label: Label) -> list[Decision]:
        """Take a source's label and give what can be decided now, in order of stamps."""
        track = self.tracks[name]
        if reason := refusal(label):
            self.refuse(name, reason)
            return []
        clock_ns, timeout_ns = self._clock(), self.settings.timeout_ns
        astray = self._astray(track, label.stamp_ns, clock_ns)
        if track.refuse(label.stamp_ns, timeout_ns, astray):
            return []
        track.heard_ns = clock_ns
        if name not in self.eligible:
            if astray == 'back':
                track.clear()
            track.take(label, clock_ns, timeout_ns)
            return []
        if self._begins_another_time(track, label.stamp_ns, astray, clock_ns):
            self._start_anew()
            astray = None
        if astray not in ('ahead', 'back'):
            track.take(label, clock_ns, timeout_ns)
        if astray is None:
            self._note_in_time(track, clock_ns)
        self._mark_alive(track, clock_ns)
        if astray is not None:
            return []
        return self._fuse() if self.settings.mode == 'fuse' else self._select()

    def refuse(self, name: str, reason: str) -> None:
        """Count a message of a source that cannot be used."""
        self.tracks[name].drops[reason] += 1

    @property
    def until_silence_ns(self) -> int:
        """In how long :meth:`watch` may have something to say, if no label comes; 0 for now."""
        return max(0, self._heard_ns + self.settings.timeout_ns - self._clock())

    def watch(self, now_ns: int) -> Decision | None:
        """Say ``unknown`` once a timeout while nothing usable comes; ``now_ns`` is its stamp.

        Labels after which nothing can be decided put it off by another timeout, and no longer.
        Where the last decision is by another clock than the node's, or not before ``now_ns``, the
        time since then by the node's clock is added to its stamp, so that stamps go on to rise
        when labels come again. While that clock stands still nothing is said again. Nor is
        anything while a source is about to answer whose time comes into use with its next label,
        nor before the first decision, for nobody knows by which clock that will be: ``silent``
        alone tells of it.
        """
        clock_ns, timeout_ns = self._clock(), self.settings.timeout_ns
        if self._node_ns is None or self._node_ns[0] != self._heard_ns:
            self._node_ns = self._heard_ns, now_ns
        said_lately = clock_ns - self._said_ns < 2 * timeout_ns
        if clock_ns - self._heard_ns < timeout_ns and said_lately:
            return None
        if not self.counts:
            self.silent = True
            return None
        stamp_ns, last_ns = now_ns, self._last_ns
        if last_ns is not None:
            heard_ns = self._node_ns[1]
            stamp_ns = last_ns + max(0 if self.silent else 1, now_ns - heard_ns)
            if stamp_ns == last_ns:
                return None
            if heard_ns - last_ns <= LATE_NS:
                stamp_ns = max(now_ns, stamp_ns)
        if any(self._is_due(track, clock_ns) for track in self._tracks()):
            return None
        self._heard_ns = self._said_ns = clock_ns
        self.silent = True
        self._node_ns = clock_ns, now_ns
        for track in self._tracks():
            track.fall_silent()
        if self.settings.source == AUTO:
            self.selected = ''
        self._smoother.reset()
        self._dwell.reset()
        self.answering = ''
        self._last_ns = stamp_ns
        self.counts['unknown, silence'] += 1
        return Decision(stamp_ns, '', ((UNKNOWN, 1.0),), '')

    def reset(self) -> None:
        """Forget all labels: time has begun anew."""
        self._start_anew()

    @property
    def eligible(self) -> Sequence[str]:
        """The sources that may be chosen, highest rank first."""
        chosen = self.settings.source
        return self.settings.by_rank if chosen == AUTO else (chosen,)

    @property
    def time_ns(self) -> int | None:
        """The time in use; None before the first label."""
        stamps = [each.latest.stamp_ns for each in self._tracks() if each.latest is not None]
        if self._last_ns is not None:
            stamps.append(self._last_ns)
        return max(stamps, default=None)

    def lived_ns(self, track: LabelTrack) -> int | None:
        """Give for how long a live source has been so again; None where it always was."""
        since_ns, time_ns = track.alive_since_ns, self.time_ns
        return None if since_ns is None or time_ns is None else time_ns - since_ns

    def ready(self, track: LabelTrack) -> bool:
        """Tell whether a live source has been so for long enough to take over."""
        if not track.alive or track.newest_ns is None:
            return False
        lived_ns = self.lived_ns(track)
        return lived_ns is None or lived_ns >= self.settings.return_after_ns

    def _tracks(self) -> Iterator[LabelTrack]:
        return (self.tracks[name] for name in self.eligible)

    def _others(self, track: LabelTrack) -> Iterator[LabelTrack]:
        return (each for each in self._tracks() if each is not track)

    def _note_in_time(self, track: LabelTrack, clock_ns: int) -> None:
        """Take note that a source has spoken in the time in use, against others that do not."""
        self._heard_ns, self.silent = clock_ns, False
        track.other_time = None
        for each in self._tracks():
            if each.other_time is not None:
                each.other_time.contradict(clock_ns)

    def _astray(self, track: LabelTrack, stamp_ns: int, clock_ns: int) -> Astray | None:
        """Say where a label lies that is not of the time in use."""
        timeout_ns, newest_ns, time_ns = self.settings.timeout_ns, track.newest_ns, self.time_ns
        if newest_ns is not None and stamp_ns <= newest_ns:
            # A repetition, or one that comes late, is refused as such.
            far = stamp_ns < newest_ns - timeout_ns
            return 'back' if far or track.goes_on_back(stamp_ns, timeout_ns) else None
        if time_ns is None:
            return None
        backed_ns = self._time_of_others(track, clock_ns)
        # What its source has always come with is in time, though another one is slow.
        if (
            stamp_ns > time_ns
            and backed_ns is None
            and track.early(stamp_ns, clock_ns, timeout_ns)
        ):
            return 'ahead'
        if (
            backed_ns is not None
            and stamp_ns > backed_ns + timeout_ns
            and not track.on_time(stamp_ns, clock_ns, timeout_ns)
        ):
            return 'ahead'
        return 'behind' if stamp_ns < time_ns - timeout_ns else None

    def _time_of_others(self, track: LabelTrack, clock_ns: int) -> int | None:
        """Give the newest stamp of other sources that are heard, as far as the clock backs it."""
        timeout_ns = self.settings.timeout_ns
        stamps = [
            each.backed_ns(clock_ns)
            for each in self._others(track)
            if not each.behind and each.speaks(clock_ns, timeout_ns)
        ]
        return max(filter(None, stamps), default=None)

    def _begins_another_time(
        self, track: LabelTrack, stamp_ns: int, astray: Astray | None, clock_ns: int
    ) -> bool:
        """Note a label that is astray, and tell whether its time comes into use with it."""
        if astray is None:
            return self._is_held_back(track, stamp_ns, clock_ns)
        track.stray(astray, stamp_ns, clock_ns, self.settings.timeout_ns)
        return self._comes_into_use(track, clock_ns)

    def _comes_into_use(self, track: LabelTrack, clock_ns: int) -> bool:
        """Tell whether the other time that a source keeps is the one to go by from now on.

        So it is when nobody says otherwise, at once where time goes back, or has said so for the
        timeout. In labels that come faster than time goes on, that is a timeout of stamps.
        """
        other, timeout_ns = track.other_time, self.settings.timeout_ns
        if other is None:
            return False
        if clock_ns - other.since_ns >= timeout_ns:
            return True
        if other.kind != 'back':
            return False
        # One that has never spoken as time goes on may give a burst, which proves nothing to those
        # who do.
        speak = any(each.speaks(clock_ns, timeout_ns) for each in self._others(track))
        if not track.paced and not speak and other.newest_ns - other.first_ns > timeout_ns:
            return True
        return not any(
            voice_ns > other.newest_ns + timeout_ns
            and (not each.paced or each.heard_within(clock_ns, timeout_ns))
            for each in self._others(track)
            if (voice_ns := each.voice_ns) is not None
        )

    def _is_held_back(self, track: LabelTrack, stamp_ns: int, clock_ns: int) -> bool:
        """Tell whether a source in time would wait on for a dead one's last decision to be over.

        So it is, after a timeout without a decision, where the clock of the one that died was
        ahead of this one's, and the next label will not be after it either. The label has to come
        as those before it: one that comes late may be out of date.
        """
        if not self.answering or self._last_ns is None:
            return False
        waited_ns = clock_ns - self._decided_ns
        return (
            stamp_ns + track.hold_ns <= self._last_ns
            and waited_ns > self.settings.timeout_ns
            and track.punctual(stamp_ns, clock_ns)
        )

    def _is_due(self, track: LabelTrack, clock_ns: int) -> bool:
        """Tell whether a source's other time comes into use with its next label."""
        other, timeout_ns = track.other_time, self.settings.timeout_ns
        if other is None or not track.heard_within(clock_ns, timeout_ns):
            return False
        return clock_ns - other.since_ns >= timeout_ns

    def _start_anew(self) -> None:
        """Forget all labels, and decisions: another time comes into use."""
        for each in self.tracks.values():
            each.clear()
        self.resets += 1
        self._first_ns = self._last_ns = None
        if self.settings.source == AUTO:
            self.selected = ''
        self._smoother.reset()
        self._dwell.reset()

    def _mark_alive(self, heard: LabelTrack, clock_ns: int) -> None:
        """Find out who is alive, now that one has been heard."""
        time_ns, timeout_ns = self.time_ns, self.settings.timeout_ns
        if time_ns is None:
            return
        if self._first_ns is None:
            self._first_ns = time_ns
        # Stamps tell first, unless those of a source are ahead of their time.
        longest_ns = timeout_ns + (heard.step_ns or 0) if heard.paced else None
        for each in self._tracks():
            label = each.latest
            in_time = label is not None and label.stamp_ns >= time_ns - timeout_ns
            quiet = longest_ns is not None and not each.heard_within(clock_ns, longest_ns)
            alive = in_time and not quiet and each.other_time is None
            if alive and not each.alive:
                # Those there from the beginning need not prove themselves.
                fresh = time_ns <= self._first_ns + timeout_ns
                each.live_from(None if fresh else time_ns, clock_ns)
            elif alive:
                each.live_on(time_ns, clock_ns)
            each.alive = alive

    def _select(self) -> list[Decision]:
        chosen = self._choose()
        if chosen is None:
            return []
        track = self._answer(chosen)
        label = track.latest
        if label is None or (self._last_ns is not None and label.stamp_ns <= self._last_ns):
            return []
        return [self._decide(label.stamp_ns, label.frame_id, label.scores, track.name)]

    def _choose(self) -> LabelTrack | None:
        """Keep the selected source while it lives and no better one is ready."""
        alive = [each for each in self._tracks() if each.alive]
        if not alive:
            return None
        best = next(
            (each for each in alive if self.ready(each) or each.name == self.selected), alive[0]
        )
        self.selected = best.name
        return best

    def _answer(self, chosen: LabelTrack) -> LabelTrack:
        """Let the next source that has decided answer while the chosen one has not."""
        label = chosen.latest
        if not self.settings.stand_in or label is None or label.confident:
            return chosen
        return next(
            (each for each in self._tracks() if self._stands_in(each, label.stamp_ns)), chosen
        )

    def _stands_in(self, track: LabelTrack, stamp_ns: int) -> bool:
        """Tell whether a source has a decision to publish, or is about to have, at this stamp."""
        label = track.latest
        if label is None or not label.confident or not self.ready(track):
            return False
        return track.awaits(stamp_ns) or self._last_ns is None or label.stamp_ns > self._last_ns

    def _fuse(self) -> list[Decision]:
        """Fuse what the live sources say of each stamp for which all of them have spoken."""
        alive = [each for each in self._tracks() if each.alive]
        joined = [each for each in alive if self.ready(each)] or alive
        decisions = []
        while stamps := [s for each in joined if (s := each.first_after(self._last_ns))]:
            stamp_ns = min(stamps)
            if any(each.awaits(stamp_ns) for each in joined):
                break
            spoken = [
                (each.name, label) for each in joined if (label := each.at(stamp_ns)) is not None
            ]
            decisions.append(self._decide_jointly(stamp_ns, spoken))
        return decisions

    def _decide_jointly(self, stamp_ns: int, spoken: Sequence[tuple[str, Label]]) -> Decision:
        telling = [(name, label, p) for name, label in spoken if (p := label.probabilities)]
        if not telling:
            name, label = spoken[0]
            return self._decide(stamp_ns, label.frame_id, label.scores, name)
        if len(telling) == 1:
            name, label, _ = telling[0]
            return self._decide(stamp_ns, label.frame_id, label.scores, name)
        fused = fuse([Opinion(p, self._accuracy[name]) for name, _, p in telling])
        best = max(fused, key=lambda name: fused[name])
        decided = any(label.confident for _, label, _ in telling)
        if not decided or fused[best] < self.settings.unknown_threshold:
            best = UNKNOWN
        most_trusted = max(telling, key=lambda each: self._accuracy[each[0]])[1]
        names = [name for name, _, _ in telling]
        together = JOINT.join(name for name in self.settings.names if name in names)
        return self._decide(stamp_ns, most_trusted.frame_id, ranked(fused, best), together)

    def _decide(self, stamp_ns: int, frame_id: str, scores: Scores, source: str) -> Decision:
        steady = self._dwell.apply(stamp_ns, self._smoother.apply(stamp_ns, scores))
        decision = Decision(stamp_ns, frame_id, steady, source)
        self._last_ns, self._decided_ns = stamp_ns, self._clock()
        self._said_ns = self._decided_ns
        self.counts['unknown' if decision.label == UNKNOWN else 'decided'] += 1
        self.answering = source
        return decision

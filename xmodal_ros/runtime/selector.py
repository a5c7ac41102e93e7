"""The selector: labels of several sources in, one decision at a time out.

What it decides depends on the labels' stamps alone, so a recording gives the same decisions
however fast it is played. Only when nothing usable comes from any source does the steady clock
speak, in :meth:`Selector.watch`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.fusion import fuse, Opinion
from xmodal_ros.runtime.label import Label, ranked, refusal, Scores
from xmodal_ros.runtime.label_track import LabelTrack
from xmodal_ros.runtime.selector_settings import AUTO, JOINT, SelectorSettings
from xmodal_ros.runtime.smoothing import Dwell, Smoother


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

    A source is alive while its newest label is at most the timeout older than the newest one of
    all sources that may be chosen. Decisions come in order of their stamps, from one reset to the
    next; a reset follows when time jumps back for all of them.
    """

    def __init__(self, settings: SelectorSettings, clock: Callable[[], int]) -> None:
        self.tracks = {name: LabelTrack(name) for name in settings.names}
        self.selected = ''
        self.answering = ''
        self.silent = False
        self.resets = 0
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._heard_ns = clock()
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._spoke_in_silence_ns: int | None = None
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
        verdict = track.push(label, self.settings.timeout_ns)
        if verdict in ('duplicate', 'late'):
            return []
        track.heard_ns = self._clock()
        if name not in self.eligible:
            return []
        jumped = verdict == 'jumped' and not self._contradicted(label.stamp_ns)
        if jumped or self._blocked_for_long(track, label.stamp_ns):
            self._start_anew(track)
        front_ns = self._mark_alive()
        if label.stamp_ns >= front_ns - self.settings.timeout_ns:
            self._heard_ns, self.silent = self._clock(), False
        return self._fuse() if self.settings.mode == 'fuse' else self._select()

    def refuse(self, name: str, reason: str) -> None:
        """Count a message of a source that cannot be used."""
        self.tracks[name].drops[reason] += 1

    def watch(self, now_ns: int) -> Decision | None:
        """Say ``unknown`` once a timeout while nothing usable comes; ``now_ns`` is its stamp.

        Where that is not after the last decision's, the next possible stamp is taken: sources
        ahead of the node's clock must not keep a stale label standing.
        """
        clock_ns = self._clock()
        if clock_ns - self._heard_ns < self.settings.timeout_ns:
            return None
        self._heard_ns, self.silent = clock_ns, True
        self._spoke_in_silence_ns = clock_ns
        for track in self._tracks():
            track.fall_silent()
        if self.settings.source == AUTO:
            self.selected = ''
        self._smoother.reset()
        self._dwell.reset()
        self.answering = ''
        self._last_ns = now_ns if self._last_ns is None else max(now_ns, self._last_ns + 1)
        self.counts['unknown, silence'] += 1
        return Decision(self._last_ns, '', ((UNKNOWN, 1.0),), '')

    def reset(self) -> None:
        """Forget all labels: time has begun anew."""
        for track in self.tracks.values():
            track.clear()
        self._forget_decisions()

    @property
    def eligible(self) -> Sequence[str]:
        """The sources that may be chosen, highest rank first."""
        chosen = self.settings.source
        return self.settings.by_rank if chosen == AUTO else (chosen,)

    def ready(self, track: LabelTrack) -> bool:
        """Tell whether a live source has been so for long enough to take over."""
        since_ns = track.alive_since_ns
        if not track.alive or track.newest_ns is None:
            return False
        return since_ns is None or track.newest_ns - since_ns >= self.settings.return_after_ns

    def _tracks(self) -> Iterator[LabelTrack]:
        return (self.tracks[name] for name in self.eligible)

    def _contradicted(self, stamp_ns: int) -> bool:
        """Tell whether some source says that it is much later than this."""
        latest_ns = stamp_ns + self.settings.timeout_ns
        return any(each.latest and each.latest.stamp_ns > latest_ns for each in self._tracks())

    def _blocked_for_long(self, track: LabelTrack, stamp_ns: int) -> bool:
        """Tell whether this source goes on in a time that is past, and nobody else goes on.

        So it is when every source but this one died before time jumped back, or when the node's
        clock, by which silence was stamped, is ahead of the source's.
        """
        if self._last_ns is None or stamp_ns > self._last_ns:
            track.blocked_since_ns = None
            return False
        if track.blocked_since_ns is None:
            track.blocked_since_ns = stamp_ns
        spoke_ns = self._spoke_in_silence_ns
        if spoke_ns is not None and self._clock() - spoke_ns < self.settings.timeout_ns:
            # After a stall labels come in a burst, and have soon caught up.
            return False
        return stamp_ns - track.blocked_since_ns > self.settings.timeout_ns

    def _start_anew(self, track: LabelTrack) -> None:
        for each in self._tracks():
            if each is not track:
                each.clear()
        self._forget_decisions()

    def _forget_decisions(self) -> None:
        self.resets += 1
        self._first_ns = self._last_ns = None
        if self.settings.source == AUTO:
            self.selected = ''
        self._smoother.reset()
        self._dwell.reset()

    def _mark_alive(self) -> int:
        """Find out who is alive; gives the newest stamp."""
        front_ns = max(each.latest.stamp_ns for each in self._tracks() if each.latest)
        if self._first_ns is None:
            self._first_ns = front_ns
        for each in self._tracks():
            alive = (
                each.latest is not None
                and each.latest.stamp_ns >= front_ns - self.settings.timeout_ns
            )
            if alive and not each.alive:
                # Those there from the beginning need not prove themselves.
                fresh = front_ns <= self._first_ns + self.settings.timeout_ns
                each.alive_since_ns = None if fresh else each.newest_ns
            each.alive = alive
        return front_ns

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
        self._last_ns = stamp_ns
        self._spoke_in_silence_ns = None
        self.counts['unknown' if decision.label == UNKNOWN else 'decided'] += 1
        self.answering = source
        for track in self.tracks.values():
            track.blocked_since_ns = None
        return decision

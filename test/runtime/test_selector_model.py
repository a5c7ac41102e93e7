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

"""The selector in a world of sources that die, return, stutter and keep their own time.

The world knows when each label was really made, which the selector cannot; beside it stands a
plain model of what may be published: what is young, in order, by who has lived long enough.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, RuleBasedStateMachine

from test.runtime.selector_script import EPOCH, NOTHING, SECOND, SIT, SteadyClock, WALK
from xmodal_ros.runtime.label import Label, Scores
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_settings import Mode, SelectorSettings, SourceSettings

TICK = SECOND // 4
TIMEOUT = 2 * SECOND
RETURN_AFTER = 3 * SECOND
HOP = {'a': 2 * TICK, 'b': 2 * TICK, 'c': 4 * TICK}
LONGEST_HOP = max(HOP.values())
SETTLES = TIMEOUT + LONGEST_HOP
SOURCES = tuple(
    SourceSettings(name, priority=-rank, accuracy=0.8 - rank / 10) for rank, name in enumerate(HOP)
)
NAMES = st.sampled_from(sorted(HOP))
JUMPS = st.sampled_from([-3600, -30, -10, -3, -1, 1, 3, 10, 30, 3600])


@dataclass
class Source:
    """A source: ``ahead_ns`` is its clock's error, ``held`` what the network has not let go.

    ``drift`` is how much of each second its clock gains. ``lives_from`` is since when its labels
    have come in order, none older than the timeout nor further apart; ``steady_from`` since when
    nothing at all has been done to it, ``set_from`` since when its stamps have not jumped. It is
    ``oriented`` once a label has come soon after it was made, by a clock that was in use by then:
    before, and while it jumps again and again, nobody can tell how old its labels are.
    """

    ahead_ns: int = 0
    drift: float = 0.0
    speaks: bool = True
    made_ns: int = 0
    holds: bool = False
    held: list[Label] = field(default_factory=list)
    came_ns: int | None = None
    lives_from: int = 0
    steady_from: int = 0
    set_from: int = -2 * TIMEOUT
    oriented: bool = False


class World(RuleBasedStateMachine):
    """Labels hold in ``frame_id`` when they were really made."""

    @initialize(
        mode=st.sampled_from(['select', 'fuse']),
        absent=st.sets(NAMES),
        node_ahead_ns=st.sampled_from([0, 0, EPOCH // 2, -3600 * SECOND]),
    )
    def begin(self, mode: Mode, absent: set[str], node_ahead_ns: int) -> None:
        self.node_ahead_ns = node_ahead_ns
        self.clock = SteadyClock()
        self.selector = Selector(SelectorSettings(SOURCES, mode=mode, stand_in=False), self.clock)
        self.sources = {name: Source(speaks=name not in absent) for name in HOP}
        self.last: Decision | None = None
        self.last_resets = 0
        self.reset_at = 0
        self.clocks_differ = False
        self.decided_at = 0
        self.said_at = 0

    @property
    def now(self) -> int:
        return self.clock.now_ns

    @rule(ticks=st.integers(1, 24), backwards=st.booleans())
    def time_passes(self, ticks: int, backwards: bool) -> None:
        names = sorted(HOP, reverse=backwards)
        for _ in range(ticks):
            self.clock.now_ns += TICK
            for name in names:
                source = self.sources[name]
                source.ahead_ns += round(source.drift * TICK)
                if self.now % HOP[name] == 0 and source.speaks:
                    self.make(name, WALK if name == 'a' else SIT)
            self.watch()
            self.check_who_answers()

    @rule(name=NAMES)
    def falls_silent(self, name: str) -> None:
        self.sources[name].speaks = False
        self.disturb(name)

    @rule(name=NAMES, with_gap=st.booleans())
    def returns(self, name: str, with_gap: bool) -> None:
        """As classifiers do, with an ``unknown`` for each window that it missed."""
        source = self.sources[name]
        if source.speaks:
            return
        first, source.speaks = source.made_ns + HOP[name], True
        self.disturb(name)
        for end in range(first, self.now, HOP[name]) if with_gap and source.made_ns else ():
            self.make(name, NOTHING, end)

    @rule(name=NAMES)
    def is_held_up(self, name: str) -> None:
        self.sources[name].holds = True
        self.disturb(name)

    @rule(names=st.sets(NAMES, min_size=1), order=st.randoms(use_true_random=False))
    def are_let_go(self, names: set[str], order: Random) -> None:
        """Bursts of several sources, in any order among each other; each in its own."""
        bursts = []
        for name in sorted(names):
            source = self.sources[name]
            source.holds, held, source.held = False, source.held, []
            self.disturb(name)
            bursts.append([(name, label) for label in held])
        turns = [k for k, burst in enumerate(bursts) for _ in burst]
        order.shuffle(turns)
        for k in turns:
            self.give(*bursts[k].pop(0))

    @rule(name=NAMES, order=st.randoms(use_true_random=False))
    def is_let_go_in_disorder(self, name: str, order: Random) -> None:
        """What is further apart than a timeout would be of another time."""
        source = self.sources[name]
        source.holds, held, source.held = False, source.held, []
        self.disturb(name)
        if held and held[-1].stamp_ns - held[0].stamp_ns <= TIMEOUT:
            order.shuffle(held)
        for label in held:
            self.give(name, label)

    @rule(name=NAMES, seconds=JUMPS)
    def clock_jumps(self, name: str, seconds: int) -> None:
        self.set_clock(self.sources[name], seconds)
        # Nobody could tell how old labels are that are of another time and come late.
        self.sources[name].held.clear()
        self.clocks_differ = True
        self.disturb(name)

    @rule(seconds=st.sampled_from([-3600, -30, -5, 5, 30]))
    def all_clocks_jump(self, seconds: int) -> None:
        for name, source in self.sources.items():
            self.set_clock(source, seconds)
            source.held.clear()
            self.disturb(name)
        self.clocks_differ = True

    @rule(name=NAMES, share=st.sampled_from([-0.02, 0.0, 0.02]))
    def clock_drifts(self, name: str, share: float) -> None:
        self.sources[name].drift = share
        self.clocks_differ = True
        self.disturb(name)

    @rule(name=NAMES, seconds=JUMPS)
    def gives_one_wrong_stamp(self, name: str, seconds: int) -> None:
        self.clocks_differ = True
        self.disturb(name)
        self.set_clock(self.sources[name], 0)
        stamp = EPOCH + self.now + seconds * SECOND
        self.give(name, Label(stamp, str(self.now), WALK))

    @rule(name=NAMES, seconds=st.sampled_from([3, 30, 60]))
    def gives_windows_of_the_future(self, name: str, seconds: int) -> None:
        """As a classifier did after one sample that was stamped ahead."""
        self.clocks_differ = True
        self.disturb(name)
        self.set_clock(self.sources[name], 0)
        ahead = self.sources[name].ahead_ns
        for end in range(self.now, self.now + seconds * SECOND, HOP[name]):
            self.give(name, Label(EPOCH + end + ahead, str(self.now), NOTHING))

    def set_clock(self, source: Source, seconds: int) -> None:
        source.ahead_ns += seconds * SECOND
        source.set_from, source.oriented = self.now, False

    def disturb(self, name: str) -> None:
        self.sources[name].steady_from = self.now

    def make(self, name: str, scores: Scores, end: int | None = None) -> None:
        source, end = self.sources[name], self.now if end is None else end
        source.made_ns = end
        label = Label(EPOCH + end + source.ahead_ns, str(end), scores)
        if source.holds:
            source.held.append(label)
        else:
            self.give(name, label)
        in_use = self.now - source.set_from >= 2 * TIMEOUT
        source.oriented |= in_use and not source.holds and self.now - end <= TIMEOUT

    def give(self, name: str, label: Label) -> None:
        source = self.sources[name]
        young = self.now - int(label.frame_id) <= TIMEOUT
        if source.came_ns is None or self.now - source.came_ns > TIMEOUT or not young:
            source.lives_from = self.now
        source.came_ns = self.now
        for decision in self.selector.push(name, label):
            self.check(decision)
            self.decided_at = self.now

    def watch(self) -> None:
        unknown = self.selector.watch(EPOCH + self.now + self.node_ahead_ns)
        if unknown is not None:
            assert all(
                s.came_ns is None
                or self.now - s.came_ns >= TIMEOUT
                or self.now - s.steady_from < 3 * TIMEOUT
                or self.now - self.reset_at < 2 * TIMEOUT
                for s in self.sources.values()
            ), 'silence was told while a source spoke in order'
            self.check(unknown)

    def check(self, decision: Decision) -> None:
        last, resets = self.last, self.selector.resets
        if resets > self.last_resets:
            assert self.clocks_differ, 'a reset though all go by one clock'
            self.reset_at = self.now
        elif last is not None:
            assert decision.stamp_ns > last.stamp_ns, 'stamps do not rise'
        if decision.source:
            age = self.now - int(decision.frame_id)
            # Fusing waits for a source that died.
            waits = LONGEST_HOP if '+' in decision.source or len(HOP) > 1 else 0
            known = age <= TIMEOUT + waits or not self.can_tell_age(decision)
            assert known, 'a stale label'
            if self.selector.settings.mode == 'select':
                self.check_return(decision.source)
        self.last, self.last_resets, self.said_at = decision, resets, self.now

    def can_tell_age(self, decision: Decision) -> bool:
        """Tell whether somebody was heard by whose clock it is known how old labels are."""
        if not self.clocks_differ:
            return any(source.oriented for source in self.sources.values())
        return all(self.sources[name].oriented for name in decision.source.split('+'))

    def check_return(self, name: str) -> None:
        """A source that was dead took over from one that lives, without a clock of its own."""
        last = self.last
        if last is None or last.source in ('', name) or self.now - self.reset_at <= SETTLES:
            return
        left, taken = self.sources[last.source], self.sources[name]
        lives = left.came_ns is not None and self.now - left.came_ns <= TIMEOUT
        undisturbed = self.now - left.steady_from > TIMEOUT + LONGEST_HOP
        if lives and undisturbed and left.drift == 0:
            # Those that speak within the timeout of the first label were there from the beginning.
            ever = taken.lives_from <= TIMEOUT + 2 * LONGEST_HOP
            assert ever or self.now - taken.lives_from >= RETURN_AFTER, 'took over too early'

    def check_who_answers(self) -> None:
        """With a source that goes on in order, the robot is never long without an answer."""
        steady = [
            s
            for s in self.sources.values()
            if s.speaks and not s.holds and not s.drift and self.now - s.steady_from > 3 * TIMEOUT
        ]
        if steady:
            # Clocks that differ by less than the timeout keep others waiting for as long.
            longest = SETTLES + TIMEOUT * self.clocks_differ
            assert self.now - self.decided_at <= longest, 'no answer'
        if self.last is not None:
            assert self.now - self.said_at <= 2 * TIMEOUT + TICK, 'a stale label stands'


World.TestCase.settings = settings(max_examples=30, stateful_step_count=20)
test_the_selector_keeps_its_promises_in_any_world: Any = World.TestCase

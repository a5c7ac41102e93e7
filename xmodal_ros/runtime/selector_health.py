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

"""How a selector and its sources are doing, in words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.runtime.health import idle_report, in_words, Level, OUTPUTS, Report, STATE
from xmodal_ros.runtime.label_track import LabelTrack, OtherTime
from xmodal_ros.runtime.selector import LATE_NS, Selector
from xmodal_ros.runtime.selector_settings import AUTO

_SECOND_NS: Final = 1_000_000_000
# Further ahead of the node's clock than this, or late by more than LATE_NS, is another clock.
_AHEAD_NS: Final = _SECOND_NS

# The names of the values that programs read back from diagnostics.
SELECTED: Final = 'selected source'
ANSWERING: Final = 'last decision from'
RESETS: Final = 'resets, another time came into use'
FAILURES: Final = 'failures inside the node'

_REASONS: Final[Mapping[str, str]] = {
    'no_results': 'no results',
    'no_name': 'a class without a name',
    'named_twice': 'a class twice',
    'not_a_probability': 'scores outside 0 to 1',
}


@dataclass(frozen=True)
class Input:
    """What the graph says of a source: ``problem`` is '' where publishers fit.

    ``ahead_ns`` is how far its newest label was stamped after the node's clock, as it came.
    """

    topic: str
    publishers: int = 0
    received: int = 0
    problem: str = ''
    ahead_ns: int | None = None


class SelectorHealth:
    """Turns a selector's state into reports; ``clock`` gives steady nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._before_ns = clock()
        self._active_ns: int | None = None
        self._received: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._failures = 0

    def active(
        self, selector: Selector, inputs: Mapping[str, Input], outputs: int, failures: int = 0
    ) -> Report:
        """Report on a selector at work; ``outputs`` is how many listen to it."""
        now_ns = self._clock()
        if self._active_ns is None:
            self._active_ns = now_ns
        elapsed_ns = max(1, now_ns - self._before_ns)
        values = [
            (STATE, 'active'),
            ('mode', selector.settings.mode),
            ('source', selector.settings.source),
            (SELECTED, selector.selected or 'none'),
            (ANSWERING, selector.answering or 'none'),
            (OUTPUTS, str(outputs)),
            *((f'decisions, {name}', str(n)) for name, n in sorted(selector.counts.items())),
            (RESETS, str(selector.resets)),
            (FAILURES, str(failures)),
        ]
        for name, track in selector.tracks.items():
            since = inputs[name].received - self._received.get(name, 0)
            rate_hz = max(0, since) * _SECOND_NS / elapsed_ns
            values += _describe(selector, track, inputs[name], rate_hz, now_ns)
        level, message = self._judge(selector, inputs, failures)
        self._received = {name: each.received for name, each in inputs.items()}
        self._refused = {name: _refused(each) for name, each in selector.tracks.items()}
        self._before_ns, self._failures = now_ns, failures
        return Report(level, message, tuple(values))

    def idle(self, state: str, problem: str) -> Report:
        """Report on a selector that is not active; ``problem`` says why, '' by intention."""
        self._before_ns, self._received, self._refused = self._clock(), {}, {}
        self._active_ns = None
        self._failures = 0
        return idle_report(state, problem)

    def _judge(
        self, selector: Selector, inputs: Mapping[str, Input], failures: int
    ) -> tuple[Level, str]:
        troubles = [
            f'{name}: {words}'
            for name, track in selector.tracks.items()
            if (words := self._trouble_and_cause(selector, track, inputs[name]))
        ]
        if failures > self._failures:
            return 'error', 'something failed inside the node: see its log'
        if selector.silent:
            which = f'{selector.settings.source}, chosen by hand,'
            who = 'every source' if selector.settings.source == AUTO else which
            return 'error', f'{who} is silent: {"; ".join(troubles) or "no labels come"}'
        if troubles:
            return 'warning', '; '.join(troubles)
        return 'ok', f'{selector.answering} answers' if selector.answering else 'listening'

    def _trouble_and_cause(self, selector: Selector, track: LabelTrack, found: Input) -> str:
        """Say what is wrong with a source, and that it may be for several speak as it."""
        words = self._trouble(selector, track, found)
        # Where nothing is wrong it may be one that was killed, which the graph soon forgets.
        if not words or found.publishers <= 1:
            return words
        several = CHECKS['several-publishers'].found(
            f'{found.publishers} publishers share {found.topic}'
        )
        return f'{words}; {several}'

    def _trouble(self, selector: Selector, track: LabelTrack, found: Input) -> str:
        """Say what is wrong with a source, '' where nothing is."""
        if found.problem:
            return found.problem
        refused = _refused(track) - self._refused.get(track.name, 0)
        if refused:
            reasons = ', '.join(map(words_for, sorted(track.drops)))
            return f'{refused} labels on {found.topic} not used; so far: {reasons}'
        heard = track.heard_within(self._clock(), selector.settings.timeout_ns)
        if heard and (apart := check_clock(found)):
            return str(apart)
        if track.name not in selector.eligible or track.alive:
            return ''
        waited_ns = self._clock() - (self._active_ns or 0)
        early = waited_ns <= selector.settings.timeout_ns and not selector.silent
        if track.heard_ns is None and early:
            # Nobody can have said anything yet.
            return ''
        return standing(selector, track)[1]


def standing(selector: Selector, track: LabelTrack) -> tuple[str, str]:
    """Give a source's state in a word, and why it is so."""
    label = track.latest
    if label is None or track.name not in selector.eligible or not track.alive:
        return _why_not(selector, track)
    if not selector.ready(track) and track.name != selector.selected:
        alive_s = (selector.lived_ns(track) or 0) / _SECOND_NS
        wanted_s = selector.settings.return_after_ns / _SECOND_NS
        return 'returning', f'back for {alive_s:.1f} s of {wanted_s:g} s'
    if selector.settings.mode == 'fuse':
        return 'fused', '' if label.confident else 'though it is unsure'
    if track.name == selector.selected and track.name != selector.answering:
        return 'unsure', f'{selector.answering or "nobody"} answers in its place'
    if track.name == selector.selected:
        chosen = 'the best that is alive' if selector.settings.source == AUTO else 'by hand'
        return 'selected', chosen
    if track.name == selector.answering:
        return 'standing in', f'{selector.selected} is unsure'
    return 'ready', f'{selector.selected} goes before it'


def _why_not(selector: Selector, track: LabelTrack) -> tuple[str, str]:
    """Give the state of a source that is not alive, or not asked."""
    timeout_s = selector.settings.timeout_ns / _SECOND_NS
    if track.heard_ns is None:
        return 'silent', 'it has said nothing yet'
    if track.name not in selector.eligible:
        return 'left out', f'{selector.settings.source} was chosen by hand'
    if track.other_time is not None:
        return 'in another time', _apart(selector, track.other_time)
    if selector.silent:
        nothing = f'nothing came from any source for {timeout_s:g} s'
        return 'silent', f'{nothing}{_too_short(selector, track)}'
    if track.newest_ns is None:
        return 'silent', 'it has said nothing since time began anew'
    behind_s = ((selector.time_ns or 0) - track.newest_ns) / _SECOND_NS
    return 'silent', (
        f'its newest label is {behind_s:.1f} s older than those of other sources (more than '
        f'the timeout, {timeout_s:g} s): dead, too slow, or by another clock'
        f'{_too_short(selector, track)}'
    )


def _apart(selector: Selector, other: OtherTime) -> str:
    """Say how far the newest label of a source is from the time in use, and what to do."""
    apart_s = (other.newest_ns - (selector.time_ns or 0)) / _SECOND_NS
    where = 'ahead of' if apart_s > 0 else 'behind'
    return (
        f'its newest label is {abs(apart_s):.1f} s {where} the time that the others keep: it '
        'comes late, its stamps are wrong, or its clock is (then synchronise it); until they '
        'agree within the timeout it is heard only when nobody else is'
    )


def check_clock(found: Input) -> Problem | None:
    """Doubt the clock of a source whose labels are stamped far from that of the node."""
    if found.ahead_ns is None or -LATE_NS <= found.ahead_ns <= _AHEAD_NS:
        return None
    return CHECKS['label-clock'].found(f'its stamps are {_clock(found)}')


def _clock(found: Input) -> str:
    """Say how far a source is from the clock of the node."""
    ahead_s = (found.ahead_ns or 0) / _SECOND_NS
    return f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} the selector's clock"


def _too_short(selector: Selector, track: LabelTrack) -> str:
    """Say that a timeout lets no source live that publishes as often as this one."""
    step_ns = track.step_ns
    if step_ns is None or step_ns <= selector.settings.timeout_ns:
        return ''
    return (
        f'; its labels come every {step_ns / _SECOND_NS:g} s, which is longer than the timeout: '
        f"set the parameter 'timeout' above {step_ns / _SECOND_NS:g}"
    )


def words_for(reason: str) -> str:
    """Give the words for why a label was not used."""
    return _REASONS.get(reason) or in_words(reason)


def _refused(track: LabelTrack) -> int:
    return sum(track.drops.values())


def _describe(
    selector: Selector, track: LabelTrack, found: Input, rate_hz: float, now_ns: int
) -> Iterator[tuple[str, str]]:
    state, why = standing(selector, track)
    age = 'never' if track.heard_ns is None else f'{(now_ns - track.heard_ns) / _SECOND_NS:.2f} s'
    yield f'{track.name}: state', state
    yield f'{track.name}: why', found.problem or why
    yield f'{track.name}: topic', found.topic
    yield f'{track.name}: publishers matched', str(found.publishers)
    yield f'{track.name}: rate', f'{rate_hz:.1f} Hz'
    if found.ahead_ns is not None:
        yield f'{track.name}: stamps', _clock(found)
    yield f'{track.name}: age of the newest label', age
    yield f'{track.name}: label', track.latest.decision if track.latest else ''
    yield f'{track.name}: labels received', str(found.received)
    for reason, count in sorted(track.drops.items()):
        yield f'{track.name}: labels dropped, {words_for(reason)}', str(count)

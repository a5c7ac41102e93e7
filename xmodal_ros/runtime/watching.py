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

"""What a running robot says, kept for a person to look at: no ROS, no drawing, injected time.

Times are nanoseconds on any steady clock: that of the caller who notes and asks.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from xmodal_ros.activities import LABEL_TOPIC
from xmodal_ros.modalities.registry import modality_names
from xmodal_ros.runtime.health import Level
from xmodal_ros.runtime.label import has_finite_scores, Label

Kind = Literal['classifier', 'selector', 'truth', 'other']

_SECOND_NS: Final = 1_000_000_000
_RATE_OVER_NS: Final = 10 * _SECOND_NS
# More than come within that time at any usual rate.
_ARRIVALS: Final = 1024
# A label is old after so many of its own periods, and not before this long.
_OLD_PERIODS: Final = 3
_OLD_NS: Final = 2 * _SECOND_NS
# Nobody reports more rarely than every ten seconds (the nodes' parameter diagnostics_period).
_REPORT_OLD_NS: Final = 15 * _SECOND_NS
_EVENTS: Final = 200
# What diagnostics say of themselves; a classifier's begin with its modality.
_CLASSIFIER: Final = 'classifier'
_SELECTOR: Final = 'activity selector'
# And of nodes of this package that give no labels.
OTHER_HARDWARE: Final = frozenset(
    {'camera', 'microphone', 'annotator', 'evaluator', 'pose estimator', 'trainer'}
)


@dataclass(frozen=True)
class LabelHeard:
    """One status of diagnostics: ``hardware`` is what kind of thing the node says it is."""

    level: Level
    message: str
    hardware: str = ''
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchedNode:
    """One topic of labels now; ``health`` is its node's, in words.

    ``label`` is None before the first; ``fresh`` says whether it may be taken for what is done
    now. ``source`` is what a selector's answer rests on. ``rate_hz`` is None before the second.
    ``mixed`` says that several nodes publish here, so that nobody can tell whose a label is;
    ``lately`` is then all that they have said within the last two seconds.
    """

    topic: str
    node: str
    kind: Kind
    label: str | None
    confidence: float | None
    scores: tuple[tuple[str, float], ...]
    stamp_ns: int | None
    fresh: bool
    age_s: float | None
    rate_hz: float | None
    labels: int
    refused: int
    source: str | None
    classes: tuple[str, ...]
    level: Level | None
    health: str
    mixed: bool = False
    lately: tuple[str, ...] = ()


@dataclass(frozen=True)
class Other:
    """A node of this package that gives no labels: a driver, for example."""

    node: str
    level: Level
    health: str


@dataclass(frozen=True)
class Event:
    """Something that changed, when, on the clock that was used to note it."""

    at_ns: int
    topic: str
    text: str


class _Track:
    """What came on one topic of labels."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self.nodes = nodes
        self.label: Label | None = None
        self.count = 0
        self.refused: Counter[str] = Counter()
        self.arrivals: deque[int] = deque(maxlen=_ARRIVALS)
        self.decided: deque[tuple[int, str]] = deque(maxlen=_ARRIVALS)
        self.source: str | None = None

    def rate_hz(self, now_ns: int) -> float | None:
        recent = [each for each in self.arrivals if now_ns - each <= _RATE_OVER_NS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0 if self.count and not recent else None
        return (len(recent) - 1) * _SECOND_NS / (recent[-1] - recent[0])

    def fresh(self, now_ns: int) -> bool:
        if not self.arrivals or not self.nodes:
            return False
        rate_hz = self.rate_hz(now_ns)
        period_ns = _SECOND_NS / rate_hz if rate_hz else 0.0
        return now_ns - self.arrivals[-1] <= max(_OLD_NS, _OLD_PERIODS * period_ns)

    def lately(self, now_ns: int) -> tuple[str, ...]:
        """Give what has been said within the last two seconds, a name once, in order."""
        return tuple(sorted({name for at, name in self.decided if now_ns - at <= _OLD_NS}))


class Watch:
    """Collects what comes; :meth:`rows`, :meth:`others` and :attr:`events` say what there is."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=_EVENTS)
        self._tracks: dict[str, _Track] = {}
        self._said: dict[str, tuple[int, LabelHeard]] = {}
        self._classes: dict[str, tuple[str, ...]] = {}
        # How many nodes bear a name that more than one bears.
        self._doubled: dict[str, int] = {}

    def note_names(self, nodes: Sequence[str]) -> None:
        """Take up which nodes there are now, a name as often as a node bears it."""
        self._doubled = {name: n for name, n in sorted(Counter(nodes).items()) if n > 1}

    def note_graph(self, topics: Mapping[str, Sequence[str]], now_ns: int) -> None:
        """Take up which nodes publish labels on which topics now."""
        for topic, nodes in topics.items():
            publishing = tuple(sorted(set(nodes)))
            track = self._tracks.get(topic)
            if track is None:
                if publishing:
                    self._tracks[topic] = _Track(publishing)
            elif bool(track.nodes) != bool(publishing):
                who = ', '.join(publishing or track.nodes)
                self._tell(now_ns, topic, f'{who} {"is back" if publishing else "has gone"}')
                track.nodes = publishing
            else:
                track.nodes = publishing
        for topic in self._tracks.keys() - topics.keys():
            self.note_graph({topic: ()}, now_ns)

    def note_label(self, topic: str, label: Label, now_ns: int) -> None:
        """Take up one message of labels; one without results is the truth's 'nothing'.

        One whose scores are no numbers is counted as refused.
        """
        # They go on as JSON, which has no words for such.
        if not has_finite_scores(label):
            self.note_refused(topic, 'not_finite')
            return
        self._take_label(topic, label, now_ns)

    def _take_label(self, topic: str, label: Label, now_ns: int) -> None:
        track = self._tracks.setdefault(topic, _Track(()))
        track.label, track.count = label, track.count + 1
        track.arrivals.append(now_ns)
        if label.scores:
            track.decided.append((now_ns, label.scores[0][0]))

    def note_refused(self, topic: str, reason: str) -> None:
        """Count a message that could not be read."""
        self._tracks.setdefault(topic, _Track(())).refused[reason] += 1

    def note_source(self, topic: str, source: str, now_ns: int) -> None:
        """Take up what the answers on ``topic`` rest on from now on; '' is silence."""
        track = self._tracks.setdefault(topic, _Track(()))
        before, track.source = track.source, source
        if before is not None and before != source:
            change = f'{before or "silence"} → {source or "silence"}'
            self._tell(now_ns, topic, f'source {change}')

    def note_classes(self, node: str, classes: Sequence[str]) -> None:
        """Take up which activities a classifier's model knows."""
        self._classes[node] = tuple(classes)

    def note_report(self, node: str, said: LabelHeard, now_ns: int) -> None:
        """Take up one status of diagnostics; those of foreign nodes are of no concern."""
        if _kind_of(said.hardware) is None and said.hardware not in OTHER_HARDWARE:
            return
        before = self._said.get(node)
        self._said[node] = now_ns, said
        # Two of one name that are not alike would change at every report.
        if before is not None and before[1].level != said.level and node not in self._doubled:
            self._tell(now_ns, node, f'{said.level}: {said.message}')

    @property
    def clashes(self) -> tuple[str, ...]:
        """Say which names and topics several nodes share, and what to do about it."""
        ours = {node for track in self._tracks.values() for node in track.nodes} | {*self._said}
        named = [f'{count} called {name}' for name, count in self._doubled.items() if name in ours]
        found = []
        if named:
            found.append(
                f'nodes bear one name ({", ".join(named)}): what is shown of them is of all of '
                'them, mixed. End those that are left over, or give the others another namespace '
                '(ros2 launch ... namespace:=robot_2; ros2 run ... -r __ns:=/robot_2) or name '
                '(-r __node:=NAME); one that has just crashed goes by itself'
            )
        found += [
            f'{" and ".join(track.nodes)} publish labels on one topic, {topic}, where they are '
            f'mixed: end one, or remap its topic (ros2 run ... -r {topic}:=/NAME)'
            for topic, track in sorted(self._tracks.items())
            if len(track.nodes) > 1
        ]
        return tuple(found)

    @property
    def heard(self) -> bool:
        """Whether all who decide have spoken; truth comes when it pleases."""
        tracks = [
            each
            for topic, each in self._tracks.items()
            if each.nodes and not topic.endswith(LABEL_TOPIC)
        ]
        return bool(tracks) and all(each.count for each in tracks)

    def rows(self, now_ns: int) -> tuple[WatchedNode, ...]:
        """Give every topic of labels: selectors first, then classifiers, then the truth."""
        order: list[Kind] = ['selector', 'classifier', 'other', 'truth']
        rows = [self._row(topic, track, now_ns) for topic, track in self._tracks.items()]
        return tuple(sorted(rows, key=lambda row: (order.index(row.kind), row.topic)))

    def others(self, now_ns: int) -> tuple[Other, ...]:
        """Give the nodes that give no labels, as far as they say how they are."""
        labelling = {node for track in self._tracks.values() for node in track.nodes}
        found = [
            Other(
                node,
                *(
                    _of_several(*_health(reported, now_ns))
                    if node in self._doubled
                    else _health(reported, now_ns)
                ),
            )
            for node, reported in self._said.items()
            if node not in labelling
        ]
        return tuple(sorted(found, key=lambda other: other.node))

    def _tell(self, now_ns: int, topic: str, text: str) -> None:
        self.events.append(Event(now_ns, topic, text))

    def _row(self, topic: str, track: _Track, now_ns: int) -> WatchedNode:
        node = ', '.join(track.nodes)
        reported = [self._said[each] for each in track.nodes if each in self._said]
        kind = self._kind(topic, track, [said for _, said in reported])
        level: Level | None = None
        health = 'no diagnostics' if kind != 'truth' else ''
        if reported:
            level, health = max(
                (_health(each, now_ns) for each in reported),
                key=lambda each: ('ok', 'warning', 'error').index(each[0]),
            )
        mixed = len(track.nodes) > 1 or any(each in self._doubled for each in track.nodes)
        if mixed:
            level, health = _of_several(level, health)
        if not track.nodes:
            level, health = 'error', 'nobody publishes any more: its node has ended'
        label = track.label
        scores = label.scores if label is not None else ()
        known = [self._classes[each] for each in track.nodes if each in self._classes]
        return WatchedNode(
            topic=topic,
            node=node,
            kind=kind,
            label=None if label is None else scores[0][0] if scores else '',
            confidence=scores[0][1] if scores else None,
            scores=scores,
            stamp_ns=None if label is None else label.stamp_ns,
            # Truth is said once, and holds until it changes.
            fresh=bool(track.nodes and track.count) if kind == 'truth' else track.fresh(now_ns),
            age_s=(now_ns - track.arrivals[-1]) / _SECOND_NS if track.arrivals else None,
            rate_hz=track.rate_hz(now_ns),
            labels=track.count,
            refused=sum(track.refused.values()),
            source=track.source,
            classes=known[0] if known else (),
            level=level,
            health=health,
            mixed=mixed,
            lately=track.lately(now_ns) if mixed else (),
        )

    def _kind(self, topic: str, track: _Track, said: Sequence[LabelHeard]) -> Kind:
        if topic.endswith(LABEL_TOPIC):
            return 'truth'
        for each in said:
            if kind := _kind_of(each.hardware):
                return kind
        if any(node in self._classes for node in track.nodes):
            return 'classifier'
        return 'other' if track.source is None else 'selector'


def _kind_of(hardware: str) -> Kind | None:
    """Tell what gives labels by what it says of itself."""
    if hardware == _SELECTOR:
        return 'selector'
    modality, _, kind = hardware.rpartition(' ')
    return 'classifier' if kind == _CLASSIFIER and modality in modality_names() else None


def _of_several(level: Level | None, health: str) -> tuple[Level, str]:
    """Say of a health that it is of several nodes; what is well with one says nothing."""
    words = 'several nodes, mixed' + (f': {health}' if health and level != 'ok' else '')
    return 'error' if level == 'error' else 'warning', words


def _health(reported: tuple[int, LabelHeard], now_ns: int) -> tuple[Level, str]:
    at_ns, said = reported
    silent_ns = now_ns - at_ns
    if silent_ns > _REPORT_OLD_NS:
        return 'error', f'no diagnostics for {silent_ns / _SECOND_NS:.0f} s; last: {said.message}'
    return said.level, said.message

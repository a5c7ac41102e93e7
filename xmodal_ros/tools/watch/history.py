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

"""What came lately, for a page that asks again and again for what is new: no ROS, no drawing.

Times are nanoseconds on the clock of the caller; a page is told seconds since :attr:`began_ns`.
"""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.watching import Watch

# How far back a page that is opened later sees.
KEPT_S: Final = 300
# Of a label, the decision and the next ones.
_RANKS: Final = 3
# Of what several nodes say on one topic.
_MIXED: Final = 3
# A label stands for the time since the one before, unless that was long ago.
_LONGEST_HOP_S: Final = 2.0
_FIRST_HOP_S: Final = 0.5
_MOST_DIGITS: Final = 15
_LONGEST_NAME: Final = 60
_LONGEST_WORDS: Final = 400
_LONGEST_CLASH: Final = 2000


@dataclass(frozen=True)
class _News:
    """One thing that a page is told: ``number`` grows with each."""

    number: int
    at_ns: int
    kind: str
    of: str
    content: Any


class History(Watch):
    """A :class:`Watch` that remembers labels and sources, and whatever else it is given.

    :meth:`news` gives what came after a number that an answer before had.
    """

    def __init__(self, began_ns: int) -> None:
        super().__init__()
        self.began_ns = began_ns
        self.number = 0
        self._news: deque[_News] = deque()
        self._last_ns: dict[str, int] = {}

    def _take_label(self, topic: str, label: Label, now_ns: int) -> None:
        super()._take_label(topic, label, now_ns)
        before_ns = self._last_ns.get(topic)
        hop_s = _FIRST_HOP_S if before_ns is None else (now_ns - before_ns) / 1e9
        self._last_ns[topic] = now_ns
        ranks = [[_cut(name), round(score, 4)] for name, score in label.scores[:_RANKS]]
        if hop_s > _LONGEST_HOP_S:
            hop_s = _FIRST_HOP_S
        self.note('labels', topic, now_ns, [round(hop_s, 3), ranks])

    def note_source(self, topic: str, source: str, now_ns: int) -> None:
        """Take up what the answers on ``topic`` rest on from now on, and remember it."""
        super().note_source(topic, source, now_ns)
        self.note('sources', topic, now_ns, _cut(source))

    def note(self, kind: str, of: str, at_ns: int, content: Any) -> None:
        """Remember something of ``of`` that becomes JSON, and when it was; what is old goes."""
        self.number += 1
        told = [self._seconds(at_ns), content]
        self._news.append(_News(self.number, at_ns, kind, of, told))
        while at_ns - self._news[0].at_ns > KEPT_S * 1_000_000_000:
            self._news.popleft()

    def news(self, after: int, now_ns: int) -> dict[str, Any]:
        """Give what is now, and what came after the number ``after``; 0 gives all there is."""
        found: dict[str, dict[str, list[Any]]] = {}
        for each in reversed(self._news):
            if each.number <= after:
                break
            found.setdefault(each.kind, {}).setdefault(each.of, []).append(each.content)
        for kind in found.values():
            for contents in kind.values():
                contents.reverse()
        return {
            'number': self.number,
            'now': self._seconds(now_ns),
            'kept': KEPT_S,
            'rows': [
                {
                    **asdict(row),
                    'scores': row.scores[:_RANKS],
                    'health': _cut_words(row.health),
                    'lately': [_cut(name) for name in row.lately[:_MIXED]],
                }
                for row in self.rows(now_ns)
            ],
            'clashes': [_cut(each, _LONGEST_CLASH) for each in self.clashes],
            'others': [
                {**asdict(other), 'health': _cut_words(other.health)}
                for other in self.others(now_ns)
            ],
            'events': [
                [self._seconds(event.at_ns), event.topic, _cut_words(event.text)]
                for event in self.events
            ],
            'news': found,
        }

    def _seconds(self, at_ns: int) -> float:
        return round((at_ns - self.began_ns) / 1e9, 3)


def _cut(name: str, longest: int = _LONGEST_NAME) -> str:
    """Anybody may send a name of any length."""
    return name if len(name) <= longest else f'{name[:longest]}…'


def _cut_words(words: str) -> str:
    return _cut(words, _LONGEST_WORDS)


def is_number(text: str) -> bool:
    """Tell whether a text from a page can be the number of an answer."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS

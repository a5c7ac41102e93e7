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

"""Whether the nodes whose labels are evaluated are ready, and whether they have said everything.

Known from their diagnostics alone; times are steady nanoseconds, given by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from xmodal_ros.runtime.health import (
    DROPPED,
    FAILURES,
    OUTPUTS,
    PENDING,
    QUEUE_DROPS,
    RECEIVED,
    STATE,
    WINDOWS,
)
from xmodal_ros.runtime.watching import LabelHeard

# Nodes that say nothing of themselves in this time are believed to be none of ours.
_WITHOUT_DIAGNOSTICS_NS: Final = 15_000_000_000


@dataclass
class _Peer:
    """One node: its newest values, and how many reports in a row have said the same."""

    known_since_ns: int
    values: Mapping[str, str] = field(default_factory=dict)
    message: str = ''
    failed: bool = False
    key: tuple[object, ...] = ()
    repeated: int = 0


@dataclass(frozen=True)
class Listening:
    """A topic of labels as the graph shows it: who publishes, how many subscribe."""

    nodes: Sequence[str]
    subscribers: int


class Peers:
    """The nodes behind the topics that are evaluated."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}

    def note_nodes(self, nodes: Sequence[str], now_ns: int) -> None:
        """Take up which nodes there are."""
        for node in nodes:
            self._peers.setdefault(node, _Peer(now_ns))

    def note_report(self, node: str, said: LabelHeard, heard: int, now_ns: int) -> None:
        """Take up one status of diagnostics; ``heard`` labels of the node have come so far."""
        peer = self._peers.setdefault(node, _Peer(now_ns))
        key = (*(said.values.get(name) for name in (RECEIVED, WINDOWS, PENDING)), heard)
        peer.repeated = peer.repeated + 1 if key == peer.key else 0
        peer.key, peer.values, peer.message = key, said.values, said.message
        peer.failed = said.level == 'error' and said.values.get(STATE, 'active') != 'active'

    def waiting_for(self, topics: Mapping[str, Listening], now_ns: int) -> str:
        """Say what is not connected yet, in words; '' where every label will be heard."""
        waits = (self._wait(topic, each, now_ns) for topic, each in topics.items())
        return self.failed(topics) or next(filter(None, waits), '')

    def failed(self, topics: Mapping[str, Listening]) -> str:
        """Say in words which node cannot start, '' where none says so of itself.

        Who publishes nothing yet is known by the topic's name, ``<node>/activity``.
        """
        for topic, listening in topics.items():
            for node in listening.nodes or (node_of(topic),):
                peer = self._peers.get(node)
                if peer is not None and peer.failed:
                    return f'{node} is {peer.message}'
        return ''

    def _wait(self, topic: str, listening: Listening, now_ns: int) -> str:
        if not listening.nodes:
            return f'nobody publishes on {topic}'
        for node in listening.nodes:
            peer = self._peers.get(node)
            if peer is None or not peer.values:
                since_ns = now_ns if peer is None else peer.known_since_ns
                if now_ns - since_ns < _WITHOUT_DIAGNOSTICS_NS:
                    return f'{node} has not said how it is'
            elif peer.values.get(STATE, 'active') != 'active':
                return f'{node} is {peer.message}'
            elif int(peer.values.get(OUTPUTS, listening.subscribers)) < listening.subscribers:
                return f'{node} has not found all subscribers of {topic}'
        return ''

    def begin_to_end(self) -> None:
        """From now on nothing new comes in: begin to count reports that repeat themselves."""
        for peer in self._peers.values():
            peer.repeated = -1

    def quiet(self, nodes: Sequence[str], now_ns: int) -> bool:
        """Tell whether these nodes have twice said the same since, and nothing waits."""
        for node in nodes:
            peer = self._peers.get(node)
            if peer is None or not peer.values:
                if peer is not None and now_ns - peer.known_since_ns < _WITHOUT_DIAGNOSTICS_NS:
                    return False
            elif peer.repeated < 1 or peer.values.get(PENDING, '0') != '0':
                return False
        return True

    def values(self, node: str) -> Mapping[str, str]:
        """Give the newest values of a node's diagnostics; empty where there are none."""
        peer = self._peers.get(node)
        return {} if peer is None else peer.values

    def losses(self, node: str) -> dict[str, int]:
        """Give what a node could not use or has lost, by reason in words."""
        return _lost(self.values(node))


def node_of(topic: str) -> str:
    """Give the node that publishes a topic called ``<node>/activity``."""
    return topic.rpartition('/')[0]


def _lost(values: Mapping[str, str]) -> dict[str, int]:
    counted = {
        name: int(value)
        for name, value in values.items()
        if name.startswith(DROPPED) or name in (QUEUE_DROPS, FAILURES)
    }
    return {name: count for name, count in counted.items() if count}

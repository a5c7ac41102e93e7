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

"""What a robot's graph shows to somebody who only listens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.runtime.health import Level
from xmodal_ros.tools.doctor.measurement import Measurement

NodeKind = Literal['classifier', 'selector', 'driver']


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscriber of a topic; QoS in ROS's words (``best effort``, ``volatile``).

    ``type_hash`` tells definitions of the same name apart; '' where the middleware has none.
    """

    node: str
    msgtype: str
    reliability: str = 'reliable'
    durability: str = 'volatile'
    type_hash: str = ''


@dataclass(frozen=True)
class Mismatch:
    """A publisher that a subscriber asks too much of; ``reason`` is the middleware's."""

    publisher: str
    subscriber: str
    reason: str


@dataclass(frozen=True)
class TopicFacts:
    """One topic and what came on it.

    ``msgtype`` is the type that was listened for, ``modality`` None for topics that carry labels.
    Nothing was measured where ``measurement`` is None. ``problem`` says why the topic cannot be
    listened to at all, and ``problem_code`` in a word. ``own_type_hash`` is that of the
    definition installed here.
    """

    name: str
    msgtype: str
    modality: str | None
    publishers: tuple[Endpoint, ...] = ()
    subscribers: tuple[Endpoint, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    measurement: Measurement | None = None
    problem: str = ''
    problem_code: str = 'not-heard'
    own_type_hash: str = ''

    @property
    def is_large(self) -> bool:
        """Whether DDS's default transports lose or delay its messages, for their size."""
        modality = self.modality and find_modality(self.modality)
        return bool(modality and self.msgtype in modality.large_types)

    @property
    def sources(self) -> tuple[Endpoint, ...]:
        """The publishers of the type that was listened for."""
        return tuple(each for each in self.publishers if each.msgtype == self.msgtype)


@dataclass(frozen=True)
class NodeFacts:
    """One of this package's nodes, wherever it runs.

    ``level`` and ``message`` are what it last said of itself, '' where it has said nothing.
    ``state`` is that of its lifecycle, ``answered`` whether it answers its services.
    ``values`` are those of its diagnostics, ``parameters`` what was asked of it by name.
    """

    name: str
    kind: NodeKind
    modality: str | None = None
    state: str = ''
    answered: bool = True
    level: Level | Literal[''] = ''
    message: str = ''
    values: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ClockFacts:
    """Simulated time on ``/clock``: who gives it, and how many of its messages were heard."""

    publishers: tuple[str, ...]
    heard: int = 0


@dataclass(frozen=True)
class GraphFacts:
    """Everything that was found by listening for ``seconds``.

    ``nodes`` are all nodes but the listener's own, hidden ones left out, a name as often as it
    is in use; ``topics`` those that carry sensor data or labels, ``other_types`` the types of the
    others by name; ``audio_formats`` what was said on topics of type AudioInfo.
    """

    seconds: float
    nodes: tuple[str, ...] = ()
    topics: tuple[TopicFacts, ...] = ()
    other_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ours: tuple[NodeFacts, ...] = ()
    clock: ClockFacts | None = None
    audio_formats: Mapping[str, AudioFormat] = field(default_factory=dict)

    def topic(self, name: str) -> TopicFacts | None:
        """Give the topic of this name, where it was found."""
        return next((topic for topic in self.topics if topic.name == name), None)

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

"""Which topics are recorded: what was asked for, held against what is published. No ROS."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
import difflib
from typing import Final

from xmodal_ros.bags.labels import CLASSIFICATION_TYPE, LABEL_TOPIC
from xmodal_ros.bags.reading import short_name
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import find_modality, modality_of_type, modality_that_reads
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.placement import AS_IT_COMES, Placement

Graph = Mapping[str, Sequence[str]]
"""The types of each topic that somebody publishes."""

_LABEL_TYPES: Final = (CLASSIFICATION_TYPE, 'std_msgs/msg/String')
_INFO_TYPE: Final = 'audio_common_msgs/msg/AudioInfo'
_STATIC_TRANSFORMS: Final = 'tf_static'
_MOST_NAMED: Final = 8
# What every node publishes of itself.
_OF_NODES: Final = ('/parameter_events', '/rosout')


@dataclass(frozen=True)
class Wanted:
    """One thing to record: a topic, or whatever of a modality bears a sensor's name.

    Without ``topic`` it is looked for by ``modality``; ``sensor`` is '' for what is none, or is to
    be called after its topic.
    """

    topic: str = ''
    sensor: str = ''
    modality: str = ''
    placement: Placement = AS_IT_COMES

    @property
    def in_words(self) -> str:
        """What a person calls it."""
        return self.topic or f'a topic of modality {self.modality} for {self.sensor}'


@dataclass(frozen=True)
class Chosen:
    """One topic to record, and the sensor it is of, if any."""

    topic: str
    msgtype: str
    sensor: Sensor | None = None


@dataclass(frozen=True)
class TopicChoice:
    """What of the wanted is there, and what is missing, in words that say what to do."""

    topics: tuple[Chosen, ...]
    missing: tuple[str, ...]


def choose(wanted: Sequence[Wanted], graph: Graph) -> TopicChoice:
    """Choose the topics to record; nothing wanted means everything that is a sensor's.

    What belongs to them comes along where it is published: the truth, formats of sound, and how
    sensors are mounted. Raises :class:`ConfigurationError` where a sensor's topic cannot be told.
    """
    found: dict[str, Chosen] = {}
    missing: list[str] = []
    for each in wanted:
        topic = each.topic or _topic_of(each, graph, [*found, *(w.topic for w in wanted)])
        if topic and graph.get(topic):
            found[topic] = _chosen(each, topic, graph[topic])
        else:
            missing.append(_missing(each, graph))
    if not wanted:
        for topic, msgtypes in graph.items():
            if any(map(modality_of_type, msgtypes)):
                found[topic] = Chosen(topic, _read_type(msgtypes))
        if not found:
            missing.append('no topic of a sensor is published' + _published(graph))
    for topic, msgtypes in graph.items():
        if topic not in found and (msgtype := _comes_along(topic, msgtypes)):
            found[topic] = Chosen(topic, msgtype)
    names = [chosen.sensor.name for chosen in found.values() if chosen.sensor]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(
            f'two topics are of the sensor {twice[0]!r}: give each a name, --topic NAME=TOPIC'
        )
    return TopicChoice(tuple(found[topic] for topic in sorted(found)), tuple(missing))


def sensors_of(topics: Sequence[Chosen]) -> tuple[Sensor, ...]:
    """Give the sensors to declare; none where every one is called after its topic anyway.

    Where one has a name of its own the others are declared too, for what is declared is all.
    """
    named = [chosen.sensor for chosen in topics if chosen.sensor is not None]
    if not named:
        return ()
    others = [
        Sensor(short_name(chosen.topic), modality, chosen.topic)
        for chosen in topics
        if chosen.sensor is None and (modality := modality_of_type(chosen.msgtype))
    ]
    return (*named, *others)


def _topic_of(wanted: Wanted, graph: Graph, taken: Collection[str]) -> str:
    """Find the topic of a sensor that is known by its modality and name; '' where none is."""
    readable = find_modality(wanted.modality).message_types
    able = [
        topic
        for topic, msgtypes in graph.items()
        if topic not in taken and any(each in readable for each in msgtypes)
    ]
    named = [topic for topic in able if wanted.sensor in topic.split('/')]
    candidates = named or able
    if len(candidates) > 1:
        raise ConfigurationError(
            f'the sensor {wanted.sensor!r} may be any of {", ".join(sorted(candidates))}: say '
            f'which, --topic {wanted.sensor}=TOPIC'
        )
    return candidates[0] if candidates else ''


def _chosen(wanted: Wanted, topic: str, msgtypes: Sequence[str]) -> Chosen:
    msgtype = _read_type(msgtypes)
    if not wanted.sensor:
        return Chosen(topic, msgtype)
    modality = wanted.modality or modality_that_reads(msgtype)
    if modality is None:
        raise ConfigurationError(
            f'{topic} carries {msgtype}, which no sensor here is read from: record it without a '
            f'name, --topic {topic}'
        )
    return Chosen(topic, msgtype, Sensor(wanted.sensor, modality, topic, '', wanted.placement))


def _read_type(msgtypes: Sequence[str]) -> str:
    """Give the type of a topic; of several, one that a sensor is read from."""
    return max(msgtypes, key=lambda each: modality_that_reads(each) is not None)


def _comes_along(topic: str, msgtypes: Sequence[str]) -> str:
    last = topic.rpartition('/')[2]
    for msgtype in msgtypes:
        if (
            (topic.endswith(LABEL_TOPIC) and msgtype in _LABEL_TYPES)
            or last == _STATIC_TRANSFORMS
            or msgtype == _INFO_TYPE
        ):
            return msgtype
    return ''


def _missing(wanted: Wanted, graph: Graph) -> str:
    words = f'{wanted.in_words} is not published'
    close = difflib.get_close_matches(wanted.topic, graph, n=1) if wanted.topic else []
    if close:
        return f'{words}; did you mean {close[0]}?'
    return words + _published(graph)


def _published(graph: Graph) -> str:
    names = sorted(
        topic for topic, msgtypes in graph.items() if msgtypes and topic not in _OF_NODES
    )
    if not names:
        return '; nothing is published here'
    more = f' and {len(names) - _MOST_NAMED} more' if len(names) > _MOST_NAMED else ''
    return f'; published are {", ".join(names[:_MOST_NAMED])}{more}'

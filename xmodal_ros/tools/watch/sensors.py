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

"""Listen to the sensors of a running robot, as little as a page needs, while somebody looks.

What they give is drawn by the lanes of the report and the labelling page, in blocks of half a
second. Messages count from when they came: simulated time and clocks of drivers do not matter.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
import struct
from typing import Any, cast, Final

from rclpy.node import Node

from xmodal_ros.bags.reading import BagReader, Message, short_name, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.media.film import FilmLane
from xmodal_ros.media.lane import Lane
from xmodal_ros.media.span import Span
from xmodal_ros.media.tracks import lane_of
from xmodal_ros.modalities.audio.decoder import INFO_TYPE
from xmodal_ros.modalities.registry import find_modality, intake_of_type, modality_that_reads
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.ros.qos import node_name
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.tools.doctor.subscription import DoctorSubscription

BLOCK_NS: Final = 500_000_000
# Messages on their way when a block ends.
_LATE_NS: Final = 100_000_000
# How often what is small is taken, and what is large; and how much of it waits meanwhile. What
# comes faster is thinned: to look on costs the same whatever the rate.
_SMALL_PERIOD_NS, _SMALL_DEPTH = 100_000_000, 20
_LARGE_PERIOD_NS, _LARGE_DEPTH = 250_000_000, 1
# One drain of sound must not miss any.
_CHUNKED_DEPTH: Final = 100
_LOOK_PERIOD_NS: Final = 2_000_000_000
# Of the thumbnails in a block.
_FILM_BUDGET: Final = 6_000
_PICTURE_WIDTH: Final = 360
_SHOWN_AT_MOST: Final = 8

Told = Callable[[str, str, int, Any], None]


@dataclass
class _Shown:
    """One sensor that is drawn."""

    sensor: Sensor
    subscription: DoctorSubscription
    period_ns: int
    due_ns: int = 0
    lane: Lane | None = None
    block: Lane | None = None
    block_ns: int = 0
    newest: bytes = b''
    last: Message | None = None
    problem: str = ''


class SensorWatcher:
    """Follows every topic of a sensor that can be drawn, with subscriptions of ``node``.

    ``told`` gets what there is to tell: kind, topic, when it began, what becomes JSON. What may be
    of other use by its type, as poses are, is a sensor's where one of ``classifiers()`` listens.
    Not a thread's: :meth:`step` and :meth:`picture` are called one at a time.
    """

    def __init__(self, node: Node, told: Told, classifiers: Callable[[], Collection[str]]) -> None:
        self._node = node
        self._told = told
        self._classifiers = classifiers
        self._shown: dict[str, _Shown] = {}
        self._infos: dict[str, DoctorSubscription] = {}
        self._said: dict[str, bytes] = {}
        self._looked_at_ns: int | None = None

    def step(self, now_ns: int, wall_ns: int = 0) -> None:
        """Take what has come, and tell of blocks that are over.

        ``wall_ns`` is by how much the system's clock is ahead of that of ``now_ns``.
        """
        if self._looked_at_ns is None or now_ns - self._looked_at_ns >= _LOOK_PERIOD_NS:
            self._looked_at_ns = now_ns
            self._look()
        for shown in self._shown.values():
            if now_ns >= shown.due_ns:
                shown.due_ns = now_ns + shown.period_ns
                self._drain(shown, wall_ns)
            if shown.block is not None and now_ns >= shown.block_ns + BLOCK_NS + _LATE_NS:
                self._close(shown)

    def pause(self) -> None:
        """Listen to no sensor while nobody looks."""
        for subscription in (
            *(s.subscription for s in self._shown.values()),
            *self._infos.values(),
        ):
            subscription.close()
        self._shown.clear()
        self._infos.clear()
        self._looked_at_ns = None

    def sensors(self) -> list[dict[str, Any]]:
        """Say which sensors there are, and of what cannot be drawn, why."""
        return [
            {
                'name': shown.sensor.name,
                'topic': shown.sensor.topic,
                'modality': shown.sensor.modality,
                'kind': None if shown.lane is None else shown.lane.kind,
                'facts': None if shown.lane is None else shown.lane.facts(),
                'problem': shown.problem,
            }
            for shown in self._shown.values()
        ]

    def picture(self, topic: str) -> bytes | None:
        """Give the newest picture of a camera as JPEG; None where there is none."""
        shown = self._shown.get(topic)
        if shown is None or not shown.newest or not isinstance(shown.lane, FilmLane):
            return None
        return shown.lane.maker.no_wider_than(_PICTURE_WIDTH)(shown.newest)

    def _look(self) -> None:
        for topic, msgtypes in self._node.get_topic_names_and_types():
            for msgtype in msgtypes:
                modality = self._modality(topic, msgtype)
                if msgtype == INFO_TYPE and topic not in self._infos:
                    self._infos[topic] = DoctorSubscription(self._node, topic, msgtype, 1)
                elif modality and topic not in self._shown and lane_of(modality):
                    self._show(topic, msgtype, modality)
        for subscription in self._infos.values():
            subscription.follow()
            for data, _ in subscription.take():
                self._said[subscription.topic] = data
        for shown in self._shown.values():
            shown.subscription.follow()
            shown.problem = shown.problem or shown.subscription.problem

    def _modality(self, topic: str, msgtype: str) -> str | None:
        reader = modality_that_reads(msgtype)
        if reader is None or find_modality(reader).detected_by_type:
            return reader
        listeners = self._node.get_subscriptions_info_by_topic(topic)
        ours = self._classifiers()
        return reader if any(node_name(info) in ours for info in listeners) else None

    def _show(self, topic: str, msgtype: str, modality: str) -> None:
        if len(self._shown) >= _SHOWN_AT_MOST or not self._node.count_publishers(topic):
            return
        intake = intake_of_type(msgtype)
        chunked = find_modality(modality).chunked
        depth = _LARGE_DEPTH if intake.large else _SMALL_DEPTH
        subscription = DoctorSubscription(
            self._node, topic, msgtype, _CHUNKED_DEPTH if chunked else depth
        )
        period_ns = _LARGE_PERIOD_NS if intake.large else _SMALL_PERIOD_NS
        sensor = Sensor(short_name(topic), modality, topic)
        self._shown[topic] = _Shown(sensor, subscription, period_ns)

    def _drain(self, shown: _Shown, wall_ns: int) -> None:
        for data, received_ns in shown.subscription.take():
            if shown.lane is None and not self._probe(shown, data, received_ns):
                continue
            lane = shown.lane
            assert lane is not None  # noqa: S101 - it has just been made
            at_ns = max(received_ns - wall_ns, shown.block_ns)
            if shown.block is not None and at_ns >= shown.block_ns + BLOCK_NS:
                self._close(shown)
            if shown.block is None:
                shown.block_ns = at_ns // BLOCK_NS * BLOCK_NS
                shown.block = lane.over(
                    Span(shown.block_ns, shown.block_ns + BLOCK_NS - 1),
                    _FILM_BUDGET if lane.kind == 'films' else 0,
                )
                if lane.chunk_ns and shown.last is not None:
                    # It may last until here.
                    shown.block.take(shown.last)
            message = self._message(shown, data, at_ns)
            try:
                shown.block.take(message)
            except DecodeError as error:
                shown.problem = str(error)
            else:
                shown.problem, shown.newest, shown.last = '', data, message

    def _probe(self, shown: _Shown, data: bytes, received_ns: int) -> bool:
        kind = lane_of(shown.sensor.modality)
        assert kind is not None  # noqa: S101 - others are not shown
        reader = _Heard(self._infos, self._said, shown.sensor.topic, shown.subscription.msgtype)
        message = Message(shown.sensor.topic, shown.subscription.msgtype, received_ns, data)
        try:
            shown.lane = kind.probe(cast('BagReader', reader), shown.sensor, message)
        except (DecodeError, BagError) as error:
            shown.problem = str(error)
            return False
        if isinstance(shown.lane, FilmLane):
            shown.lane.hurried = True
        shown.problem = ''
        return True

    def _message(self, shown: _Shown, data: bytes, at_ns: int) -> Message:
        stamped = shown.lane is not None and shown.lane.stamped
        return Message(
            shown.sensor.topic,
            shown.subscription.msgtype,
            at_ns,
            stamped_anew(data, at_ns) if stamped else data,
        )

    def _close(self, shown: _Shown) -> None:
        block, shown.block = shown.block, None
        if block is None:
            return
        strip = block.finish()
        content: Any
        if block.kind == 'films':
            content = next((row.row() for row in strip.rows(_FILM_BUDGET)), None)
        else:
            content = strip.document(shown.block_ns)
        if content:
            self._told(block.kind, shown.sensor.topic, shown.block_ns, content)


class _Heard:
    """What was heard of formats, as lanes read it of a recording."""

    def __init__(
        self,
        infos: dict[str, DoctorSubscription],
        said: dict[str, bytes],
        topic: str,
        msgtype: str,
    ) -> None:
        self.path = 'what is heard'
        self._said = said
        self.topics = {name: Topic(name, INFO_TYPE, int(name in said)) for name in infos}
        self.topics[topic] = Topic(topic, msgtype, 1)

    def messages(self, topics: Sequence[str]) -> Iterator[Message]:
        for topic in topics:
            if topic in self._said:
                yield Message(topic, INFO_TYPE, 0, self._said[topic])


def stamped_anew(data: bytes, at_ns: int) -> bytes:
    """Give a serialized message that begins with a header another stamp; others stay as they are.

    The stamp follows the four bytes of the encapsulation, the second of which says the order.
    """
    if len(data) < 12:
        return data
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds = divmod(at_ns, 1_000_000_000)
    return data[:4] + struct.pack(f'{order}iI', seconds, nanoseconds) + data[12:]

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

"""Listen to a robot for a while, and give what its graph shows.

Nothing is published, no parameter set and no state changed: topics are subscribed to as their
publishers offer them, and lifecycle nodes are asked for their state and parameters.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
import contextlib
from contextlib import ExitStack
import time
from types import TracebackType
from typing import Any, Final, Self

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from xmodal_ros.modalities.audio.decoder import (
    AudioFormat,
    INFO_TYPE,
    read_audio_info,
    TYPES_WITHOUT_FORMAT,
)
from xmodal_ros.modalities.audio.info import choose_info
from xmodal_ros.modalities.registry import find_modality, modality_that_reads
from xmodal_ros.ros import qos
from xmodal_ros.ros.hidden import hidden_nodes
from xmodal_ros.ros.messages import reporting_node
from xmodal_ros.runtime.health import Level
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.tools.doctor.endpoints import node_names, OWN_NAMES, read_topic
from xmodal_ros.tools.doctor.facts import ClockFacts, GraphFacts, NodeFacts, TopicFacts
from xmodal_ros.tools.doctor.inquiry import Inquiry, lifecycle_nodes
from xmodal_ros.tools.doctor.measurement import TopicRecorder
from xmodal_ros.tools.doctor.node_facts import NodeAnswers, summarise_node
from xmodal_ros.tools.doctor.subscription import DoctorSubscription

# Fast DDS announces itself every 3 s; who is missed at first is found by then.
DISCOVERY_S: Final = 4.0
_LOOK_PERIOD_S: Final = 0.25
_DRAIN_PERIOD_S: Final = 0.01
_DIAGNOSTICS_TYPE: Final = 'diagnostic_msgs/msg/DiagnosticArray'
_CLOCK_TYPE: Final = 'rosgraph_msgs/msg/Clock'
# What is not taken of large messages within this many must not fill the memory.
_LARGE_DEPTH: Final = 5
_SECOND_NS: Final = 1_000_000_000
_LEVELS: Final[dict[bytes, Level]] = {
    DiagnosticStatus.OK: 'ok',
    DiagnosticStatus.WARN: 'warning',
}


def listen(
    seconds: float,
    progress: Callable[[float], None] = lambda _: None,
    *,
    types: Collection[str] = (),
    discovery_s: float = DISCOVERY_S,
) -> GraphFacts:
    """Listen to every sensor for so long, and give what there is.

    Topics of a type that is used for much else are a sensor's where one of our nodes listens, and
    those of ``types`` in any case.

    It takes at least ``discovery_s``, for whoever is found late, and then as long again.
    ``progress`` is told the seconds that passed. Raises :class:`ConfigurationError` when ROS
    cannot be started.
    """
    with _Listener(types) as listener:
        begun = news_at = time.monotonic()
        known = listener.known
        while True:
            listener.step()
            now = time.monotonic()
            progress(now - begun)
            if listener.known != known:
                known, news_at = listener.known, now
            heard, passed = now - news_at, now - begun
            # Where something new comes all the time, what has come must do.
            if passed >= discovery_s and (heard >= seconds or passed > discovery_s + 2 * seconds):
                return listener.facts(passed)


class _Listener:
    """Two nodes of a context of their own: one is never spun, its subscriptions are drained."""

    def __init__(self, types: Collection[str]) -> None:
        self._types = types
        self._stack = ExitStack()
        self._ear: Node = None
        self._mouth: Node = None
        self._executor: Any = None
        self._looked_at = -_LOOK_PERIOD_S
        self._nodes: tuple[str, ...] = ()
        self._sensors: dict[str, DoctorSubscription] = {}
        self._recorders: dict[str, TopicRecorder] = {}
        self._infos: dict[str, DoctorSubscription] = {}
        self._info_bytes: dict[str, bytes] = {}
        self._reports: dict[str, DoctorSubscription] = {}
        self._clock: DoctorSubscription | None = None
        self._clock_ns: int | None = None
        self._clock_heard = 0
        self._said: dict[str, NodeAnswers] = {}
        self._inquiries: dict[str, Inquiry] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._ear, self._mouth = hidden_nodes(OWN_NAMES, stack)
            self._executor = SingleThreadedExecutor(context=self._mouth.context)
            stack.callback(self._executor.shutdown)
            self._executor.add_node(self._mouth)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def known(self) -> tuple[frozenset[str], ...]:
        """The nodes and the sensors' topics that have been found."""
        return frozenset(self._nodes), frozenset(self._sensors)

    def step(self) -> None:
        """Take what has come; now and then look at the graph."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_PERIOD_S:
            self._looked_at = now
            self._look()
        self._executor.spin_once(timeout_sec=_DRAIN_PERIOD_S)
        self._drain()
        for inquiry in self._inquiries.values():
            inquiry.step(now)

    def _look(self) -> None:
        self._nodes = node_names(self._ear)
        for name, types in self._ear.get_topic_names_and_types():
            for msgtype in types:
                self._follow(name, msgtype)
        for name in lifecycle_nodes(self._mouth):
            if name not in self._inquiries:
                self._inquiries[name] = Inquiry(self._mouth, name)

    def _follow(self, name: str, msgtype: str) -> None:
        """Listen to a topic from when somebody publishes on it."""
        subscription: DoctorSubscription | None
        if modality := self._modality(name, msgtype):
            large = find_modality(modality).intake.large
            depth = _LARGE_DEPTH if large else qos.SENSOR_DEPTH
            subscription = self._sensors.get(name)
            if subscription is None:
                subscription = DoctorSubscription(self._ear, name, msgtype, depth)
                self._sensors[name] = subscription
                self._recorders[name] = TopicRecorder(msgtype)
        elif msgtype == INFO_TYPE:
            subscription = self._infos.setdefault(
                name, DoctorSubscription(self._ear, name, msgtype, 1)
            )
        elif msgtype == _DIAGNOSTICS_TYPE and name.rpartition('/')[2] == 'diagnostics':
            subscription = self._reports.setdefault(
                name, DoctorSubscription(self._ear, name, msgtype, qos.SENSOR_DEPTH)
            )
        elif name == '/clock' and msgtype == _CLOCK_TYPE:
            self._clock = self._clock or DoctorSubscription(self._ear, name, msgtype, 10)
            subscription = self._clock
        else:
            return
        if subscription.msgtype == msgtype:
            subscription.follow()

    def _modality(self, name: str, msgtype: str) -> str | None:
        reader = modality_that_reads(msgtype)
        known = name in self._sensors or msgtype in self._types
        if reader is None or known or find_modality(reader).detected_by_type:
            return reader
        listeners = self._ear.get_subscriptions_info_by_topic(name)
        ours = any(qos.node_name(info) in self._inquiries for info in listeners)
        return reader if ours else None

    def _drain(self) -> None:
        if self._clock is not None:
            for data, _ in self._clock.take():
                with contextlib.suppress(DecodeError):
                    self._clock_ns = _read_time_ns(data)
                    self._clock_heard += 1
        for name, subscription in self._sensors.items():
            for data, received_ns in subscription.take():
                self._recorders[name].note(data, received_ns, self._clock_ns)
        for name, subscription in self._infos.items():
            for data, _ in subscription.take():
                self._info_bytes[name] = data
        for subscription in self._reports.values():
            for data, _ in subscription.take():
                self._hear_report(data)

    def _hear_report(self, data: bytes) -> None:
        try:
            report = deserialize_message(data, DiagnosticArray)
        except Exception:  # noqa: BLE001 - rclpy raises what it likes for bytes that are none
            return
        for status in report.status:
            self._said[reporting_node(status)] = NodeAnswers(
                status.hardware_id,
                _LEVELS.get(status.level, 'error'),
                status.message,
                {item.key: item.value for item in status.values},
            )

    def facts(self, seconds: float) -> GraphFacts:
        """Give everything that was found, ``seconds`` after the first step."""
        self._look()
        names = dict(self._ear.get_topic_names_and_types())
        formats = dict(self._formats())
        labels = [
            read_topic(self._ear, name, CLASSIFICATION_TYPE)
            for name, types in names.items()
            if CLASSIFICATION_TYPE in types
        ]
        sensors = [self._sensor(each, formats) for each in self._sensors.values()]
        topics = tuple(sorted((*sensors, *labels), key=lambda topic: topic.name))
        known = {topic.name for topic in topics}
        return GraphFacts(
            seconds=seconds,
            nodes=self._nodes,
            topics=topics,
            other_types={n: tuple(types) for n, types in names.items() if n not in known},
            ours=tuple(self._ours()),
            clock=self._clock_facts(),
            audio_formats={n: f for n, f in formats.items() if isinstance(f, AudioFormat)},
        )

    def _formats(self) -> Iterator[tuple[str, AudioFormat | DecodeError]]:
        for name, data in self._info_bytes.items():
            try:
                yield name, read_audio_info(data)
            except DecodeError as error:
                yield name, error

    def _sensor(
        self, subscription: DoctorSubscription, formats: Mapping[str, AudioFormat | DecodeError]
    ) -> TopicFacts:
        name, msgtype = subscription.topic, subscription.msgtype
        problem, code, audio_format = subscription.problem, 'not-heard', None
        if msgtype in TYPES_WITHOUT_FORMAT:
            nodes = {each: self._publishers(each) for each in formats}
            chosen = choose_info(name, self._publishers(name), nodes)
            found = formats.get(chosen or '')
            if isinstance(found, DecodeError):
                problem, code = str(found), found.reason
            else:
                audio_format = found
        measured = self._recorders[name].measure(audio_format)
        modality = modality_that_reads(msgtype)
        return read_topic(self._ear, name, msgtype, measured, problem, code, modality)

    def _publishers(self, topic: str) -> frozenset[str]:
        infos = self._ear.get_publishers_info_by_topic(topic)
        return frozenset(qos.node_name(info) for info in infos) - {qos.NAMELESS}

    def _ours(self) -> Iterator[NodeFacts]:
        for name in sorted({*self._said, *self._inquiries}):
            asked = self._inquiries.get(name)
            state, parameters = (asked.state, asked.parameters) if asked else ('', None)
            node = summarise_node(name, self._said.get(name), state, parameters)
            if node is not None:
                yield node

    def _clock_facts(self) -> ClockFacts | None:
        publishers = self._publishers('/clock') if self._clock else frozenset()
        return ClockFacts(tuple(sorted(publishers)), self._clock_heard) if publishers else None


def _read_time_ns(data: bytes) -> int:
    cursor = CdrCursor(data)
    return cursor.int32() * _SECOND_NS + cursor.uint32()

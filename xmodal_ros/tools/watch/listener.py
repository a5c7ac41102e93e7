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

"""Listen to the labels, sources and health of a running robot; nothing is published or set."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
import os
import time
from types import TracebackType
from typing import Any, Final, Self

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from std_msgs.msg import String
from vision_msgs.msg import LabelInfo

from xmodal_ros.ros import qos
from xmodal_ros.ros.hidden import hidden_nodes
from xmodal_ros.ros.messages import read_said, reporting_node
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE, decode_label
from xmodal_ros.runtime.watching import Watch
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.tools.doctor.endpoints import node_names
from xmodal_ros.tools.doctor.subscription import DoctorSubscription

_LOOK_PERIOD_S: Final = 0.25
_LABELS_TYPE: Final = 'vision_msgs/msg/LabelInfo'
_STRING_TYPE: Final = 'std_msgs/msg/String'
_DIAGNOSTICS_TYPE: Final = 'diagnostic_msgs/msg/DiagnosticArray'
_DEPTH: Final = 1000


class Watcher:
    """A hidden node that is never spun: its subscriptions follow the graph and are drained.

    Used in a ``with`` statement; :meth:`step` brings :attr:`watch` up to date. Topics are known
    by their types alone, so that names, namespaces and remaps do not matter. Raises
    :class:`ConfigurationError` when ROS cannot be started. Every ``look_period_s`` it looks who
    is there.
    """

    def __init__(
        self,
        clock: Callable[[], int] = time.monotonic_ns,
        watch: Watch | None = None,
        look_period_s: float = _LOOK_PERIOD_S,
    ) -> None:
        self._look_period_ns = round(look_period_s * 1e9)
        self.watch = watch or Watch()
        self.nodes: tuple[str, ...] = ()
        # Those that publish labels.
        self.classifiers: frozenset[str] = frozenset()
        self._clock = clock
        self._stack = ExitStack()
        self._node: Node = None
        self._looked_at_ns: int | None = None
        self._listening: dict[tuple[str, str], DoctorSubscription] = {}
        # The topic of labels that a topic of sources belongs to.
        self._labels_of: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            (self._node,) = hidden_nodes(['_xmodal_watch'], stack)
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
    def node(self) -> Node:
        """The node itself, for whoever listens to more."""
        return self._node

    def step(self) -> None:
        """Take what has come; now and then look at the graph."""
        now_ns = self._clock()
        if self._looked_at_ns is None or now_ns - self._looked_at_ns >= self._look_period_ns:
            self._looked_at_ns = now_ns
            self._look(now_ns)
        for (topic, msgtype), subscription in self._listening.items():
            for data, _ in subscription.take():
                self._hear(topic, msgtype, data, now_ns)

    def absence(self) -> str:
        """Say why there is nothing to show, and what to do; '' where labels are published."""
        domain = os.environ.get('ROS_DOMAIN_ID') or '0'
        reach = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'SUBNET'
        where = f'in ROS domain {domain} (discovery range {reach})'
        if not self.nodes:
            return (
                f'no node is found {where}: start one, for example with "ros2 launch xmodal_ros '
                'perception.launch.py imu_model:=...", or use this command in a terminal set up '
                "like the robot's (ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE, "
                'RMW_IMPLEMENTATION, network); "xmodal doctor" looks closer'
            )
        if not self.watch.rows(self._clock()):
            count = f'{len(self.nodes)} node{"" if len(self.nodes) == 1 else "s"}'
            return (
                f'{count} found {where}, but none publishes labels ({CLASSIFICATION_TYPE}): '
                'start a classifier, or activate one that is not; "xmodal doctor" looks closer'
            )
        return ''

    def _look(self, now_ns: int) -> None:
        self.nodes = node_names(self._node)
        known = dict(self._node.get_topic_names_and_types())
        labels = {
            name: self._publishers(name, CLASSIFICATION_TYPE)
            for name, types in known.items()
            if CLASSIFICATION_TYPE in types
        }
        named = {node for nodes in labels.values() for node in nodes}
        self.classifiers = frozenset(named - {qos.NAMELESS})
        self.watch.note_names(self.nodes)
        self.watch.note_graph(labels, now_ns)
        wanted = [(name, CLASSIFICATION_TYPE) for name, nodes in labels.items() if nodes]
        for name, types in known.items():
            if _LABELS_TYPE in types:
                wanted.append((name, _LABELS_TYPE))
            if _DIAGNOSTICS_TYPE in types and name.rpartition('/')[2] == 'diagnostics':
                wanted.append((name, _DIAGNOSTICS_TYPE))
            if _STRING_TYPE in types and name.endswith('/source'):
                wanted.extend(self._sources(name, labels))
        for key in wanted:
            if key not in self._listening:
                self._listening[key] = DoctorSubscription(self._node, *key, _DEPTH)
            self._listening[key].follow()

    def _sources(self, name: str, labels: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
        """Tell which topic of labels a topic of sources belongs to: its own, or its node's."""
        nodes = set(self._publishers(name, _STRING_TYPE)) - {qos.NAMELESS}
        own = name.removesuffix('/source')
        of_node = [topic for topic, publishing in labels.items() if nodes & set(publishing)]
        found = own if own in labels else next(iter(of_node), None)
        if found is not None:
            self._labels_of[name] = found
            yield name, _STRING_TYPE

    def _publishers(self, topic: str, msgtype: str) -> tuple[str, ...]:
        infos = self._node.get_publishers_info_by_topic(topic)
        names = {qos.node_name(info) for info in infos if info.topic_type == msgtype}
        # Of one that has just appeared the name may come later; it is listened to all the same.
        return tuple(sorted(names - {qos.NAMELESS} or names))

    def _hear(self, topic: str, msgtype: str, data: bytes, now_ns: int) -> None:
        if msgtype == CLASSIFICATION_TYPE:
            try:
                self.watch.note_label(topic, decode_label(data), now_ns)
            except DecodeError as error:
                self.watch.note_refused(topic, error.reason)
            return
        try:
            self._hear_message(topic, msgtype, data, now_ns)
        except Exception:  # noqa: BLE001 - rclpy raises what it likes for bytes that are none
            self.watch.note_refused(self._labels_of.get(topic, topic), 'unreadable')

    def _hear_message(self, topic: str, msgtype: str, data: bytes, now_ns: int) -> None:
        message: Any
        if msgtype == _STRING_TYPE:
            message = deserialize_message(data, String)
            self.watch.note_source(self._labels_of[topic], message.data, now_ns)
        elif msgtype == _LABELS_TYPE:
            message = deserialize_message(data, LabelInfo)
            for node in self._publishers(topic, msgtype):
                self.watch.note_classes(node, [each.class_name for each in message.class_map])
        else:
            message = deserialize_message(data, DiagnosticArray)
            for status in message.status:
                self.watch.note_report(reporting_node(status), read_said(status), now_ns)

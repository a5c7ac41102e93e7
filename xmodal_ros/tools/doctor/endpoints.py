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

"""Who publishes and subscribes, as plain facts."""

from collections.abc import Iterable
from typing import Final

from rclpy.node import Node
from rclpy.qos import qos_check_compatible, QoSCompatibility
from rclpy.topic_endpoint_info import TopicEndpointInfo

from xmodal_ros.ros.qos import node_name
from xmodal_ros.tools.doctor.facts import Endpoint, Mismatch, TopicFacts
from xmodal_ros.tools.doctor.measurement import Measurement

# The underscore hides them from ros2 node list.
OWN_NAMES: Final = ('_xmodal_doctor', '_xmodal_doctor_asking')


def node_names(node: Node) -> tuple[str, ...]:
    """Give the full names of all nodes that are not hidden, sorted, as often as they are there."""
    return tuple(
        sorted(
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in node.get_node_names_and_namespaces()
            if not name.startswith('_')
        )
    )


def read_topic(
    node: Node,
    topic: str,
    msgtype: str,
    measurement: Measurement | None = None,
    problem: str = '',
    problem_code: str = 'not-heard',
    modality: str | None = None,
) -> TopicFacts:
    """Give what the graph says of a topic of a modality, beside what was measured on it."""
    publishers = list(_of_others(node.get_publishers_info_by_topic(topic)))
    subscriptions = node.get_subscriptions_info_by_topic(topic)
    subscribers = list(_of_others(subscriptions))
    own = [info for info in subscriptions if info.node_name in OWN_NAMES]
    return TopicFacts(
        name=topic,
        msgtype=msgtype,
        modality=modality,
        publishers=tuple(map(_endpoint, publishers)),
        subscribers=tuple(map(_endpoint, subscribers)),
        mismatches=tuple(_mismatches(publishers, subscribers)),
        measurement=measurement,
        problem=problem,
        problem_code=problem_code,
        own_type_hash=next(map(_type_hash, own), ''),
    )


def _of_others(infos: Iterable[TopicEndpointInfo]) -> Iterable[TopicEndpointInfo]:
    return (info for info in infos if info.node_name not in OWN_NAMES)


def _endpoint(info: TopicEndpointInfo) -> Endpoint:
    return Endpoint(
        node_name(info),
        str(info.topic_type),
        _words(info.qos_profile.reliability.name),
        _words(info.qos_profile.durability.name),
        _type_hash(info),
    )


def _words(policy: str) -> str:
    return policy.lower().replace('_', ' ')


def _type_hash(info: TopicEndpointInfo) -> str:
    text = str(info.topic_type_hash)
    return text if text.startswith('RIHS') else ''


def _mismatches(
    publishers: Iterable[TopicEndpointInfo], subscribers: list[TopicEndpointInfo]
) -> Iterable[Mismatch]:
    for publisher in publishers:
        for subscriber in subscribers:
            if publisher.topic_type != subscriber.topic_type:
                continue
            verdict, reason = qos_check_compatible(publisher.qos_profile, subscriber.qos_profile)
            if verdict == QoSCompatibility.ERROR:
                yield Mismatch(
                    node_name(publisher), node_name(subscriber), reason.strip().rstrip(';')
                )

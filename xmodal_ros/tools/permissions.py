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

"""What nodes may do on a graph with SROS 2: a policy of what they really use, and no more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from rclpy.node import Node

# Simulated time is asked for by a parameter; a robot that never does loses nothing by it.
_CLOCK: Final = '/clock'
_TOPIC_KINDS: Final = ('publish', 'subscribe')
_SERVICE_KINDS: Final = ('reply', 'request')


@dataclass(frozen=True)
class Permissions:
    """The full names of topics and services that a node publishes, subscribes, answers, asks."""

    node: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    reply: tuple[str, ...]
    request: tuple[str, ...]


def used_by(node: Node) -> Permissions:
    """Say what a node uses now, as the middleware knows it."""
    name, namespace = node.get_name(), node.get_namespace()
    return Permissions(
        node.get_fully_qualified_name(),
        _names(node.get_publisher_names_and_types_by_node(name, namespace)),
        _names([*node.get_subscriber_names_and_types_by_node(name, namespace), (_CLOCK, [])]),
        _names(node.get_service_names_and_types_by_node(name, namespace)),
        _names(node.get_client_names_and_types_by_node(name, namespace)),
    )


def _names(entries: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    return tuple(sorted({name for name, _ in entries}))


def policy(nodes: Iterable[Permissions]) -> str:
    """Give the policy file of SROS 2, as ``ros2 security`` takes it: an enclave a node."""
    root = ET.Element('policy', version='0.2.0')
    enclaves = ET.SubElement(root, 'enclaves')
    for each in nodes:
        enclave = ET.SubElement(enclaves, 'enclave', path=each.node)
        namespace, _, name = each.node.rpartition('/')
        profile = ET.SubElement(
            ET.SubElement(enclave, 'profiles'),
            'profile',
            ns=namespace or '/',
            node=name,
        )
        for group, kinds in (('topic', _TOPIC_KINDS), ('service', _SERVICE_KINDS)):
            for kind in kinds:
                names = getattr(each, kind)
                if not names:
                    continue
                listed = ET.SubElement(profile, f'{group}s', {kind: 'ALLOW'})
                for one in names:
                    ET.SubElement(listed, group).text = one
    ET.indent(root)
    return f'{ET.tostring(root, encoding="unicode")}\n'

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

"""Quality of service: follow what publishers offer unless the user says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TYPE_CHECKING

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    qos_check_compatible,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.topic_endpoint_info import TopicEndpointInfo

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.audio.modality import Audio
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.registry import intake_of_type

if TYPE_CHECKING:
    # What reads bags takes a tenth of a second to load, and a classifier reads none.
    from xmodal_ros.bags.reading import Topic

# A second of an IMU at 1 kHz: a busy process may come late by as much and lose nothing.
SENSOR_DEPTH: Final = 1000

LATCHED: Final = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
RELIABLE: Final = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
# A second of the shortest chunks that the microphone makes.
AUDIO: Final = QoSProfile(depth=Audio.intake.depth, reliability=ReliabilityPolicy.RELIABLE)
IMAGES: Final = QoSProfile(
    depth=Camera.intake.played_depth, reliability=ReliabilityPolicy.RELIABLE
)

NAMELESS: Final = 'a node without a name'
"""What :func:`node_name` gives where there is none."""
_UNKNOWN: Final = '_NODE_NAME_UNKNOWN_'
_STATIC_TRANSFORMS: Final = 'tf_static'
_POLICIES: Final = {
    'history': HistoryPolicy,
    'reliability': ReliabilityPolicy,
    'durability': DurabilityPolicy,
}


@dataclass(frozen=True)
class QosOverrides:
    """What the user wants of a subscription; None leaves it to the publishers."""

    depth: int | None = None
    history: HistoryPolicy | None = None
    reliability: ReliabilityPolicy | None = None
    durability: DurabilityPolicy | None = None


def read_overrides(node: Node, topic: str) -> QosOverrides:
    """Read ``qos_overrides.<topic>.subscription.*`` for a fully qualified topic.

    rclpy's own overriding options declare a default, which would freeze the reliability that the
    first publisher offered. Raises :class:`ConfigurationError` for a value that is no policy.
    """
    values: dict[str, Any] = {}
    for policy in ('depth', *_POLICIES):
        name = f'qos_overrides.{topic}.subscription.{policy}'
        value = _given(node, name, f'{policy} of the subscription to {topic}')
        values[policy] = None if value is None else _policy(name, policy, value)
    return QosOverrides(**values)


def _given(node: Node, name: str, description: str) -> object:
    """Read a parameter that is there only where it was given at start; None where it was not.

    One without a value would be dumped as null, and not be taken back.
    """
    if not node.has_parameter(name):
        dynamic = ParameterDescriptor(description=description, dynamic_typing=True)
        value: object = node.declare_parameter(name, None, dynamic).value
        node.undeclare_parameter(name)
        if value is None:
            return None
        dynamic.read_only = True
        node.declare_parameter(name, None, dynamic)
    given: object = node.get_parameter(name).value
    return given


def _policy(name: str, policy: str, value: object) -> object:
    if policy == 'depth':
        if isinstance(value, int) and value > 0:
            return value
        raise ConfigurationError(f'parameter {name} = {value!r} is no number of messages above 0')
    try:
        return _POLICIES[policy][str(value).upper()]
    except KeyError:
        known = ', '.join(item.name.lower() for item in _POLICIES[policy])
        raise ConfigurationError(f'parameter {name} = {value!r} is none of {known}') from None


def subscription_profile(
    publishers: Sequence[TopicEndpointInfo],
    overrides: QosOverrides,
    depth: int = SENSOR_DEPTH,
) -> QoSProfile:
    """Choose the profile that hears every publisher: reliable where all of them are.

    ``depth`` is how many messages it keeps where the user does not say. Without a publisher it is
    reliable, so that one that comes later loses nothing.
    """
    offered = {info.qos_profile.reliability for info in publishers}
    best_effort = ReliabilityPolicy.BEST_EFFORT in offered
    reliability = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
    return QoSProfile(
        history=overrides.history or HistoryPolicy.KEEP_LAST,
        depth=overrides.depth or depth,
        reliability=overrides.reliability or reliability,
        durability=overrides.durability or DurabilityPolicy.VOLATILE,
    )


def played(topic: Topic) -> QoSProfile:
    """Choose a player's profile for a recorded topic: latched as recorded, always reliable.

    Static transforms come of several publishers, each of which has latched its own, and are
    heard latched alone: one player keeps those of all of them.
    """
    if topic.name.rpartition('/')[2] == _STATIC_TRANSFORMS:
        return QoSProfile(
            depth=max(1, min(topic.count, SENSOR_DEPTH)),
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
    if topic.latched:
        return LATCHED
    depth = intake_of_type(topic.msgtype).played_depth
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def explain_mismatch(
    topic: str, publishers: Sequence[TopicEndpointInfo], profile: QoSProfile
) -> str:
    """Say which publishers cannot be heard with this profile and what to do; '' where all can."""
    reasons = []
    for info in publishers:
        verdict, reason = qos_check_compatible(info.qos_profile, profile)
        if verdict == QoSCompatibility.ERROR:
            reasons.append(f'{node_name(info)} ({reason.strip().rstrip(";")})')
    if not reasons:
        return ''
    return (
        f'quality of service on {topic} does not fit that of {", ".join(reasons)}: remove or '
        f'change the parameters qos_overrides.{topic}.subscription.*'
    )


def node_name(info: TopicEndpointInfo) -> str:
    """Give the full name of the node that an endpoint belongs to, or words where it has none.

    The name of one that has just appeared may be known later than what it publishes.
    """
    if info.node_name == _UNKNOWN:
        return NAMELESS
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'

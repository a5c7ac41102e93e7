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

"""Quality of service follows what is offered."""

import pytest
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

from xmodal_ros.bags.reading import Topic
from xmodal_ros.ros import qos
from xmodal_ros.ros.qos import QosOverrides

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


def offer(reliability: ReliabilityPolicy) -> TopicEndpointInfo:
    return TopicEndpointInfo(
        node_name='driver',
        node_namespace='/robot',
        qos_profile=QoSProfile(depth=5, reliability=reliability),
    )


@pytest.mark.parametrize(
    ('offered', 'expected'),
    [
        ((), RELIABLE),
        ((RELIABLE,), RELIABLE),
        ((BEST_EFFORT,), BEST_EFFORT),
        ((RELIABLE, BEST_EFFORT), BEST_EFFORT),
    ],
)
def test_the_profile_hears_every_publisher(
    offered: tuple[ReliabilityPolicy, ...], expected: ReliabilityPolicy
) -> None:
    publishers = [offer(each) for each in offered]
    profile = qos.subscription_profile(publishers, QosOverrides())
    assert profile.reliability == expected
    assert profile.depth >= 1000
    assert qos.explain_mismatch('/imu', publishers, profile) == ''


def test_what_the_user_wants_wins_and_a_mismatch_is_explained() -> None:
    wanted = QosOverrides(
        depth=7,
        history=HistoryPolicy.KEEP_ALL,
        reliability=RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    publishers = [offer(BEST_EFFORT)]
    profile = qos.subscription_profile(publishers, wanted)
    assert profile.depth == 7
    assert profile.history == HistoryPolicy.KEEP_ALL
    assert profile.reliability == RELIABLE
    assert profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    text = qos.explain_mismatch('/imu', publishers, profile)
    assert '/robot/driver' in text
    assert 'reliable' in text.lower()
    assert 'qos_overrides./imu.subscription' in text


def test_a_player_is_reliable_and_latches_what_was_latched() -> None:
    assert qos.played(Topic('/a', 'std_msgs/msg/String', 1, latched=True)) == qos.LATCHED
    # Whether or not the recording says that they were latched.
    transforms = qos.played(Topic('/robot/tf_static', 'tf2_msgs/msg/TFMessage', 3))
    assert (transforms.depth, transforms.durability) == (3, DurabilityPolicy.TRANSIENT_LOCAL)
    imu = qos.played(Topic('/a', 'sensor_msgs/msg/Imu', 1))
    image = qos.played(Topic('/a', 'sensor_msgs/msg/Image', 1))
    assert imu.reliability == image.reliability == RELIABLE
    assert image.depth < imu.depth


def test_a_node_whose_name_is_not_known_yet_is_called_so() -> None:
    unknown = TopicEndpointInfo(
        node_name='_NODE_NAME_UNKNOWN_', node_namespace='_NODE_NAMESPACE_UNKNOWN_'
    )
    assert qos.node_name(unknown) == qos.NAMELESS
    assert qos.node_name(offer(RELIABLE)) == '/robot/driver'

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

"""The policy of SROS 2 is that of what the nodes use: with XMODAL_WRITE=1 it is written anew."""

import os
from pathlib import Path
import time
from typing import Any

from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from test.bundles import (
    make_audio_bundle,
    make_camera_bundle,
    make_imu_bundle,
    make_skeleton_bundle,
)
from test.waiting import PATIENCE_S
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.tools.permissions import Permissions, policy, used_by

POLICY = Path(__file__).parents[2] / 'config' / 'sros2' / 'policy.xml'
MAKE = {
    'imu': make_imu_bundle,
    'camera': make_camera_bundle,
    'audio': make_audio_bundle,
    'skeleton': make_skeleton_bundle,
}


def at_work(node: Any) -> Permissions:
    """What a node uses when it is active; it is let go then."""
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.problem
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS, node.problem
        topics = {each.topic_name for each in (*node.publishers, *node.subscriptions)}
        services = {each.service_name for each in node.services}

        assert topics
        assert services
        assert node.get_node_names().count(node.get_name()) == 1
        # The middleware knows what was made last a moment later.
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            found = used_by(node)
            missing = topics - {*found.publish, *found.subscribe} | services - {*found.reply}
            if not missing:
                return found
            assert time.monotonic() < deadline_s, missing
            time.sleep(0.01)
    finally:
        node.stop()
        node.destroy_node()


def test_the_policy_allows_what_the_nodes_use_and_nothing_else(
    tmp_path: Path, context: Context
) -> None:
    nodes = []
    for modality, make in MAKE.items():
        given = {'model': str(make(tmp_path / modality)), 'device': 'cpu'}
        if modality == 'audio':
            given['info_topic'] = '/audio_info'
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        nodes.append(
            at_work(ClassifierNode(modality, context=context, parameter_overrides=overrides))
        )
    sources = [Parameter('source_names', value=['imu', 'camera', 'audio', 'skeleton'])]
    nodes.append(at_work(ActivitySelector(context=context, parameter_overrides=sources)))
    selector = nodes[-1]
    assert {'/activity', '/activity/label', '/activity/source'} <= {*selector.publish}
    assert {f'/{name}_classifier/activity' for name in MAKE} <= {*selector.subscribe}
    assert all('/diagnostics' in each.publish for each in nodes)
    assert all(f'{each.node}/set_parameters' in each.reply for each in nodes)
    assert not any(each.request for each in nodes)
    found = policy(nodes)
    if os.environ.get('XMODAL_WRITE'):
        POLICY.parent.mkdir(exist_ok=True)
        POLICY.write_text(found)
    assert found == POLICY.read_text(), 'write it anew with XMODAL_WRITE=1'

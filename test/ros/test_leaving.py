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

"""A node that was destroyed is gone: its threads ended, its name off the graph at once."""

import gc
from pathlib import Path
import threading

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from test.bundles import make_imu_bundle
from test.waiting import poll_for
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.ros.classifier import ClassifierNode


def test_a_node_that_nobody_stopped_leaves_the_graph_when_it_is_destroyed(
    tmp_path: Path, context: rclpy.Context
) -> None:
    before = threading.active_count()
    model = str(make_imu_bundle(tmp_path / 'imu'))
    gc.collect()
    gc.disable()
    try:
        overrides = [Parameter('model', value=model), Parameter('device', value='cpu')]
        nodes = [
            ClassifierNode('imu', context=context, parameter_overrides=overrides),
            ActivitySelector(
                context=context, parameter_overrides=[Parameter('source_names', value=['imu'])]
            ),
        ]
        for node in nodes:
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.problem
            assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS, node.problem
        probe = rclpy.create_node('probe', context=context)
        poll_for(lambda: len(probe.get_node_names()) == 3)
        for node in nodes:
            node.destroy_node()
        assert probe.get_node_names() == ['probe']
        assert threading.active_count() == before
        probe.destroy_node()
    finally:
        gc.enable()

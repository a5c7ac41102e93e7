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
from typing import Any

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from test.bundles import make_imu_bundle
from test.waiting import poll_for
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.lifecycle import ManagedNode


def working_nodes(context: rclpy.Context, folder: Path) -> list[Any]:
    model = str(make_imu_bundle(folder / 'imu'))
    overrides = [Parameter('model', value=model), Parameter('device', value='cpu')]
    sources = [Parameter('source_names', value=['imu'])]
    nodes = [
        ClassifierNode('imu', context=context, parameter_overrides=overrides),
        ActivitySelector(context=context, parameter_overrides=sources),
    ]
    for node in nodes:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.problem
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS, node.problem
    return nodes


def test_a_node_that_nobody_stopped_leaves_the_graph_when_it_is_destroyed(
    tmp_path: Path, context: rclpy.Context
) -> None:
    before = set(threading.enumerate())
    gc.collect()
    gc.disable()
    try:
        nodes = working_nodes(context, tmp_path)
        probe = rclpy.create_node('probe', context=context)
        poll_for(lambda: len(probe.get_node_names()) == 3)
        for node in nodes:
            node.destroy_node()
        assert probe.get_node_names() == ['probe']
        assert set(threading.enumerate()) <= before
        probe.destroy_node()
    finally:
        gc.enable()


def test_nodes_are_destroyed_quietly_after_ros_is_over(
    tmp_path: Path, context: rclpy.Context, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    nodes = working_nodes(context, tmp_path)
    context.shutdown()
    for node in nodes:
        node.destroy_node()
    assert set(threading.enumerate()) <= before
    assert 'error' not in capfd.readouterr().err.lower()


class _Unstoppable(ManagedNode):
    def stop(self) -> None:
        raise ConfigurationError('it was never to be stopped')


@pytest.mark.parametrize('problem', ['in the end', 'in the beginning'])
def test_a_node_that_fails_leaves_the_graph_too(context: rclpy.Context, problem: str) -> None:
    gc.collect()
    gc.disable()
    try:
        if problem == 'in the end':
            node = _Unstoppable('unstoppable', (), context=context)
            with pytest.raises(ConfigurationError, match='never to be stopped'):
                node.destroy_node()
        else:
            overrides = [Parameter('diagnostics_period', value=-1.0)]
            with pytest.raises(Exception, match='diagnostics_period'):
                ActivitySelector(context=context, parameter_overrides=overrides)
        probe = rclpy.create_node('probe', context=context)
        assert probe.get_node_names() == ['probe']
        probe.destroy_node()
    finally:
        gc.enable()

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

"""A managed node tells its manager that it lives, where the package for it is installed."""

from collections.abc import Callable
from pathlib import Path
import sys
from threading import Thread

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter as RosParameter
import yaml

from test.waiting import poll_for
from xmodal_ros.ros.heartbeat import begin_heartbeat
from xmodal_ros.ros.lifecycle import ManagedNode
from xmodal_ros.ros.parameter_tables import AUTOSTART

CONFIG = Path(__file__).parents[2] / 'config' / 'lifecycle_manager.yaml'


def managed(context: rclpy.Context, *, autostart: bool = False) -> ManagedNode:
    given = [RosParameter('autostart', value=autostart)]
    return ManagedNode('sensor', (AUTOSTART,), context=context, parameter_overrides=given)


def test_without_the_package_a_node_activates_as_ever(context, monkeypatch):
    monkeypatch.setitem(sys.modules, 'bondpy.bondpy', None)
    node = managed(context)
    assert begin_heartbeat(node) is None
    node.trigger_configure()
    node.trigger_activate()
    assert node.state == 'active'
    node.trigger_deactivate()
    assert node.state == 'inactive'


def test_a_heartbeat_that_fails_keeps_no_node_from_working(context, monkeypatch):
    def fail(_node: object) -> None:
        raise OSError('no topic left')

    monkeypatch.setattr('xmodal_ros.ros.lifecycle.begin_heartbeat', fail)
    node = managed(context)
    node.trigger_configure()
    node.trigger_activate()
    assert node.state == 'active'


def test_it_begins_with_activation_by_a_manager_and_ends_before_deactivation(context, monkeypatch):
    told: list[str] = []

    class Heartbeat:
        def end(self) -> None:
            told.append(f'end in {node.state}')

    def begin(of: ManagedNode) -> Heartbeat:
        told.append(f'begin of {of.get_name()}')
        return Heartbeat()

    monkeypatch.setattr('xmodal_ros.ros.lifecycle.begin_heartbeat', begin)
    node = managed(context)
    node.trigger_configure()
    assert told == []
    node.trigger_activate()
    node.trigger_deactivate()
    assert told == ['begin of sensor', 'end in deactivating']
    node.trigger_activate()
    node.stop()
    assert told[2:] == ['begin of sensor', 'end in active']
    node = managed(context, autostart=True)
    node.start()
    assert (node.state, len(told)) == ('active', 4)


def test_a_manager_forms_a_bond_and_sees_it_break(context):
    bondpy = pytest.importorskip('bondpy.bondpy', reason='bondpy is in no Python registry')
    node, manager = managed(context), rclpy.create_node('manager', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    executor.add_node(manager)
    spinning = Thread(target=executor.spin, daemon=True)
    spinning.start()

    def do(work: Callable[[], object]) -> None:
        task = executor.create_task(work)
        poll_for(task.done, 'the executor goes on')

    # As nav2's manager makes it.
    bond = bondpy.Bond(manager, 'bond', 'sensor')
    bond.heartbeat_period, bond.connect_timeout = 0.1, 100.0
    do(bond.start)
    do(node.trigger_configure)
    do(node.trigger_activate)
    poll_for(lambda: bond.sm.getState().getName() == 'SM.Alive', 'the bond is formed')
    do(node.trigger_deactivate)
    poll_for(bond.is_broken, 'the bond is broken')
    # Nothing that has gone is waited for.
    executor.wake()
    do(node.trigger_activate)
    do(node.trigger_deactivate)
    assert spinning.is_alive()
    assert node.state == 'inactive'
    executor.shutdown()


def test_the_example_for_a_manager_names_nodes_there_are_and_asks_for_no_heartbeat():
    (given,) = yaml.safe_load(CONFIG.read_text(encoding='utf-8')).values()
    parameters = given['ros__parameters']
    assert parameters['bond_timeout'] == 0.0
    names = {f'{modality}_classifier' for modality in ('imu', 'camera', 'audio')}
    assert set(parameters['node_names']) == names | {'activity_selector'}

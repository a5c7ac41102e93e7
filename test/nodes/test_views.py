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

"""Layouts for other programs name topics that are published, and diagnostics fall into groups."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
import yaml

from xmodal_ros.bags.labels import LABEL_TOPIC
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.nodes.annotator_node import Annotator

CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture(scope='module')
def published() -> dict[str, list[str]]:
    """The topics, with their types, that nodes with their default names advertise."""
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    sources = [Parameter('sources', value=['imu'])]
    nodes = [
        ActivitySelector(context=context, parameter_overrides=sources),
        Annotator(context=context),
    ]
    topics: dict[str, list[str]] = {LABEL_TOPIC: ['vision_msgs/msg/Classification']}
    try:
        for node in nodes:
            node.trigger_configure()
            for publisher in node.publishers:  # The graph tells of them only some time later.
                package = publisher.msg_type.__module__.split('.')[0]
                topics[publisher.topic_name] = [f'{package}/msg/{publisher.msg_type.__name__}']
    finally:
        for node in nodes:
            node.destroy_node()
        context.try_shutdown()
    return topics


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def topics_of(value: Any) -> set[str]:
    return {re.split(r'[.\[]', text)[0] for text in texts(value) if text.startswith('/')}


def test_foxglove_shows_topics_that_are_published(published: dict[str, list[str]]) -> None:
    layout = json.loads((CONFIG / 'foxglove.json').read_text())
    used = topics_of(layout['configById'])
    assert used <= published.keys()
    assert {'/annotator/annotated', '/activity', '/activity/source', '/diagnostics'} <= used
    panels = {text for text in texts(layout['layout']) if '!' in text}
    assert panels == layout['configById'].keys()


def test_rviz_shows_topics_that_are_published(published: dict[str, list[str]]) -> None:
    displays = yaml.safe_load((CONFIG / 'xmodal.rviz').read_text())['Visualization Manager'][
        'Displays'
    ]
    types = {
        'rviz_default_plugins/Marker': 'visualization_msgs/msg/Marker',
        'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    }
    shown = {each['Class']: each['Topic']['Value'] for each in displays if 'Topic' in each}
    assert shown.keys() == types.keys()
    for display, topic in shown.items():
        assert published[topic] == [types[display]]


@pytest.mark.parametrize(
    ('status', 'group'),
    [
        ('/imu_classifier', 'Classifiers'),
        ('/robot/camera_front_classifier', 'Classifiers'),
        ('/activity_selector', 'Selector'),
        ('/robot/camera', 'Sensors'),
        ('/microphone', 'Sensors'),
        ('/pose_estimator', 'Sensors'),
        ('/annotator', 'Tools'),
        ('/evaluator', 'Tools'),
        ('/battery', None),
    ],
)
def test_diagnostics_fall_into_one_group_each(status: str, group: str | None) -> None:
    settings = yaml.safe_load((CONFIG / 'diagnostics.yaml').read_text())
    analyzers = settings['analyzers']['ros__parameters']
    assert analyzers.pop('path')
    name = f'{status}: health'
    # As diagnostic_aggregator's GenericAnalyzer matches the names of statuses.
    found = [
        each['path']
        for each in analyzers.values()
        if any(part in name for part in each.get('contains', []))
        or any(re.fullmatch(pattern, name) for pattern in each.get('regex', []))
    ]
    assert found == ([group] if group else [])

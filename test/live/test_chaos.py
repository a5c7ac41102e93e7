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

"""What the graph may do to a selector; benchmarks/chaos.py does more, to a whole robot."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from pathlib import Path
import time
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Classification

from test.live.graph import KEEP_ALL, NodeProcess, running, Watcher
from test.messages import SECOND
from xmodal_ros.ros.messages import classification, to_nanoseconds
from xmodal_ros.ros.qos import SENSOR_DEPTH
from xmodal_ros.runtime.health import OUTPUTS

NAME = '/activity_selector'
HOP = SECOND // 4
HOPS = 12
FLOOD = SENSOR_DEPTH - 3 * HOPS
SETTINGS = {
    'source_names': ['imu', 'camera'],
    'sources.imu.priority': 1,
    'timeout': 60.0,
    'diagnostics_period': 0.1,
}


class Robot:
    """A selector, and who speaks to it: both sources, one label a hop."""

    def __init__(self, watcher: Watcher, publishers: dict[str, Any]) -> None:
        self.watcher, self.publishers = watcher, publishers
        self.stamp_ns = time.time_ns() // HOP * HOP

    def say(self, name: str, publisher: Any = None) -> None:
        message = classification(self.stamp_ns, name, [('walk', 0.75), ('sit', 0.25)])
        (publisher or self.publishers[name]).publish(message)

    def go_on(self) -> None:
        """Let both speak, and wait until each hop is decided on, once and in order."""
        self.watcher.heard.clear()
        wanted = [self.stamp_ns + (k + 1) * HOP for k in range(HOPS)]
        for self.stamp_ns in wanted:
            for name in self.publishers:
                self.say(name)
        self.watcher.wait_for(lambda: len(self.stamps()) >= HOPS, 'not all is decided on')
        assert self.stamps() == wanted

    def stamps(self) -> list[int]:
        return [to_nanoseconds(m.header.stamp) for _, m in list(self.watcher.heard)]

    def wait_for(self, key: str, value: str) -> None:
        self.watcher.wait_for_status(NAME, lambda s: s[2].get(key) == value)


@contextmanager
def robot(watcher: Watcher, folder: Path) -> Iterator[tuple[Robot, NodeProcess]]:
    watcher.hear(Classification, '/activity')
    with ExitStack() as stack:
        publishers = {
            name: stack.enter_context(
                watcher.publisher(Classification, f'/{name}_classifier/activity')
            )
            for name in ('imu', 'camera')
        }
        node = stack.enter_context(running(folder, 'activity_selector', SETTINGS))
        robot = Robot(watcher, publishers)
        for name in publishers:
            robot.wait_for(f'{name}: publishers matched', '1')
            watcher.wait_for_subscriber(publishers[name])
        robot.wait_for(OUTPUTS, '1')
        yield robot, node


def test_a_flood_a_deaf_subscriber_and_a_double_change_no_decision(
    watcher: Watcher, tmp_path: Path
) -> None:
    with robot(watcher, tmp_path) as (selector, node):
        selector.go_on()
        # One that asks for everything and never takes any of it.
        context = Context()
        rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
        deaf = Node('deaf', context=context, enable_rosout=False)
        deaf.create_subscription(Classification, '/activity', print, KEEP_ALL)
        selector.wait_for(OUTPUTS, '2')
        selector.go_on()
        # As many labels of one source as the middleware keeps, all of one stamp.
        for _ in range(FLOOD):
            selector.say('camera')
        selector.go_on()
        watcher.wait_for_status(
            NAME, lambda s: int(s[2].get('camera: labels received', 0)) == 3 * HOPS + FLOOD
        )
        with watcher.publisher(Classification, '/imu_classifier/activity') as double:
            selector.wait_for('imu: publishers matched', '2')
            watcher.wait_for_subscriber(double)
            watcher.forget_statuses(NAME)
            selector.say('imu', double)
            words = '2 publishers share /imu_classifier/activity'
            watcher.wait_for_status(NAME, lambda s: words in s[1], anew=False)
            selector.go_on()
        deaf.destroy_node()
        context.try_shutdown()
        assert node.end() == 0
        assert 'Traceback' not in node.log

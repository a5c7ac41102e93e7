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

"""A node reports at a steady pace, and follows the graph at least twice a second."""

import pytest
import rclpy
from rclpy.parameter import Parameter as RosParameter

from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.parameter_tables import AUTOSTART, DIAGNOSTICS_PERIOD
from xmodal_ros.runtime.health import Report


class Listener(ListeningNode):
    """Notes when it looks, and when it reports; with news it has something to tell at once."""

    def __init__(self, context: rclpy.Context, period_s: float) -> None:
        self.done: list[str] = []
        self.news = False
        given = [
            RosParameter('autostart', value=False),
            RosParameter('diagnostics_period', value=period_s),
        ]
        table = AUTOSTART, DIAGNOSTICS_PERIOD
        super().__init__('ear', 'ear', table, context=context, parameter_overrides=given)

    def report(self) -> Report:
        self.done.append('report')
        return Report('ok', '', ())

    def look_at_graph(self) -> bool:
        self.done.append('look')
        return self.news

    def time_jumped(self) -> None:
        """Nothing to forget."""


@pytest.mark.parametrize(('period_s', 'looks'), [(0.1, 1), (0.5, 1), (1.0, 2), (1.2, 3)])
def test_it_looks_as_often_as_reports_ask_and_at_least_twice_a_second(context, period_s, looks):
    node = Listener(context, period_s)
    (timer,) = node.timers
    assert timer.timer_period_ns == pytest.approx(period_s / looks * 1e9)
    for _ in range(3 * looks):
        timer.callback()
    assert node.done == 3 * [*looks * ['look'], 'report']


def test_news_are_reported_between(context):
    node = Listener(context, 2.0)
    node.news = True
    node.timers.__next__().callback()
    assert node.done == ['look', 'report']

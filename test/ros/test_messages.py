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

"""Decisions and reports as messages."""

from builtin_interfaces.msg import Time
import pytest
from sensor_msgs.msg import Imu

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros import messages
from xmodal_ros.runtime.health import Connection, Counters, HealthMonitor
from xmodal_ros.tools.replay.link import read_status, Status

NS = 1_700_000_000_123_456_789


def test_times_keep_every_nanosecond() -> None:
    assert messages.to_time(NS) == Time(sec=1_700_000_000, nanosec=123_456_789)
    assert messages.to_nanoseconds(messages.to_time(NS)) == NS


def test_a_decision_keeps_order_scores_and_header() -> None:
    message = messages.classification(NS, 'wrist', (('unknown', 0.6), ('walk', 0.4), ('sit', 0)))
    assert messages.to_nanoseconds(message.header.stamp) == NS
    assert message.header.frame_id == 'wrist'
    assert [(r.class_id, r.score) for r in message.results] == [
        ('unknown', 0.6),
        ('walk', 0.4),
        ('sit', 0.0),
    ]


def test_the_classes_are_numbered_in_the_models_order() -> None:
    info = messages.label_info(Time(), ('walk', 'sit'), 0.25)
    assert [(c.class_id, c.class_name) for c in info.class_map] == [(0, 'walk'), (1, 'sit')]
    assert info.threshold == pytest.approx(0.25)


def test_a_report_can_be_read_back_from_its_message() -> None:
    counters = Counters(
        received=90,
        drops={'late': 2, 'no_gyro': 3},
        windows=7,
        pending=4,
        queue_drops=5,
        failures=6,
    )
    connection = Connection('/imu', 'sensor_msgs/msg/Imu', 'reliable', 1, 2, 'a problem')
    report = HealthMonitor(lambda: 0).active(counters, connection, {})
    array = messages.diagnostics(Time(sec=5), '/imu_classifier', 'imu classifier', report)
    assert array.header.stamp.sec == 5
    (status,) = array.status
    assert status.name == '/imu_classifier: health'
    assert messages.reporting_node(status) == '/imu_classifier'
    assert status.hardware_id == 'imu classifier'
    assert read_status(status) == Status(
        state='active',
        failed=True,
        message='a problem',
        inputs=1,
        outputs=2,
        received=90,
        windows=7,
        pending=4,
        drops={
            'messages dropped, older than the newest one': 2,
            'messages dropped, angular rate is not measured': 3,
            'windows dropped, the queue was full': 5,
            'failures inside the node': 6,
        },
    )


def test_message_types_are_found_by_name() -> None:
    assert messages.message_class('sensor_msgs/msg/Imu') is Imu


@pytest.mark.parametrize('name', ['no_such_msgs/msg/A', 'sensor_msgs/msg/Nope', 'nonsense', ''])
def test_a_type_that_is_not_installed_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match='install the ROS package') as error:
        messages.message_class(name)
    assert f'type {name} cannot' in str(error.value)

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

from pathlib import Path

import numpy as np
from rosbags.rosbag1 import Writer
from rosbags.typesys import get_typestore, Stores

from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.reading import BagReader

NOETIC = get_typestore(Stores.ROS1_NOETIC)


def ros1_imu(stamp_ns: int, sequence: int) -> object:
    types = NOETIC.types
    vector = types['geometry_msgs/msg/Vector3']
    not_measured = np.zeros(9)
    not_measured[0] = -1
    return types['sensor_msgs/msg/Imu'](
        header=types['std_msgs/msg/Header'](
            seq=sequence,
            stamp=types['builtin_interfaces/msg/Time'](
                sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND
            ),
            frame_id='imu_link',
        ),
        orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=not_measured,
        angular_velocity=vector(x=0.1, y=0.2, z=0.3),
        angular_velocity_covariance=np.zeros(9),
        linear_acceleration=vector(x=1.0, y=2.0, z=3.0),
        linear_acceleration_covariance=np.zeros(9),
    )


def write_ros1_bag(path: Path) -> Path:
    with Writer(path) as writer:
        imu = writer.add_connection('/imu', 'sensor_msgs/msg/Imu', typestore=NOETIC)
        for index in range(3):
            data = NOETIC.serialize_ros1(ros1_imu(EPOCH + index, index), 'sensor_msgs/msg/Imu')
            writer.write(imu, EPOCH + index, data)
        text = writer.add_connection('/note', 'std_msgs/msg/String', typestore=NOETIC, latching=1)
        note = NOETIC.types['std_msgs/msg/String'](data='hello')
        writer.write(text, EPOCH + 5, NOETIC.serialize_ros1(note, 'std_msgs/msg/String'))
    return path


def test_a_ros1_message_becomes_the_bytes_that_ros2_would_hold(tmp_path: Path) -> None:
    with BagReader(write_ros1_bag(tmp_path / 'old.bag')) as reader:
        messages = list(reader.messages(['/imu']))
    assert [message.msgtype for message in messages] == ['sensor_msgs/msg/Imu'] * 3
    assert [message.data for message in messages] == [
        imu_bytes(EPOCH + index, (1, 2, 3), (0.1, 0.2, 0.3)) for index in range(3)
    ]


def test_a_ros1_bag_knows_its_name_times_sensors_and_latched_topics(tmp_path: Path) -> None:
    with BagReader(write_ros1_bag(tmp_path / 'old.bag')) as reader:
        assert reader.name == reader.subject == 'old'
        assert (reader.start_ns, reader.end_ns) == (EPOCH, EPOCH + 5)
        assert [sensor.name for sensor in reader.sensors] == ['imu']
        assert reader.topics['/note'].latched
        assert not reader.topics['/imu'].latched

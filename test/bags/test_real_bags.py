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

"""Recordings of real robots, in every format they come in."""

from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores

from test.messages import SECOND
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.imu.decoder import ImuDecoder

BAGS = [
    'ctu_itc_compressed.bag',
    'ctu_itc_compressed_mcap',
    'imu_tools_sparkfun_razor.bag',
    'imu_tools_sparkfun_razor_mcap',
    'jsk_audio_300hz.bag',
    'jsk_audio_300hz_mcap',
    'rl_test2.bag',
    'rl_test2_sqlite3',
    'test_bag_mcap',
    'test_bag_sqlite3',
]
PAIRS = [
    ('ctu_itc_compressed.bag', 'ctu_itc_compressed_mcap'),
    ('imu_tools_sparkfun_razor.bag', 'imu_tools_sparkfun_razor_mcap'),
    ('jsk_audio_300hz.bag', 'jsk_audio_300hz_mcap'),
    ('rl_test2.bag', 'rl_test2_sqlite3'),
]


@pytest.mark.parametrize('name', BAGS)
def test_every_message_is_read(shared_data: Path, name: str) -> None:
    bag = shared_data / 'bags' / name
    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as stock:
        expected = {topic: info.msgcount for topic, info in stock.topics.items()}
    with BagReader(bag) as reader:
        assert {topic.name: topic.count for topic in reader.topics.values()} == expected
        counted = dict.fromkeys(expected, 0)
        latest_ns = reader.start_ns
        for message in reader.messages():
            counted[message.topic] += 1
            assert message.received_ns >= latest_ns
            latest_ns = message.received_ns
        assert counted == expected
        assert latest_ns == reader.end_ns


@pytest.mark.parametrize('name', [old for old, _ in PAIRS])
def test_converted_ros1_messages_are_whole(shared_data: Path, name: str) -> None:
    with BagReader(shared_data / 'bags' / name) as reader:
        for message in reader.messages():
            content = TYPESTORE.deserialize_cdr(message.data, message.msgtype)
            again = bytes(TYPESTORE.serialize_cdr(content, message.msgtype))
            assert again == bytes(message.data)


@pytest.mark.parametrize(('old', 'new'), PAIRS)
def test_a_ros1_bag_equals_its_ros2_conversion(shared_data: Path, old: str, new: str) -> None:
    folder = shared_data / 'bags'
    with BagReader(folder / old) as ros1, BagReader(folder / new) as ros2:
        assert (ros1.start_ns, ros1.end_ns) == (ros2.start_ns, ros2.end_ns)
        assert ros1.topics.keys() == ros2.topics.keys()
        for topic in ros1.topics:
            ours = [(m.received_ns, m.msgtype, m.data) for m in ros1.messages([topic])]
            theirs = [(m.received_ns, m.msgtype, m.data) for m in ros2.messages([topic])]
            assert ours == theirs


def test_a_real_imu_decodes_to_plausible_values(shared_data: Path) -> None:
    with BagReader(shared_data / 'bags' / 'imu_tools_sparkfun_razor.bag') as reader:
        decode = ImuDecoder()
        samples = [decode(message.data) for message in reader.messages(['/imu/data_raw'])]
    acceleration = np.array([sample.values[:3] for sample in samples])
    assert np.median(np.linalg.norm(acceleration, axis=1)) == pytest.approx(9.81, abs=0.7)
    steps = np.diff([sample.stamp_ns for sample in samples])
    assert np.median(steps) == pytest.approx(SECOND / 69, rel=0.05)


@pytest.mark.parametrize('name', BAGS)
def test_every_real_bag_can_be_inspected(shared_data: Path, name: str) -> None:
    with BagReader(shared_data / 'bags' / name) as reader:
        inspection = inspect_bag(reader)
    assert inspection.duration_s > 0
    assert any('unlabelled' in warning for warning in inspection.warnings)

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
import resource
import secrets

import pytest
from rosbags.highlevel import AnyReader
from rosbags.interfaces import ConnectionExtRosbag2, Qos, QosDurability, QosReliability
from ruamel.yaml import YAML

from test.bags.recordings import (
    IMU_TYPE,
    storage_of,
    string_message,
    without_privileges,
    WRIST,
    write_imu_bag,
)
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.labels import LABEL_TOPIC
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError


def recorded_qos(bag: Path, topic: str) -> Qos:
    with AnyReader([bag]) as reader:
        (connection,) = reader.topics[topic].connections
        assert isinstance(connection.ext, ConnectionExtRosbag2)
        return connection.ext.offered_qos_profiles[0]


def test_what_is_written_reads_back_with_a_stock_reader(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=1, rate_hz=50)
    with AnyReader([bag]) as reader:
        messages = list(reader.messages())
        assert [time for _, time, _ in messages] == [
            EPOCH + index * SECOND // 50 for index in range(50)
        ]
        connection, stamp_ns, data = messages[7]
        assert data == imu_bytes(stamp_ns, (7, 0, 0))
        assert reader.typestore.hash_rihs01(connection.msgtype) == connection.digest


def test_equal_calls_write_equal_bytes(tmp_path: Path) -> None:
    segments = [Segment(EPOCH, EPOCH + SECOND, 'wave')]
    first, second = (
        write_imu_bag(
            tmp_path / where / 'bag', subject='3', metadata={'b': '1', 'a': '2'}, segments=segments
        )
        for where in ('one', 'two')
    )
    assert storage_of(first).read_bytes() == storage_of(second).read_bytes()
    assert (first / 'metadata.yaml').read_bytes() == (second / 'metadata.yaml').read_bytes()


def test_the_bag_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / 'bag'
    with BagWriter(path) as writer:
        writer.write_message('/text', string_message('hello'), 1)
        assert not path.exists()
        assert all(item.name.startswith('.') for item in tmp_path.iterdir())
    assert [item.name for item in tmp_path.iterdir()] == ['bag']
    assert sorted(item.name for item in path.iterdir()) == ['bag.mcap', 'metadata.yaml']


@pytest.mark.parametrize('interruption', [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_bag_leaves_nothing(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    def write() -> None:
        with BagWriter(tmp_path / 'bag') as writer:
            writer.write_message('/text', string_message('hello'), 1)
            raise interruption

    with pytest.raises(interruption):
        write()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_path_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'notes.txt').write_text('mine')
    with pytest.raises(BagError, match='exists already'):
        BagWriter(tmp_path / 'bag')
    assert (tmp_path / 'bag' / 'notes.txt').read_text() == 'mine'


def test_a_bag_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / 'bag'

    def write() -> None:
        with BagWriter(path) as writer:
            writer.write_message('/text', string_message('hello'), 1)
            path.mkdir()

    with pytest.raises(BagError, match='exists already'):
        write()
    assert list(tmp_path.iterdir()) == [path]


def test_a_bag_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='no messages'), BagWriter(tmp_path / 'bag'):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with without_privileges(tmp_path), pytest.raises(BagError, match=r"cannot write bag '.*bag'"):
        write_imu_bag(tmp_path / 'bag')


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(BagError, match='cannot write bag'), BagWriter(tmp_path / 'bag') as bag:
            bag.write_message('/text', string_message(secrets.token_hex(2_000_000)), 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_type_without_definition_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(BagError, match='my_msgs/msg/Mine'),
        BagWriter(tmp_path / 'bag') as writer,
    ):
        writer.write('/mine', 'my_msgs/msg/Mine', 1, b'\0\1\0\0')


def test_a_topic_keeps_its_type(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write_message('/text', string_message('hello'), 1)
        with pytest.raises(BagError, match=r"'/text' holds std_msgs/msg/String"):
            writer.write('/text', IMU_TYPE, 2, imu_bytes(2))


@pytest.mark.parametrize('time', [-1, 1 << 63])
def test_a_time_beyond_int64_is_refused(tmp_path: Path, time: int) -> None:
    with pytest.raises(BagError, match='int64'), BagWriter(tmp_path / 'bag') as writer:
        writer.write_message('/text', string_message('hello'), time)


def test_an_object_that_is_no_message_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='cannot serialize'), BagWriter(tmp_path / 'bag') as writer:
        writer.write_message('/text', object(), 1)


def test_writing_outside_a_with_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='with block'):
        BagWriter(tmp_path / 'bag').write('/imu', IMU_TYPE, 1, imu_bytes(1))


def test_sensor_topics_are_reliable_and_labels_are_latched(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', segments=[Segment(EPOCH, EPOCH + SECOND, 'wave')])
    sensor, label = recorded_qos(bag, WRIST.topic), recorded_qos(bag, LABEL_TOPIC)
    assert sensor.reliability is label.reliability is QosReliability.RELIABLE
    assert sensor.durability is QosDurability.VOLATILE
    assert label.durability is QosDurability.TRANSIENT_LOCAL
    assert sensor.depth >= 50


def test_the_metadata_file_is_what_rosbag2_expects_of_version_9(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', sensors=[WRIST], subject='3')
    document = YAML(typ='safe').load((bag / 'metadata.yaml').read_text())
    information = document['rosbag2_bagfile_information']
    assert information['version'] == 9
    assert information['storage_identifier'] == 'mcap'
    assert information['relative_file_paths'] == ['bag.mcap']
    assert information['custom_data']['subject'] == '3'
    assert information['compression_mode'] == ''
    (topic,) = information['topics_with_message_count']
    (qos,) = topic['topic_metadata']['offered_qos_profiles']
    assert qos['history'] == 'keep_last'
    assert qos['reliability'] == 'reliable'
    assert qos['deadline'] == {'sec': 9223372036, 'nsec': 854775807}

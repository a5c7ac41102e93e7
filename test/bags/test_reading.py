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

from collections.abc import Callable
import json
from pathlib import Path
import secrets
import shutil
import struct
import tracemalloc
from unittest.mock import Mock

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from ruamel.yaml import YAML

from test.bags.recordings import (
    IMU_TYPE,
    storage_of,
    string_message,
    WRIST,
    write_imu_bag,
)
from test.bags.storage_files import channel, McapParts, message, record, schema
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags import metadata_file
from xmodal_ros.bags import storage as storage_module
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.metadata_file import read_metadata
from xmodal_ros.bags.reading import BagReader, Topic
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.sensor import Sensor


def write_topics(path: Path, topics: dict[str, str]) -> Path:
    with BagWriter(path) as writer:
        for topic, msgtype in topics.items():
            writer.write(topic, msgtype, EPOCH, imu_bytes(EPOCH))
    return path


def test_messages_come_in_the_order_they_were_recorded(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for time in (5, 1, 4, 2, 3):
            writer.write_message('/odd' if time % 2 else '/even', string_message(str(time)), time)
    with BagReader(tmp_path / 'bag') as reader:
        assert [message.received_ns for message in reader.messages()] == [1, 2, 3, 4, 5]
        assert [message.received_ns for message in reader.messages(['/even'])] == [2, 4]
        assert list(reader.messages([])) == []


Recorded = tuple[int, str, bytes]


def write_indexed(path: Path, chunks: list[list[Recorded]]) -> Path:
    with BagWriter(path) as writer:
        for time, topic, data in (each for chunk in chunks for each in chunk):
            writer.write(topic, IMU_TYPE, time, data)
    return path


def write_without_index(path: Path, chunks: list[list[Recorded]]) -> Path:
    """The last of the chunks is none: its messages lie outside."""
    keys = {'/imu': 1, '/a': 2, '/b': 3}
    parts = McapParts().add(schema(), *(channel(name, key=key) for name, key in keys.items()))
    packed = [b''.join(message(t, data, keys[topic]) for t, topic, data in c) for c in chunks]
    for raw in packed[:-1]:
        head = struct.pack('<QQQI', 0, 1000, len(raw), 0) + struct.pack('<I', 0)
        parts.add(record(6, head + struct.pack('<Q', len(raw)) + raw))
    return parts.add(packed[-1]).write(path.with_suffix('.mcap'))


@pytest.mark.parametrize('write', [write_indexed, write_without_index])
def test_messages_of_chunks_that_overlap_come_by_time_then_as_they_lie(
    write: Callable[[Path, list[list[Recorded]]], Path], tmp_path: Path
) -> None:
    rng, chunks = np.random.default_rng(7), []
    for number in range(10):
        # Of some chunks all messages are of one time, and some lie within another.
        times = rng.integers(10 * number, 10 * number + rng.choice([1, 15, 60]), 9)
        topics = rng.choice(['/imu', '/imu', '/a', '/b', '/b'], 9)
        # Nine of them fill a chunk.
        chunks.append(
            [
                (int(time), str(topic), imu_bytes(EPOCH + 9 * number + each) + bytes(120_000))
                for each, (time, topic) in enumerate(zip(times, topics, strict=True))
            ]
        )
    chunks = [chunks[number] for number in rng.permutation(len(chunks))]
    every = sorted((each for chunk in chunks for each in chunk), key=lambda m: m[0])
    with BagReader(write(tmp_path / 'a', chunks)) as reader:
        assert len(reader._files[0]._content.chunks) >= 9  # type: ignore[attr-defined]
        for wanted in (['/imu'], ['/a'], ['/a', '/b'], ['/a', '/b', '/imu']):
            expected = [each for each in every if each[1] in wanted]
            found = [(m.received_ns, m.topic, m.data) for m in reader.messages(wanted)]
            assert found == expected
            stretch = [(m.received_ns, m.topic, m.data) for m in reader.messages(wanted, 20, 90)]
            assert stretch == [each for each in expected if 20 <= each[0] < 90]
        one_by_one = list(reader.messages(['/imu']))
        for size in (1, 5, 100):
            blocks = list(reader.blocks('/imu', size))
            assert {len(block.data) for block in blocks[:-1]} <= {size}
            pairs = [pair for block in blocks for pair in zip(*block, strict=True)]
            assert pairs == [(m.received_ns, m.data) for m in one_by_one]


def test_reading_in_blocks_is_ended_by_another_iteration(tmp_path: Path) -> None:
    with BagReader(write_imu_bag(tmp_path / 'bag', seconds=2)) as reader:
        blocks = reader.blocks(WRIST.topic, 10)
        next(blocks)
        reader.messages()
        with pytest.raises(RuntimeError, match='another iteration'):
            next(blocks)
        with pytest.raises(BagError, match='has no topic'):
            reader.blocks('/none', 10)


def test_a_stretch_of_a_recording_is_read_alone(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=2, rate_hz=10)
    tenth = SECOND // 10
    with BagReader(bag) as reader:
        found = [m.received_ns for m in reader.messages(None, EPOCH + tenth, EPOCH + 3 * tenth)]
        assert found == [EPOCH + tenth, EPOCH + 2 * tenth]
        assert len(list(reader.messages([WRIST.topic], EPOCH + SECOND))) == 10
        assert list(reader.messages(None, stop_ns=EPOCH)) == []


def test_a_message_carries_the_bytes_that_were_recorded(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=1)
    with BagReader(bag) as reader:
        first = next(reader.messages())
    assert (first.topic, first.msgtype) == (WRIST.topic, IMU_TYPE)
    assert (first.received_ns, first.data) == (EPOCH, imu_bytes(EPOCH, (0, 0, 0)))


def test_the_facts_about_a_recording_are_known_without_reading_it(tmp_path: Path) -> None:
    bag = write_imu_bag(
        tmp_path / 'bag',
        seconds=2,
        rate_hz=50,
        sensors=[WRIST],
        subject='3',
        metadata={'place': 'kitchen'},
        segments=[Segment(EPOCH, EPOCH + SECOND, 'wave')],
    )
    with BagReader(bag) as reader:
        assert reader.name == 'bag'
        assert reader.subject == '3'
        assert reader.sensors == (WRIST,)
        assert reader.metadata['place'] == 'kitchen'
        assert (reader.start_ns, reader.end_ns) == (EPOCH, EPOCH + 2 * SECOND - SECOND // 50)
        assert reader.topics[WRIST.topic] == Topic(WRIST.topic, IMU_TYPE, 100)
        assert reader.topics['/activity_label'].latched


def test_metadata_that_was_read_is_parsed_again_only_where_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_imu_bag(tmp_path / 'bag', subject='3') / 'metadata.yaml'
    first = read_metadata(file)
    parse = Mock(side_effect=YAML)
    monkeypatch.setattr(metadata_file, 'YAML', parse)
    assert read_metadata(file) == first
    assert parse.call_count == 0
    file.write_text(file.read_text().replace("subject: '3'", "subject: '4'"))
    changed = read_metadata(file)
    assert parse.call_count == 1
    assert changed.custom_data != first.custom_data


def test_without_metadata_the_subject_is_the_name_of_the_bag(tmp_path: Path) -> None:
    with BagReader(write_imu_bag(tmp_path / 'monday')) as reader:
        assert reader.subject == 'monday'


def test_sensors_that_are_not_declared_are_named_after_their_topics(tmp_path: Path) -> None:
    bag = write_topics(
        tmp_path / 'bag',
        {
            '/imu/data_raw': IMU_TYPE,
            '/camera_front/image_raw': 'sensor_msgs/msg/Image',
            '/camera_front/image_raw/compressed': 'sensor_msgs/msg/CompressedImage',
            '/head/camera/image_raw': 'sensor_msgs/msg/Image',
            '/audio': 'audio_common_msgs/msg/AudioDataStamped',
            '/odom': 'nav_msgs/msg/Odometry',
        },
    )
    with BagReader(bag) as reader:
        assert {(sensor.name, sensor.modality) for sensor in reader.sensors} == {
            ('imu', 'imu'),
            ('camera_front_image_raw', 'camera'),
            ('camera_front_image_raw_compressed', 'camera'),
            ('head_camera', 'camera'),
            ('audio', 'audio'),
        }


def test_a_sensor_is_found_by_its_name_or_its_topic(tmp_path: Path) -> None:
    with BagReader(write_imu_bag(tmp_path / 'bag', sensors=[WRIST])) as reader:
        assert reader.sensor('imu_wrist') == reader.sensor('/imu_wrist') == WRIST


def test_an_unknown_sensor_is_answered_with_what_there_is_and_what_is_closest(
    tmp_path: Path,
) -> None:
    with BagReader(write_imu_bag(tmp_path / 'bag', sensors=[WRIST])) as reader:
        with pytest.raises(BagError) as caught:
            reader.sensor('imu_wirst')
        # Topics that are no sensor's would bury the answer.
        words = "; closest is 'imu_wrist'; sensors: imu_wrist (imu, /imu_wrist)"
        assert str(caught.value).endswith(words)


def test_a_sensor_declared_on_a_topic_without_messages_is_refused(tmp_path: Path) -> None:
    ghost = Sensor('camera', 'camera', '/camera/image_raw')
    bag = write_imu_bag(tmp_path / 'bag', sensors=[WRIST, ghost])
    with BagReader(bag) as reader, pytest.raises(BagError, match='holds no messages'):
        reader.sensor('camera')


def test_an_unknown_topic_is_answered_with_what_there_is_and_what_is_closest(
    tmp_path: Path,
) -> None:
    complaint = r"no topic '/imu_wrst'; closest is '/imu_wrist'"
    bag = write_imu_bag(tmp_path / 'bag')
    with BagReader(bag) as reader, pytest.raises(BagError, match=complaint):
        reader.messages(['/imu_wrst'])


@pytest.mark.parametrize(
    'sensors',
    ['not json', '{}x', '[1]', '[{"name": "a"}]', '5', 'null', '[{"name": "a", "topic": "/a"}]'],
)
def test_a_malformed_declaration_of_sensors_is_refused(tmp_path: Path, sensors: str) -> None:
    bag = write_imu_bag(tmp_path / 'bag', metadata={'sensors': sensors})
    with pytest.raises(BagError, match="custom_data 'sensors'"):
        BagReader(bag)


def test_an_unknown_modality_is_refused(tmp_path: Path) -> None:
    declared = json.dumps([{'name': 'nose', 'modality': 'smell', 'topic': '/imu_wrist'}])
    bag = write_imu_bag(tmp_path / 'bag', metadata={'sensors': declared})
    with pytest.raises(BagError, match=r"'smell', known are audio, camera, imu, skeleton"):
        BagReader(bag)


def test_a_second_iteration_ends_the_first(tmp_path: Path) -> None:
    with BagReader(write_imu_bag(tmp_path / 'bag')) as reader:
        first, second = reader.messages(), reader.messages()
        assert next(second).received_ns == EPOCH
        with pytest.raises(RuntimeError, match='open a second BagReader'):
            next(first)


def test_a_closed_bag_gives_no_messages(tmp_path: Path) -> None:
    with BagReader(write_imu_bag(tmp_path / 'bag')) as reader:
        pass
    with pytest.raises(BagError, match='is closed'):
        reader.messages()
    assert reader.topics[WRIST.topic].count == 100


def test_memory_stays_flat_over_a_long_recording(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for time in range(100):
            writer.write_message('/text', string_message(secrets.token_hex(100_000)), time)
    with BagReader(tmp_path / 'bag') as reader:
        tracemalloc.start()
        read = sum(len(message.data) for message in reader.messages())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert read > 20_000_000
    assert peak < read / 3


def test_the_storage_file_alone_knows_what_its_folder_knows(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', sensors=[WRIST], subject='3')
    alone = tmp_path / 'elsewhere.mcap'
    shutil.copy(storage_of(bag), alone)
    for path in (storage_of(bag), alone):
        with BagReader(path) as reader:
            assert reader.subject == '3'
            assert reader.sensors == (WRIST,)
            assert sum(1 for _ in reader.messages()) == 100


def test_a_folder_without_metadata_file_is_read_from_its_storage(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', subject='3')
    (bag / 'metadata.yaml').unlink()
    with BagReader(bag) as reader:
        assert (reader.name, reader.subject) == ('bag', '3')
        assert sum(1 for _ in reader.messages()) == 100


def test_several_files_without_metadata_are_read_as_one_recording(tmp_path: Path) -> None:
    early = write_imu_bag(tmp_path / 'a', seconds=1)
    late = write_imu_bag(tmp_path / 'b', seconds=1, start_ns=EPOCH + SECOND // 2)
    both = tmp_path / 'both'
    both.mkdir()
    for bag in (late, early):
        shutil.copy(storage_of(bag), both)
    with BagReader(both) as reader:
        times = [message.received_ns for message in reader.messages()]
        assert len(times) == reader.topics[WRIST.topic].count == 100
        assert times == sorted(times)
        assert (reader.start_ns, reader.end_ns) == (times[0], times[-1])
        (note,) = reader.notes
        assert note.startswith('a.mcap, b.mcap lie in one folder without metadata.yaml, and are')
    for number, name in enumerate('ab'):
        (both / f'{name}.mcap').rename(both / f'rec_{number}.mcap')
    with BagReader(both) as reader:
        assert reader.notes == ()


def test_an_sqlite3_bag_reads_like_an_mcap_bag(tmp_path: Path) -> None:
    with Writer(tmp_path / 'old', version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        writer.set_custom_data('subject', '5')
        connection = writer.add_connection('/imu', IMU_TYPE, typestore=TYPESTORE)
        for index in range(10):
            writer.write(connection, EPOCH + index, imu_bytes(EPOCH + index))
    for path in (tmp_path / 'old', tmp_path / 'old' / 'old.db3'):
        with BagReader(path) as reader:
            assert reader.subject == '5'
            assert [m.data for m in reader.messages()] == [
                imu_bytes(EPOCH + index) for index in range(10)
            ]
            stretch = reader.messages(['/imu'], EPOCH + 2, EPOCH + 4)
            assert [m.received_ns for m in stretch] == [EPOCH + 2, EPOCH + 3]
            assert not any('-wal' in note for note in reader.notes)
    # As a copy that took the one file beside it and left the other.
    (tmp_path / 'old' / 'old.db3-shm').touch()
    with BagReader(tmp_path / 'old') as reader:
        assert any('no old.db3-wal' in note for note in reader.notes)


@pytest.mark.parametrize('plugin', [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
def test_what_a_file_holds_of_metadata_is_read_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugin: StoragePlugin
) -> None:
    """It takes longer than to open the file."""
    read = Mock(wraps=storage_module.read_custom_data)
    monkeypatch.setattr(storage_module, 'read_custom_data', read)
    with Writer(tmp_path / 'bag', version=9, storage_plugin=plugin) as writer:
        writer.set_custom_data('subject', '5')
        connection = writer.add_connection('/imu', IMU_TYPE, typestore=TYPESTORE)
        writer.write(connection, EPOCH, imu_bytes(EPOCH))
    with BagReader(tmp_path / 'bag') as reader:
        assert reader.subject == '5'
    assert read.call_count == 0
    (held,) = [each for each in (tmp_path / 'bag').iterdir() if each.suffix != '.yaml']
    with BagReader(shutil.copy(held, tmp_path / held.name)) as reader:
        assert reader.subject == '5'
    assert read.call_count == 1


@pytest.mark.parametrize('odd', ['c: !!bool x', 'c: !!int ""', 'c: "\\UFFFFFFFF"', '{'])
def test_odd_metadata_within_a_file_is_none(odd: str) -> None:
    assert storage_module.read_custom_data(odd) is None


def test_what_we_read_is_what_a_stock_reader_reads(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', segments=[Segment(EPOCH, EPOCH + SECOND, 'wave')])
    with BagReader(bag) as ours, AnyReader([bag]) as stock:
        expected = [(c.topic, c.msgtype, time, data) for c, time, data in stock.messages()]
        assert [(m.topic, m.msgtype, m.received_ns, m.data) for m in ours.messages()] == expected


def test_of_several_types_on_a_topic_that_of_most_messages_counts(tmp_path: Path) -> None:
    bag = tmp_path / 'bag'
    bag.mkdir()
    for number, count in enumerate((0, 2, 2, 2)):
        with BagWriter(tmp_path / f'bag_{number}') as writer:
            for index in range(count):
                time_ns = EPOCH + number * SECOND + index
                writer.write('/imu', IMU_TYPE, time_ns, imu_bytes(time_ns))
            # The first program on the topic was another one.
            for index in range(0 if count else 3):
                writer.write_message('/imu', string_message('hello'), EPOCH + index)
        shutil.copy(storage_of(tmp_path / f'bag_{number}'), bag)
    with BagReader(bag) as reader:
        assert (reader.topics['/imu'].msgtype, reader.topics['/imu'].count) == (IMU_TYPE, 9)
        (sensor,) = reader.sensors
        assert sensor.modality == 'imu'
        (note,) = reader.notes
        assert note.endswith(f'those of {IMU_TYPE} can be used')

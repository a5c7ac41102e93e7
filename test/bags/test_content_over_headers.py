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

"""What a recording holds counts, not what is declared of it; where they differ, both are told."""

from collections.abc import Callable
from pathlib import Path
import re
import shutil
import sqlite3
import struct

from backports import zstd
import pytest
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from test.bags.recordings import IMU_TYPE, storage_of, write_imu_bag
from test.bags.storage_files import (
    channel,
    McapParts,
    message,
    record,
    schema,
    text,
    write_killed,
    write_sqlite3,
)
from test.bags.test_ros1 import NOETIC, ros1_imu
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.label_writing import own_label_file
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.opening import storage_files
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data.recording import read_facts
from xmodal_ros.data.scan import scan
from xmodal_ros.errors import BagError
from xmodal_ros.progress import NullReporter

_NONE = QosTime(0, 0)
VOLATILE = Qos(
    QosHistory.KEEP_LAST,
    10,
    QosReliability.RELIABLE,
    QosDurability.VOLATILE,
    _NONE,
    _NONE,
    QosLiveliness.AUTOMATIC,
    _NONE,
    avoid_ros_namespace_conventions=False,
)


def times_of(path: Path) -> list[int]:
    with BagReader(path) as reader:
        return [each.received_ns for each in reader.messages()]


def notes_on(path: Path) -> str:
    with BagReader(path) as reader:
        assert set(reader.notes) <= set(inspect_bag(reader).warnings)
        return '\n'.join(reader.notes)


def write_bag(path: Path, plugin: StoragePlugin, mode: CompressionMode | None = None) -> Path:
    writer = Writer(path, version=9, storage_plugin=plugin)
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        imu = writer.add_connection(
            '/imu', IMU_TYPE, typestore=TYPESTORE, offered_qos_profiles=[VOLATILE]
        )
        for index in range(100):
            time_ns = EPOCH + index * SECOND // 10
            writer.write(imu, time_ns, imu_bytes(time_ns))
    return path


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize(
    ('pattern', 'instead', 'told'),
    [
        (r'(duration:\n    nanoseconds: )\d+', r'\g<1>5000000000', 'lasts 5.000 s, they last 9.9'),
        (r'(since_epoch: )\d+', r'\g<1>1', r'earlier than they do'),
        (r'durability: \w+', 'durability: transient_local', 'durability transient_local of /imu'),
        (r'reliability: \w+', 'reliability: best_effort', 'best_effort of /imu, they say rel'),
        (r'(message_count: )\d+', r'\g<1>7', '7 messages on /imu, they hold 100'),
        (r'type: sensor_msgs/msg/Imu', 'type: std_msgs/msg/String', 'type std_msgs/msg/String of'),
        (r'serialization_format: cdr', 'serialization_format: json', 'encoding json of /imu'),
        (r'name: /imu', 'name: /other', '100 messages on /other, they hold 0'),
    ],
)  # fmt: skip
def test_the_files_count_and_metadata_that_differs_is_told(
    tmp_path: Path, plugin: StoragePlugin, pattern: str, instead: str, told: str
) -> None:
    bag = write_bag(tmp_path / 'bag', plugin)
    file = bag / 'metadata.yaml'
    before = file.read_text()
    file.write_text(re.sub(pattern, instead, before))
    assert file.read_text() != before
    with BagReader(bag) as reader:
        assert (reader.start_ns, reader.end_ns) == (EPOCH, EPOCH + 9_900_000_000)
        assert reader.topics['/imu'].msgtype == IMU_TYPE
        assert not reader.topics['/imu'].latched
        assert sum(1 for _ in reader.messages(['/imu'])) == reader.topics['/imu'].count == 100
    assert told in notes_on(bag)
    assert any(told in note for note in read_facts(bag, lambda _: ['imu']).notes)


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_whose_metadata_is_right_has_no_notes(tmp_path: Path, plugin: StoragePlugin) -> None:
    assert notes_on(write_bag(tmp_path / 'bag', plugin)) == ''


def test_a_file_that_metadata_does_not_name_is_told_and_left_out(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    shutil.copy(storage_of(bag), bag / 'bag_1.mcap')
    assert 'does not name bag_1.mcap' in notes_on(bag)
    assert len(times_of(bag)) == 100


@pytest.mark.parametrize('profile', ['', 'ros2', 'ros1', 'nonsense'])
def test_an_mcap_file_of_any_profile_is_read_by_its_channels(tmp_path: Path, profile: str) -> None:
    parts = McapParts(profile).add(schema(), channel(), message(EPOCH), message(EPOCH + 1))
    file = parts.write(tmp_path / 'a.mcap')
    assert times_of(file) == [EPOCH, EPOCH + 1]
    assert ("profile is 'ros1'" in notes_on(file)) == (profile == 'ros1')


@pytest.mark.parametrize('profile', ['ros1', '', 'ros2'])
def test_ros1_messages_in_an_mcap_file_are_converted(tmp_path: Path, profile: str) -> None:
    definition, _ = NOETIC.generate_msgdef(IMU_TYPE)
    data = bytes(NOETIC.serialize_ros1(ros1_imu(EPOCH, 0), IMU_TYPE))
    parts = McapParts(profile).add(
        schema('sensor_msgs/Imu', 'ros1msg', definition),
        channel(encoding='ros1'),
        message(EPOCH, data),
    )
    with BagReader(parts.write(tmp_path / 'a.mcap')) as reader:
        (read,) = reader.messages()
    assert read.msgtype == IMU_TYPE
    assert read.data == imu_bytes(EPOCH, (1, 2, 3), (0.1, 0.2, 0.3))


@pytest.mark.parametrize('encoding', ['json', 'protobuf', 'cbor', 'xcdr'])
def test_a_channel_of_another_encoding_is_named_and_the_rest_is_read(
    tmp_path: Path, encoding: str
) -> None:
    parts = McapParts().add(
        schema(),
        channel(),
        record(3, b'\x02\0' + text('foxglove.Grid') + text(encoding) + text(b'\xff\xfe')),
        channel('/grid', encoding, key=2, of=2),
        message(EPOCH),
        message(EPOCH + 1, b'{}', key=2),
    )
    file = parts.write(tmp_path / 'a.mcap')
    assert times_of(file) == [EPOCH]
    assert f'/grid is encoded as {encoding}: it is left out' in notes_on(file)
    with (
        BagReader(file) as reader,
        pytest.raises(BagError, match=f'/grid is encoded as {encoding}'),
    ):
        reader.messages(['/grid'])
    with (
        BagReader(file) as reader,
        pytest.raises(BagError, match=f'/grid is encoded as {encoding}'),
    ):
        reader.sensor('/grid')


TIMES = [EPOCH + step for step in (5, 1, 4, 2, 3)]


@pytest.mark.parametrize('kind', ['', 'lz4'])
@pytest.mark.parametrize(
    'make',
    [
        lambda kind: McapParts().add_chunk(TIMES, schema() + channel(), kind=kind),
        lambda kind: McapParts(stated=5).add_chunk(TIMES, schema() + channel(), kind=kind),
        lambda kind: McapParts(stated=5).add_chunk(
            TIMES, schema() + channel(), kind=kind, indexed=False
        ),
        lambda kind: (
            McapParts(stated=5)
            .add_chunk(TIMES[:3], schema() + channel(), kind=kind)
            .add_chunk(TIMES[3:], kind=kind)
        ),
        # A message that is in no chunk, and a chunk without any.
        lambda kind: (
            McapParts(stated=5)
            .add_chunk([], schema() + channel(), kind=kind)
            .add_chunk(TIMES[:4], kind=kind)
            .add(message(TIMES[4]))
        ),
        lambda _kind: McapParts().add(schema(), channel(), *map(message, TIMES)),
    ],
)  # fmt: skip
@pytest.mark.parametrize('definitions', [b'', schema() + channel()])
def test_every_message_of_an_mcap_file_is_found_whatever_its_summary_holds(
    tmp_path: Path, make: Callable[[str], McapParts], kind: str, definitions: bytes
) -> None:
    file = make(kind).write(tmp_path / 'a.mcap', definitions)
    assert times_of(file) == sorted(TIMES)
    with BagReader(file) as reader:
        assert (reader.start_ns, reader.end_ns) == (min(TIMES), max(TIMES))
        assert reader.topics['/imu'].count == 5
        assert [m.received_ns for m in reader.messages(None, EPOCH + 2, EPOCH + 4)] == [
            EPOCH + 2,
            EPOCH + 3,
        ]


def test_statistics_that_are_wrong_are_told(tmp_path: Path) -> None:
    parts = McapParts(stated=9).add_chunk(TIMES, schema() + channel())
    file = parts.write(tmp_path / 'a.mcap', schema() + channel())
    assert 'its statistics say 9 messages, it holds 5' in notes_on(file)
    assert times_of(file) == sorted(TIMES)


def test_what_a_killed_recorder_left_beside_its_file_is_read_and_told(tmp_path: Path) -> None:
    settings = {'journal_mode': 'WAL', 'wal_autocheckpoint': '0'}
    file = write_killed(tmp_path / 'a.db3', settings, before=50, after=200)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert len(before) == 3
    assert times_of(file) == [EPOCH + index for index in range(250)]
    assert '200 of the 250 messages of a.db3 are in a.db3-wal' in notes_on(file)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_what_a_killed_recorder_had_not_committed_is_undone(tmp_path: Path) -> None:
    settings = {'journal_mode': 'DELETE'}
    file = write_killed(tmp_path / 'a.db3', settings, before=50, after=2000)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert 'a.db3-journal' in before
    assert len(times_of(file)) == 50
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_wal_that_was_not_copied_along_is_told(tmp_path: Path) -> None:
    file = write_killed(tmp_path / 'a.db3', {'journal_mode': 'WAL'}, before=50, after=20)
    (tmp_path / 'a.db3-wal').unlink()
    assert len(times_of(file)) == 50
    assert 'no a.db3-wal' in notes_on(file)


@pytest.mark.parametrize('name', ['a#1', 'a?b', '50%', 'a%20b', 'ü', "it's", 'a&mode=rw'])
def test_an_sqlite3_bag_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert len(times_of(write_sqlite3(tmp_path / name / f'{name}.db3'))) == 10


def test_messages_of_no_topic_are_told(tmp_path: Path) -> None:
    file = write_sqlite3(tmp_path / 'a.db3')
    with sqlite3.connect(file) as connection:
        connection.execute('UPDATE messages SET topic_id = 7 WHERE id > 8')
    connection.close()
    assert len(times_of(file)) == 8
    assert '2 messages are of topics that its table topics does not name' in notes_on(file)


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('keep_metadata', [True, False])
def test_messages_compressed_one_by_one_are_read(
    tmp_path: Path, plugin: StoragePlugin, *, keep_metadata: bool
) -> None:
    bag = write_bag(tmp_path / 'bag', plugin, CompressionMode.MESSAGE)
    if not keep_metadata:
        (bag / 'metadata.yaml').unlink()
    with BagReader(bag) as reader:
        assert next(reader.messages()).data == imu_bytes(EPOCH)


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('metadata', ['kept', 'lost'])
@pytest.mark.parametrize('unpacked', ['no', 'beside', 'instead'])
def test_a_bag_compressed_as_files_is_read(
    tmp_path: Path, plugin: StoragePlugin, metadata: str, unpacked: str
) -> None:
    bag = write_bag(tmp_path / 'bag', plugin)
    (plain,) = (file for file in bag.iterdir() if file.suffix in ('.mcap', '.db3'))
    packed = plain.with_name(f'{plain.name}.zstd')
    packed.write_bytes(zstd.compress(plain.read_bytes()))
    shutil.copy(packed, tmp_path)
    if unpacked == 'no':
        plain.unlink()
    elif unpacked == 'instead':
        packed.unlink()
    listing = bag / 'metadata.yaml'
    listing.write_text(listing.read_text().replace(plain.name, packed.name))
    if metadata == 'lost':
        listing.unlink()
    assert len(times_of(bag)) == 100
    with BagReader(tmp_path / packed.name) as reader:
        assert reader.name == plain.stem
        assert sum(1 for _ in reader.messages()) == 100


def test_a_file_of_another_kind_than_its_name_says_is_read_by_its_content(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    wrong = tmp_path / 'a.db3'
    shutil.copy(storage_of(bag), wrong)
    assert len(times_of(wrong)) == 100
    assert 'a.db3 is a .mcap file' in notes_on(wrong)


def test_messages_are_counted_by_reading_where_the_index_is_wrong(tmp_path: Path) -> None:
    parts = McapParts().add_chunk(TIMES, schema() + channel())
    file = parts.write(tmp_path / 'a.mcap', schema() + channel())
    # The length of the index of five messages, and of three.
    five, three = (struct.pack('<Q', 15 + 16 * count) for count in (5, 3))
    data = file.read_bytes()
    assert data.count(five) == 1
    file.write_bytes(data.replace(five, three))
    with BagReader(file) as reader:
        inspection = inspect_bag(reader)
    assert inspection.topics[0].count == 5
    assert any('says 3 messages, 5 were read' in warning for warning in inspection.warnings)


def test_what_lies_beside_a_file_is_part_of_what_a_recording_is(tmp_path: Path) -> None:
    settings = {'journal_mode': 'WAL', 'wal_autocheckpoint': '0'}
    file = write_killed(tmp_path / 'a.db3', settings, before=5, after=20)
    # What is kept of a recording is known by these files.
    assert storage_files(file) == (file, tmp_path / 'a.db3-wal')


def test_a_compressed_file_has_its_labels_and_clocks_beside_it(tmp_path: Path) -> None:
    plain = storage_of(write_imu_bag(tmp_path / 'bag'))
    packed = tmp_path / 'a.mcap.zstd'
    packed.write_bytes(zstd.compress(plain.read_bytes()))
    assert own_label_file(packed) == tmp_path / 'a.labels.csv'
    (tmp_path / 'a.labels.csv').write_text('start,end,label\n0,1,wave\n')
    (tmp_path / 'a.clocks.yaml').write_text('/imu_wrist: {offset_s: 1}\n')
    with BagReader(packed) as reader:
        assert [segment.label for segment in read_segments(reader)] == ['wave']
        assert '/imu_wrist' in reader.clocks


class Notes(NullReporter):
    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def write_edited(path: Path) -> Path:
    file = write_bag(path, StoragePlugin.MCAP) / 'metadata.yaml'
    file.write_text(
        file.read_text().replace('durability: volatile', 'durability: transient_local')
    )
    return path


def test_whoever_trains_on_a_recording_is_told(tmp_path: Path) -> None:
    bag = write_edited(tmp_path / 'bag')
    notes = Notes()
    scan([bag], lambda _: ['imu'], DataOptions(), notes, need_labels=False)
    assert any(f'{bag}: metadata.yaml differs' in note for note in notes.told)

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

from contextlib import suppress
from pathlib import Path
import shutil
from unittest.mock import Mock

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

from test.bags.recordings import storage_of, string_message, without_privileges, write_imu_bag
from xmodal_ros.bags import opening
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError


def read_all(path: Path) -> int:
    with BagReader(path) as reader:
        return sum(1 for _ in reader.messages())


def complaint_about(path: Path) -> str:
    with pytest.raises(BagError) as caught:
        read_all(path)
    return str(caught.value)


def write_sqlite3_bag(path: Path) -> Path:
    with Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection('/text', 'std_msgs/msg/String', typestore=TYPESTORE)
        for index in range(1000):
            data = TYPESTORE.serialize_cdr(string_message('x' * 50), 'std_msgs/msg/String')
            writer.write(connection, index, data)
    return path


def write_ros1_bag(path: Path) -> Path:
    noetic = get_typestore(Stores.ROS1_NOETIC)
    with Ros1Writer(path) as writer:
        connection = writer.add_connection('/text', 'std_msgs/msg/String', typestore=noetic)
        message = noetic.types['std_msgs/msg/String'](data='x' * 50)
        for index in range(1000):
            data = noetic.serialize_ros1(message, 'std_msgs/msg/String')
            writer.write(connection, index, data)
    return path


def truncate(file: Path, fraction: float) -> None:
    size = file.stat().st_size
    with file.open('r+b') as stream:
        stream.truncate(int(size * fraction))


def test_a_missing_bag_is_answered_with_the_bags_beside_it(tmp_path: Path) -> None:
    write_imu_bag(tmp_path / 'monday')
    complaint = complaint_about(tmp_path / 'munday')
    assert 'munday' in complaint
    assert 'does not exist' in complaint
    assert complaint.endswith(f"check the path; did you mean '{tmp_path / 'monday'}'?")
    assert 'holds monday' in complaint_about(tmp_path / 'something')


def test_a_misspelt_folder_of_recordings_is_answered_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_imu_bag(tmp_path / 'recordings' / 'monday')
    (tmp_path / 'text.bag').touch()
    (tmp_path / 'recording_notes').mkdir()
    monkeypatch.chdir(tmp_path)
    for missing in ('recordigns', 'recordigns/monday'):
        assert complaint_about(Path(missing)).endswith("did you mean 'recordings'?")


def test_far_above_what_was_typed_names_alone_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Mock(wraps=opening.is_recording)
    monkeypatch.setattr(opening, 'is_recording', looked)
    for number in range(30):
        (tmp_path / 'recordings' / f'{number}').mkdir(parents=True)
    assert complaint_about(Path('/recordigns_of_nobody')).endswith('check the path')
    assert complaint_about(tmp_path / 'something' / 'monday').endswith('check the path')
    hint = f"did you mean '{tmp_path / 'recordings'}'?"
    assert complaint_about(tmp_path / 'recordigns' / 'monday').endswith(hint)
    looked.assert_not_called()
    # Beside what was typed not all is looked into.
    complaint_about(tmp_path / 'recordigns')
    assert 1 < looked.call_count < 25


def test_a_missing_bag_in_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert 'does not exist' in complaint_about(tmp_path / 'no' / 'where')


def test_an_empty_folder_is_no_bag(tmp_path: Path) -> None:
    complaint = complaint_about(tmp_path)
    assert 'holds no recordings, neither metadata.yaml nor .mcap, .db3 or .bag files' in complaint
    assert 'make some with xmodal record, import or simulate' in complaint


def test_a_folder_of_bags_is_answered_with_their_names(tmp_path: Path) -> None:
    for name in ('a', 'b'):
        write_imu_bag(tmp_path / name)
    assert 'holds a, b: give those' in complaint_about(tmp_path)


@pytest.mark.parametrize('name', ['photo.jpg', 'bag', 'bag.mcap.zip'])
def test_a_file_of_another_kind_is_no_bag(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'whatever')
    assert 'is not a bag' in complaint_about(tmp_path / name)


@pytest.mark.parametrize('name', ['a.mcap', 'a.db3', 'a.bag'])
def test_a_file_with_a_false_suffix_is_no_bag(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('a text that is longer than any magic')
    assert "starts with the text 'a text" in complaint_about(tmp_path / name)


@pytest.mark.parametrize('name', ['a.mcap', 'a.db3', 'a.bag'])
def test_a_file_without_content_is_named_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert 'is empty (0 bytes)' in complaint_about(tmp_path / name)


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('keep_metadata', [True, False])
def test_a_bag_without_messages_is_refused(
    tmp_path: Path, plugin: StoragePlugin, *, keep_metadata: bool
) -> None:
    with Writer(tmp_path / 'bag', version=9, storage_plugin=plugin) as writer:
        writer.add_connection('/text', 'std_msgs/msg/String', typestore=TYPESTORE)
    if not keep_metadata:
        (tmp_path / 'bag' / 'metadata.yaml').unlink()
    assert 'holds no messages' in complaint_about(tmp_path / 'bag')


@pytest.mark.parametrize('fraction', [0.0001, 0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize('keep_metadata', [True, False])
def test_a_truncated_mcap_is_answered_with_the_remedy(
    tmp_path: Path, fraction: float, *, keep_metadata: bool
) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=60, rate_hz=200)
    truncate(storage_of(bag), fraction)
    if not keep_metadata:
        (bag / 'metadata.yaml').unlink()
    complaint = complaint_about(bag)
    assert 'truncated' in complaint
    assert 'bag.mcap' in complaint
    assert 'mcap recover' in complaint or 'record it again' in complaint


@pytest.mark.parametrize('fraction', [0.001, 0.1, 0.5, 0.9])
def test_a_truncated_sqlite3_bag_is_answered_with_the_remedy(
    tmp_path: Path, fraction: float
) -> None:
    bag = write_sqlite3_bag(tmp_path / 'bag')
    truncate(bag / 'bag.db3', fraction)
    complaint = complaint_about(bag)
    assert 'bag.db3' in complaint
    assert 'sqlite3' in complaint


@pytest.mark.parametrize('fraction', [0.001, 0.1, 0.5, 0.9])
def test_a_truncated_ros1_bag_is_answered_with_the_remedy(tmp_path: Path, fraction: float) -> None:
    bag = write_ros1_bag(tmp_path / 'old.bag')
    truncate(bag, fraction)
    complaint = complaint_about(bag)
    assert 'old.bag' in complaint
    assert 'rosbag reindex' in complaint or 'record it again' in complaint


def test_damage_in_the_middle_is_found_while_reading(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=60, rate_hz=200)
    content = bytearray(storage_of(bag).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    storage_of(bag).write_bytes(content)
    with BagReader(bag) as reader, pytest.raises(BagError, match='cannot be read'):
        for _ in reader.messages():
            pass


def test_a_file_that_metadata_names_but_is_gone_is_named(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    storage_of(bag).unlink()
    assert 'bag.mcap' in complaint_about(bag)


@pytest.mark.parametrize(
    'text',
    ['', ':', '[1, 2]', 'rosbag2_bagfile_information: 5', 'rosbag2_bagfile_information: {}', '\0'],
)
def test_a_broken_metadata_file_is_refused(tmp_path: Path, text: str) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    (bag / 'metadata.yaml').write_text(text)
    assert 'cannot be read' in complaint_about(bag)


def test_a_newer_bag_format_is_refused(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('version: 9', 'version: 99'))
    assert 'version 99' in complaint_about(bag)


@pytest.mark.parametrize('hidden', ['metadata.yaml', 'bag.mcap', '.'])
def test_a_bag_that_may_not_be_read_is_named(tmp_path: Path, hidden: str) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    (bag / hidden).chmod(0)
    with without_privileges(tmp_path):
        complaint = complaint_about(bag)
    (bag / hidden).chmod(0o700)
    assert str(bag) in complaint
    assert 'ermission denied' in complaint


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200), suffix=st.sampled_from(['.mcap', '.db3', '.bag']))
def test_any_bytes_give_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    magic = {'.mcap': b'\x89MCAP0\r\n', '.db3': b'SQLite format 3\0', '.bag': b'#ROSBAG V2.0\n'}
    file = tmp_path_factory.mktemp('random') / f'bag{suffix}'
    for data in (content, magic[suffix] + content, magic[suffix] + content + magic[suffix]):
        file.write_bytes(data)
        with pytest.raises(BagError):
            read_all(file)
    shutil.rmtree(file.parent)


@pytest.fixture(scope='module')
def whole_bags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp('whole')
    return {
        '.mcap': storage_of(write_imu_bag(folder / 'bag')).read_bytes(),
        '.db3': (write_sqlite3_bag(folder / 'old') / 'old.db3').read_bytes(),
        '.bag': write_ros1_bag(folder / 'older.bag').read_bytes(),
    }


@settings(max_examples=300, deadline=None)
@given(data=st.data(), suffix=st.sampled_from(['.mcap', '.db3', '.bag']))
def test_changed_bytes_give_messages_or_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory,
    whole_bags: dict[str, bytes],
    data: st.DataObject,
    suffix: str,
) -> None:
    content = bytearray(whole_bags[suffix])
    changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for position, value in data.draw(st.lists(changes, min_size=1, max_size=5)):
        content[position] = value
    file = tmp_path_factory.mktemp('changed') / f'bag{suffix}'
    file.write_bytes(content)
    # Any other exception than BagError fails this test.
    with suppress(BagError):
        assert read_all(file) >= 0
    shutil.rmtree(file.parent)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200))
def test_any_metadata_gives_messages_or_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, whole_bags: dict[str, bytes], text: str
) -> None:
    folder = tmp_path_factory.mktemp('metadata')
    (folder / 'bag.mcap').write_bytes(whole_bags['.mcap'])
    (folder / 'metadata.yaml').write_bytes(text.encode('utf-8', 'surrogatepass'))
    with suppress(BagError):
        assert read_all(folder) == 100
    assert read_all(folder / 'bag.mcap') == 100
    shutil.rmtree(folder)

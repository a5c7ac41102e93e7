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

"""Each thing that can be wrong with a recording is refused in its own words, which say what to do.

The table has an input for every place in the reading of bags that refuses one.
"""

import ast
from collections.abc import Callable, Iterator
import errno
import json
import os
from pathlib import Path
import re
import shutil
import sqlite3
from types import TracebackType
from typing import Any, NamedTuple

from backports import zstd
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from test.bags.recordings import (
    IMU_TYPE,
    storage_of,
    string_message,
    without_privileges,
    WRIST,
    write_imu_bag,
)
from test.bags.storage_files import (
    channel,
    locked,
    McapParts,
    message,
    schema,
    TABLES,
    write_killed,
    write_sqlite3,
)
from test.messages import EPOCH, imu_bytes
from test.sound_bags import info_bytes
from xmodal_ros.bags import opening
from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.sensor_type import sensor_type
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.sensor import Sensor

PACKAGE = Path(opening.__file__).parents[1]
Patch = pytest.MonkeyPatch
# What a maker gives: a recording to read, or something to call.
Made = Path | Callable[[], object]


class Refusal(NamedTuple):
    words: str
    make: Callable[[Path, Patch], Made]


def read_all(path: Path) -> None:
    """Read a recording as training does."""
    with BagReader(path) as reader:
        for sensor in reader.sensors:
            sensor_type(reader, reader.sensor(sensor.name))
            read_audio_format(reader, sensor.topic)
        for _ in reader.messages():
            pass
        read_segments(reader)


def bag(folder: Path, **options: Any) -> Path:
    return write_imu_bag(folder / 'bag', **options)


def with_file(name: str, content: str | bytes, **options: Any) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        path = bag(folder, **options)
        data = content.encode() if isinstance(content, str) else content
        (path / name).write_bytes(data)
        return path

    return make


def labels(*rows: str, head: str = 'start,end,label') -> Callable[[Path, Patch], Path]:
    return with_file('labels.csv', '\n'.join((head, *rows)) + '\n')


def metadata(change: Callable[[str], str | bytes]) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, patch: Patch) -> Path:
        text = (bag(folder) / 'metadata.yaml').read_text()
        shutil.rmtree(folder / 'bag')
        return with_file('metadata.yaml', change(text))(folder, patch)

    return make


def file(name: str, content: bytes) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def missing(folder: Path, _patch: Patch) -> Path:
    bag(folder)
    return folder / 'bog'


def leading_nowhere(folder: Path, _patch: Patch) -> Path:
    (folder / 'link.mcap').symlink_to('gone.mcap')
    return folder / 'link.mcap'


def empty_folder(folder: Path, _patch: Patch) -> Path:
    return folder


def folder_of_bags(folder: Path, _patch: Patch) -> Path:
    bag(folder)
    return folder


def folder_of_folders(folder: Path, _patch: Patch) -> Path:
    (folder / 'monday').mkdir()
    bag(folder / 'monday')
    return folder


def split_file_gone(folder: Path, patch: Patch) -> Path:
    return metadata(lambda text: text.replace('- bag.mcap', '- bag.mcap\n  - bag_1.mcap'))(
        folder, patch
    )


def only_file_gone(folder: Path, _patch: Patch) -> Path:
    path = bag(folder)
    storage_of(path).unlink()
    return path


def unreadable(name: str) -> Callable[[Path, Patch], Made]:
    def make(folder: Path, _patch: Patch) -> Made:
        return without_rights(bag(folder), name)

    return make


def without_rights(path: Path, name: str) -> Made:
    """Read a bag as somebody who may read all of it but one file."""
    for place in (path, *path.iterdir()):
        place.chmod(0o755)
    (path / name).chmod(0)

    def read() -> None:
        try:
            with without_privileges(path.parent):
                read_all(path)
        finally:
            (path / name).chmod(0o755)

    return read


def hidden_labels(name: str) -> Callable[[Path, Patch], Made]:
    return lambda folder, patch: without_rights(with_file(name, 'x')(folder, patch), name)


def failing(owner: Any, name: str, error: Exception, path: Callable[[Path, Patch], Made]) -> Any:
    """Let a function fail as disks do."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    def make(folder: Path, patch: Patch) -> Made:
        made = path(folder, patch)
        patch.setattr(owner, name, fail)
        return made

    return make


def no_io(folder: Path, patch: Patch) -> Made:
    path = bag(folder)
    iterdir = Path.iterdir

    def fail(self: Path) -> Iterator[Path]:
        if self == path:
            raise OSError(errno.EIO, 'Input/output error')
        return iterdir(self)

    patch.setattr(Path, 'iterdir', fail)
    return path


def cut(fraction: float) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        path = storage_of(bag(folder))
        path.write_bytes(path.read_bytes()[: int(fraction * path.stat().st_size)])
        return path

    return make


def broken_chunk(folder: Path, _patch: Patch) -> Path:
    path = storage_of(bag(folder, seconds=60))
    data = bytearray(path.read_bytes())
    # Behind the header, where the chunk is; behind that is an index.
    data[300:800] = bytes(500)
    path.write_bytes(data)
    return path


def packed(content: Callable[[bytes], bytes]) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        path = storage_of(bag(folder))
        whole = zstd.compress(path.read_bytes())
        (folder / 'a.mcap.zstd').write_bytes(content(whole))
        return folder / 'a.mcap.zstd'

    return make


def mcap(parts: McapParts, definitions: bytes = b'') -> Callable[[Path, Patch], Path]:
    return lambda folder, _patch: parts.write(folder / 'a.mcap', definitions)


def tables(text: str) -> Callable[[Path, Patch], Path]:
    return lambda folder, _patch: write_sqlite3(folder / 'a.db3', tables=text)


def changed(statement: str) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        path = write_sqlite3(folder / 'a.db3')
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()
        return path

    return make


def cut_sqlite3(keep: int) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        path = write_sqlite3(folder / 'a.db3', 500)
        path.write_bytes(path.read_bytes()[:keep])
        return path

    return make


def damaged_sqlite3(folder: Path, _patch: Patch) -> Path:
    path = write_sqlite3(folder / 'a.db3', 500)
    data = bytearray(path.read_bytes())
    data[5000:40_000] = b'x' * 35_000
    path.write_bytes(data)
    return path


def locked_sqlite3(folder: Path, _patch: Patch) -> Made:
    path = write_sqlite3(folder / 'a.db3')

    def read() -> None:
        with locked(path):
            read_all(path)

    return read


def killed(folder: Path, _patch: Patch) -> Path:
    settings = {'journal_mode': 'WAL', 'wal_autocheckpoint': '0'}
    return write_killed(folder / 'a.db3', settings, before=5, after=50)


def growing(folder: Path, patch: Patch) -> Path:
    path, copy = killed(folder, patch), shutil.copyfile

    def copy_and_write(source: Path, target: Path) -> None:
        copy(source, target)
        with Path(f'{path}-wal').open('ab') as stream:
            stream.write(bytes(4096))

    patch.setattr(shutil, 'copyfile', copy_and_write)
    return path


def ros1(keep: float) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        from test.bags.test_damaged_bags import write_ros1_bag

        path = write_ros1_bag(folder / 'a.bag')
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
        return path

    return make


def sensors(declared: object, topic: str = WRIST.topic) -> Callable[[Path, Patch], Path]:
    text = declared if isinstance(declared, str) else json.dumps(declared)
    return lambda folder, _patch: bag(folder, topic=topic, metadata={'sensors': text})


def row(**changes: Any) -> dict[str, Any]:
    return {'name': 'a', 'modality': 'imu', 'topic': WRIST.topic, **changes}


def asked(question: Callable[[BagReader], object]) -> Callable[[Path, Patch], Made]:
    def make(folder: Path, _patch: Patch) -> Made:
        path = bag(folder, sensors=[WRIST])

        def ask() -> None:
            with BagReader(path) as reader:
                question(reader)

        return ask

    return make


def closed(folder: Path, _patch: Patch) -> Made:
    reader = BagReader(bag(folder))
    reader.close()
    return reader.messages


def sound(*infos: bytes) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        with BagWriter(folder / 'bag') as writer:
            data = TYPESTORE.types['audio_common_msgs/msg/AudioData'](data=imu_numbers())
            writer.write_message('/audio', data, EPOCH)
            for index, info in enumerate(infos):
                writer.write('/audio_info', 'audio_common_msgs/msg/AudioInfo', EPOCH + index, info)
        return folder / 'bag'

    return make


def imu_numbers() -> Any:
    import numpy as np

    return np.zeros(100, np.uint8)


def label_topic(msgtype: str, data: bytes) -> Callable[[Path, Patch], Path]:
    def make(folder: Path, _patch: Patch) -> Path:
        with BagWriter(folder / 'bag') as writer:
            writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
            writer.write('/activity_label', msgtype, EPOCH, data)
        return folder / 'bag'

    return make


def two_robots(folder: Path, _patch: Patch) -> Path:
    with BagWriter(folder / 'bag') as writer:
        writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
        for robot in ('/a', '/b'):
            writer.write(f'{robot}/activity_label', STRING, EPOCH, said('walk'))
    return folder / 'bag'


def said(text: str) -> bytes:
    return bytes(TYPESTORE.serialize_cdr(string_message(text), 'std_msgs/msg/String'))


def elan(body: str) -> Callable[[Path, Patch], Path]:
    return with_file('labels.eaf', f'<ANNOTATION_DOCUMENT>{body}</ANNOTATION_DOCUMENT>')


TIER = '<TIER TIER_ID="{}"><ANNOTATION><ALIGNABLE_ANNOTATION {}/></ANNOTATION></TIER>'
REFERENCES = 'ANNOTATION_ID="a" TIME_SLOT_REF1="x" TIME_SLOT_REF2="y"'


def two_labels(folder: Path, patch: Patch) -> Path:
    path = with_file('labels.eaf', '')(folder, patch)
    (path / 'labels.txt').touch()
    return path


def shared_labels(folder: Path, _patch: Patch) -> Path:
    write_imu_bag(folder / 'other')
    (folder / 'labels.csv').touch()
    return bag(folder)


def clocks(text: str, **options: Any) -> Callable[[Path, Patch], Path]:
    return with_file('clocks.yaml', text, **options)


def unstamped_clock(folder: Path, _patch: Patch) -> Path:
    with BagWriter(folder / 'bag') as writer:
        writer.write_message('/text', string_message('x'), EPOCH)
    (folder / 'bag' / 'clocks.yaml').write_text('/text: {offset_s: 1}')
    return folder / 'bag'


def no_messages(folder: Path, _patch: Patch) -> Path:
    with Writer(folder / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection('/text', 'std_msgs/msg/String', typestore=TYPESTORE)
    return folder / 'bag'


def wrong_type(folder: Path, _patch: Patch) -> Path:
    with BagWriter(folder / 'bag', sensors=[Sensor('a', 'camera', '/imu', '')]) as writer:
        writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
    return folder / 'bag'


def segments(*given: Segment) -> Callable[[Path, Patch], Made]:
    def make(folder: Path, _patch: Patch) -> Made:
        def write() -> None:
            with BagWriter(folder / 'bag') as writer:
                write_segments(writer, given)

        return write

    return make


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
BROKEN = OSError(errno.EIO, os.strerror(errno.EIO))
STRING = 'std_msgs/msg/String'
NEWER_SCHEMA = 'CREATE TABLE schema(schema_version); INSERT INTO schema VALUES (5)'
ODD_SLOT = '<TIME_ORDER><TIME_SLOT TIME_VALUE="x"/></TIME_ORDER>'
HEADLESS = b'\xff\xd8' * 20

REFUSALS: dict[str, Refusal] = {
    # Where there is no recording.
    'missing': Refusal(r'does not exist: check the path; did you mean .*bag', missing),
    'broken link': Refusal("link that leads nowhere, to 'gone.mcap'", leading_nowhere),
    'empty folder': Refusal('neither metadata.yaml nor .mcap, .db3 or .bag', empty_folder),
    'folder of bags': Refusal('is no bag itself but holds bag: give those', folder_of_bags),
    'folder of folders': Refusal(
        r'holds no recordings itself, but .*monday.* do: give those', folder_of_folders
    ),
    'other file': Refusal('is not a bag: give a bag folder or a file', file('a.jpg', HEADLESS)),
    'false suffix': Refusal(
        'not a .mcap file: it starts with the bytes ff d8', file('a.mcap', HEADLESS)
    ),
    'text': Refusal(
        "not a .mcap file: it starts with the text 'hello': give", file('a.mcap', b'hello\n')
    ),
    'empty file': Refusal(r'is empty \(0 bytes\): nothing was recorded', file('a.db3', b'')),
    'short file': Refusal('truncated after 5 bytes: record', file('a.mcap', b'\x89MCAP')),
    'zeros': Refusal('begins with zeros: it was not written', file('a.db3', bytes(4096))),
    'old ros1': Refusal('older than 2.0 of ROS 1.*rosbag fix', file('a.bag', b'#ROSBAG V1.2\n')),
    'hidden file': Refusal('permission denied', unreadable('bag.mcap')),
    'hidden folder': Refusal('[Pp]ermission denied', unreadable('.')),
    'hidden metadata': Refusal('metadata.yaml. cannot be read: perm', unreadable('metadata.yaml')),
    'bad disk': Refusal('Input/output error', no_io),
    # metadata.yaml
    'empty metadata': Refusal('it is empty, as a crash leaves it: remove', metadata(lambda _: '')),
    'zero metadata': Refusal('it is empty', metadata(lambda text: '\0' * len(text))),
    'no yaml': Refusal(r'it is no YAML \(.*: remove it', metadata(lambda _: 'a: [1, ')),
    'other yaml': Refusal('it has no rosbag2_bagfile_information', metadata(lambda _: '[1]')),
    'latin metadata': Refusal('no text in UTF-8', metadata(lambda _: b'a: \xfc')),
    'half metadata': Refusal(
        'it lacks (version and )?relative_file_paths, as where it breaks off',
        metadata(lambda text: text[: text.index('  relative_file_paths')]),
    ),
    'listless': Refusal(
        'its relative_file_paths are no list',
        metadata(lambda text: text.replace('  - bag.mcap', '    bag.mcap')),
    ),
    'newer metadata': Refusal(
        'of version 10, and up to 9 can be read: name the storage files',
        metadata(lambda text: text.replace('version: 9', 'version: 10')),
    ),
    'no files': Refusal(
        'names no files, but bag.mcap lie there',
        metadata(
            lambda text: text.replace('file_paths:\n  - bag.mcap', 'file_paths: []')
        ),
    ),
    'split gone': Refusal('lacks bag_1.mcap.*give what is there: bag.mcap', split_file_gone),
    'file gone': Refusal('lacks bag.mcap, which its metadata.yaml names: copy', only_file_gone),
    'metadata on a bad disk': Refusal(
        'Input/output error',
        failing(Path, 'read_bytes', BROKEN, lambda folder, _: bag(folder)),
    ),
    # mcap
    'cut mcap': Refusal(
        r'it has no footer\): it is still being.*wait .*mcap recover .*in its place', cut(0.5)
    ),
    'broken chunk': Refusal('truncated or damaged .*mcap recover', broken_chunk),
    'broken summary': Refusal('truncated or damaged', mcap(McapParts(), b'\x04' + bytes(9))),
    'undeclared': Refusal('of channels that it does not dec', mcap(McapParts().add(message(1)))),
    'other encoding': Refusal(
        '/imu is encoded as json; only cdr',
        mcap(McapParts().add(schema(), channel(encoding='json'), message(1))),
    ),
    'odd compression': Refusal(
        "compressed as 'snappy', only zstd and lz4",
        mcap(McapParts().add_chunk([1], schema() + channel(), kind='snappy')),
    ),
    # zstd
    'cut zstd': Refusal('cannot be decompressed.*zstd -t', packed(lambda data: data[:300])),
    'no room for zstd': Refusal(
        'no room in .* to decompress it: make room, set TMPDIR',
        failing(opening, 'decompress_file', FULL, packed(lambda data: data)),
    ),
    'zstd on a bad disk': Refusal(
        'a.mcap.zstd. cannot be read: Input/output error',
        failing(opening, 'decompress_file', BROKEN, packed(lambda data: data)),
    ),
    # sqlite3
    'cut sqlite3': Refusal(r'truncated, after 8192 of \d+ bytes.*\.recover', cut_sqlite3(8192)),
    'cut early': Refusal('truncated, after 60 bytes', cut_sqlite3(60)),
    'damaged sqlite3': Refusal(r'damaged \(.*malformed\)?.*\.recover', damaged_sqlite3),
    'other data base': Refusal(
        'SQLite data base, but no bag: it has no table topics and no messages, only contacts',
        tables('CREATE TABLE contacts(name TEXT)'),
    ),
    'other tables': Refusal(
        'no column topics.serialization_format, messages.data: it is no bag',
        tables(
            'CREATE TABLE topics(id, name, type);'
            'CREATE TABLE messages(id, topic_id, timestamp)'
        ),
    ),
    'newer schema': Refusal(
        'no column messages.data: its schema is 5, newer than 4',
        tables(f'{TABLES}{NEWER_SCHEMA}'.replace('data BLOB', 'payload BLOB')),
    ),
    'odd times': Refusal(
        'the times in its table messages are no int',
        changed("UPDATE messages SET timestamp = 'noon'"),
    ),
    'no data': Refusal(
        'a message on /imu has no data, but None',
        changed('UPDATE messages SET data = NULL WHERE id = 3'),
    ),
    'locked': Refusal('locked by process .* wait until the recorder has ended', locked_sqlite3),
    'being written': Refusal('is being written: wait until', growing),
    'no room for a copy': Refusal(
        'read from a copy.*a.db3-wal, which fails: No space left.*make room',
        failing(shutil, 'copyfile', FULL, killed),
    ),
    # ROS 1
    'cut ros1': Refusal('truncated or damaged .*rosbag reindex', ros1(0.5)),
    # What a recording declares of itself.
    'no messages': Refusal('holds no messages: record it again', no_messages),
    'no list': Refusal("custom_data 'sensors' is no JSON list", sensors('{}x')),
    'odd mounting': Refusal("custom_data 'sensors'.*'a'", sensors([row(mounting_rotation=[1])])),
    'odd modality': Refusal("modality 'smell', known are", sensors([row(modality='smell')])),
    'declared elsewhere': Refusal('which holds no messages; the', sensors([row(topic='/b')])),
    'declared twice': Refusal(
        "2 topics that claim to be sensor 'a'", sensors([row(), row(topic='/other')])
    ),
    'declared otherwise': Refusal('declared as camera on topic ./imu', wrong_type),
    'no sensor': Refusal("no sensor or sensor topic 'arm'", asked(lambda r: r.sensor('arm'))),
    'no topic': Refusal("has no topic '/arm'", asked(lambda r: r.messages(['/arm']))),
    'closed': Refusal('is closed', closed),
    'no info': Refusal('does not say its rate.*record the AudioInfo', sound()),
    'two formats': Refusal(
        'says first 8000 Hz .* later 16000 Hz', sound(info_bytes(8000), info_bytes(16_000))
    ),
    'broken info': Refusal('/audio_info of bag', sound(b'\0\1\0\0')),
    # Labels
    'label type': Refusal(
        'labels on /activity_label are sensor', label_topic(IMU_TYPE, imu_bytes(EPOCH))
    ),
    'label bytes': Refusal(
        'on /activity_label is broken', label_topic(STRING, b'\0\1\0\0\xff\xff\0\0x')
    ),
    'label unknown': Refusal(
        "is 'unknown', which stands for", label_topic(STRING, said('unknown'))
    ),
    'label topics': Refusal('labels of several robots, on .*: record', two_robots),
    'two kinds': Refusal('has labels in .* keep one', two_labels),
    'labels of all': Refusal('lies beside 2 bags: rename it', shared_labels),
    'no rows': Refusal('no labels: add rows', labels()),
    'columns': Refusal('the first line must name the columns', labels(head='a,b')),
    'few values': Refusal('2 values instead of', labels('1,2')),
    'no time': Refusal("'soon' is no time", labels('soon,2,a')),
    'no label': Refusal('the label is empty', labels('0,1,')),
    'reserved': Refusal("'unknown' stands for no activity", labels('0,1,unknown')),
    'no end': Refusal('end 0 is not after start 1', labels('1,0,a')),
    'outside': Refusal('lies outside the recording', labels('0,99,a')),
    'overlapping': Refusal("'b' starts before 'a' of line 2", labels('0,1,a', '0.5,1.5,b')),
    'latin labels': Refusal('is no UTF-8', with_file('labels.csv', b'start,end,label\n0,1,\xfc')),
    'wrong mark': Refusal('begins as UTF-16, but is none', with_file('labels.csv', b'\xff\xfea')),
    'quotes': Refusal('are its quotes in pairs', labels('"0,1,a')),
    'hidden labels': Refusal('labels in .* cannot be read: Perm', hidden_labels('labels.csv')),
    'hidden track': Refusal('labels in .* cannot be read: Perm', hidden_labels('labels.txt')),
    'track': Refusal('a line of a label track is', with_file('labels.txt', '1 2 a')),
    'track point': Refusal("'a' is a point: draw it", with_file('labels.txt', '1\t1\ta')),
    'track words': Refusal("'x' is no number of sec", with_file('labels.txt', 'x\t1\ta')),
    'track infinite': Refusal("'inf' is no number of sec", with_file('labels.txt', 'inf\t1\ta')),
    'track empty': Refusal('no labels: export', with_file('labels.txt', '')),
    'track latin': Refusal('is no UTF-8', with_file('labels.txt', b'0\t1\t\xfc')),
    'no xml': Refusal('labels.eaf. cannot be read', with_file('labels.eaf', 'x')),
    'xml type': Refusal('a document type is none of EL', with_file('labels.eaf', '<!DOCTYPE a>')),
    'no tier': Refusal('no tier holds labels with times', elan('')),
    'empty tier': Refusal("tier 'activity' holds no labels", elan('<TIER TIER_ID="activity"/>')),
    'untimed': Refusal('it has no time of its own', elan(TIER.format('a', REFERENCES))),
    'odd milliseconds': Refusal(
        "TIME_VALUE 'x' is no number of milliseconds",
        elan(f'{ODD_SLOT}{TIER.format("a", REFERENCES)}'),
    ),
    'no duration': Refusal('needs a label and a duration', segments(Segment(2, 2, 'a'))),
    'overlap': Refusal('overlap', segments(Segment(1, 3, 'a'), Segment(2, 4, 'b'))),
    # Clocks
    'no clocks': Refusal('clocks in .* cannot be read', clocks('a: [')),
    'odd clocks': Refusal('write `imu_wrist', clocks('/imu_wrist: {offset_s: x}')),
    'nobody': Refusal("'arm' is no sensor or topic", clocks('arm: {offset_s: 1}')),
    'twice': Refusal(
        'is corrected twice',
        clocks('imu_wrist: {offset_s: 1}\n/imu_wrist: {offset_s: 1}', sensors=[WRIST]),
    ),
    'no stamp': Refusal('has no stamp, so the time of recording counts', unstamped_clock),
}  # fmt: skip


def refuse(refusal: Refusal, folder: Path, patch: Patch) -> BagError:
    made = refusal.make(folder, patch)
    with pytest.raises(BagError) as caught:
        read_all(made) if isinstance(made, Path) else made()
    return caught.value


def sites() -> set[tuple[str, int, int]]:
    """Give file, first and last line of all that refuses a recording while it is read."""
    found = set()
    written = {'writing.py', 'label_writing.py'}
    for path in (*(PACKAGE / 'bags').glob('*.py'), PACKAGE / 'text_file.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Raise)
                and node.exc is not None
                and 'BagError(' in ast.unparse(node.exc)
                and path.name not in written
            ):
                found.add((str(path), node.lineno, node.end_lineno or node.lineno))
    return found


def lines_of(error: BaseException | None) -> Iterator[tuple[str, int]]:
    while error is not None:
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        error = error.__context__


def test_each_cause_is_refused_in_its_own_words_and_every_refusal_is_shown(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    seen: set[tuple[str, int]] = set()
    wrong: dict[str, str] = {}
    for index, (name, refusal) in enumerate(REFUSALS.items()):
        folder = tmp_path / str(index)
        folder.mkdir()
        with monkeypatch.context() as patch:
            error = refuse(refusal, folder, patch)
        seen.update(lines_of(error))
        if not re.search(refusal.words, str(error)):
            wrong[name] = str(error)
    assert not wrong
    assert not {
        f'{Path(path).name}:{first}'
        for path, first, last in sites()
        if not any(place == path and first <= line <= last for place, line in seen)
    }

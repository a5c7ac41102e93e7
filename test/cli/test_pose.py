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

"""``xmodal pose`` writes recordings anew with skeletons; the nets are stand-ins that find dots."""

from dataclasses import replace
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags import rosbag1, rosbag2
from rosbags.typesys import get_typestore, Stores
from typer.testing import CliRunner

from test.bags.storage_files import channel, McapParts, message, record, text
from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.pose.stand_ins import make_estimator, picture_of
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli import pose_run
from xmodal_ros.cli.main import app
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.pose.messages import skeleton_message

EMPTY = np.full((60, 80, 3), 90, np.uint8)
SEGMENTS = (Segment(EPOCH, EPOCH + SECOND, 'wave'),)
EYE, WRIST = Sensor('eye', 'camera', '/eye'), Sensor('wrist', 'imu', '/imu')


def somebody(step: int) -> Any:
    return picture_of(60, 80, (40, 30), (40 + 2 * step, 10), size=3)


PICTURES = [somebody(0), somebody(1), EMPTY, somebody(2), somebody(3)]
# The last one is cut off.
SHOWN = [image_bytes(EPOCH + n * SECOND // 10 + 5, p, 'rgb8') for n, p in enumerate(PICTURES)]
MESSAGES = [*SHOWN, SHOWN[0][:500]]


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_run, 'load_estimator', lambda _weights: make_estimator()[0])


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    metadata = {'room': 'kitchen', 'importer': 'of another bag'}
    with BagWriter(
        tmp_path / 'session_2', sensors=[EYE, WRIST], subject='anna', metadata=metadata
    ) as writer:
        write_segments(writer, SEGMENTS)
        for number, data in enumerate(MESSAGES):
            at = EPOCH + number * SECOND // 10
            writer.write('/eye', IMAGE_TYPE, at + 9, data)
            writer.write('/imu', IMU_TYPE, at, imu_bytes(at, (0, 0, 9.81), (0, 0, 0)))
    return tmp_path / 'session_2'


def invoke(*words: object) -> Any:
    return CliRunner().invoke(app, ['pose', *map(str, words), '--weights', 'any'])


def messages(bag: Path, topic: str) -> list[tuple[int, bytes]]:
    with BagReader(bag) as reader:
        return [(each.received_ns, each.data) for each in reader.messages([topic])]


def test_skeletons_are_those_of_the_estimator_and_all_else_comes_along(
    bag: Path, tmp_path: Path
) -> None:
    out, told = tmp_path / 'out', tmp_path / 'told.json'
    before = sorted((each, each.read_bytes()) for each in bag.iterdir())
    result = invoke(bag, out, '--json', told)
    assert result.exit_code == 0, (result.stderr, result.exception)
    estimator, _, _ = make_estimator()
    expected = [
        (EPOCH + n * SECOND // 10 + 9, message)
        for n, data in enumerate(SHOWN)
        if (message := skeleton_message(estimator, IMAGE_TYPE, data)) is not None
    ]
    assert messages(out, '/skeleton') == expected
    assert len(expected) == 4
    for topic in ('/eye', '/imu', '/activity_label'):
        assert messages(out, topic) == messages(bag, topic)
    with BagReader(out) as reader:
        assert reader.sensors == (EYE, WRIST, Sensor('skeleton', 'skeleton', '/skeleton'))
        assert (reader.subject, reader.session) == ('anna', 'session_2')
        assert reader.metadata['room'] == 'kitchen'
        assert 'importer' not in reader.metadata
        assert read_segments(reader) == SEGMENTS
    assert sorted((each, each.read_bytes()) for each in bag.iterdir()) == before
    found = json.loads(told.read_text())
    counts = {key: found[key] for key in ('pictures', 'skeletons', 'nobody', 'refused')}
    assert counts == {'pictures': 6, 'skeletons': 4, 'nobody': 1, 'refused': {'truncated': 1}}
    assert '4 skeletons on /skeleton, of 6 pictures; nobody in 1' in result.stderr
    assert '1 pictures cannot be used' in result.stderr


def test_labels_of_a_file_win_and_become_messages(bag: Path, tmp_path: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n0.1,0.4,sit\n')
    result = invoke(bag, tmp_path / 'out')
    assert result.exit_code == 0
    assert 'left out' not in result.stderr
    with BagReader(bag) as reader, BagReader(tmp_path / 'out') as anew:
        assert [each.label for each in read_segments(reader)] == ['sit']
        assert read_segments(anew) == read_segments(reader)


def test_labels_of_a_file_do_not_make_the_recording_longer(bag: Path, tmp_path: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n0.1,0.3,sit\n0.3,1.8,wave\n1.8,1.9,sit\n')
    assert invoke(bag, tmp_path / 'out').exit_code == 0
    with BagReader(bag) as reader, BagReader(tmp_path / 'out') as anew:
        sit, wave, _ = read_segments(reader)
        assert wave.end_ns > reader.end_ns
        assert (anew.start_ns, anew.end_ns) == (reader.start_ns, reader.end_ns)
        assert read_segments(anew) == (sit, replace(wave, end_ns=reader.end_ns))


@pytest.mark.parametrize('inside', ['', 'anew', 'anew/bag'])
def test_what_lies_in_the_recording_is_refused(bag: Path, inside: str) -> None:
    before = sorted(bag.iterdir())
    for given in (bag, next(bag.glob('*.mcap'))):
        result = invoke(given, bag / inside)
        assert isinstance(result.exception, BagError)
        assert 'which stays as it is' in str(result.exception)
    assert sorted(bag.iterdir()) == before


def test_counts_are_not_written_where_the_bag_is(bag: Path, tmp_path: Path) -> None:
    result = invoke(bag, tmp_path / 'out', '--json', tmp_path / 'out')
    assert isinstance(result.exception, ConfigurationError)
    assert 'named for two results' in str(result.exception)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'topic',
    [
        '',
        '/',
        '//',
        'a b',
        '/x/',
        '~/x',
        '/2d',
        'a//b',
        '/x\n',
        'activity_label',
        '/r/activity_label',
    ],
)
def test_what_is_no_topic_for_skeletons_is_refused(bag: Path, tmp_path: Path, topic: str) -> None:
    result = invoke(bag, tmp_path / 'out', '--topic', topic)
    assert isinstance(result.exception, ConfigurationError)
    assert 'skeletons cannot be written on' in str(result.exception)
    assert not (tmp_path / 'out').exists()


def test_after_ctrl_c_nothing_is_left(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator, _, _ = make_estimator()
    seen: list[object] = []

    def stop(picture: Any) -> Any:
        seen.append(picture)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return estimator(picture)

    monkeypatch.setattr(pose_run, 'load_estimator', lambda _weights: stop)
    told = tmp_path / 'told.json'
    assert invoke(bag, tmp_path / 'folder' / 'out', '--json', told).exit_code == 130
    assert len(seen) == 3
    left = [each for each in tmp_path.rglob('*') if each.is_file() and each.parent != bag]
    assert not left
    assert not (tmp_path / 'folder' / 'out').exists()


def test_nothing_is_overwritten(bag: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    out.mkdir()
    result = invoke(bag, out)
    assert isinstance(result.exception, BagError)
    assert 'exists already and is not overwritten' in str(result.exception)
    assert not list(out.iterdir())


def test_where_nobody_is_seen_nothing_is_written(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag', sensors=[EYE]) as writer:
        writer.write('/eye', IMAGE_TYPE, EPOCH, image_bytes(EPOCH, EMPTY, 'rgb8'))
    result = invoke(tmp_path / 'bag', tmp_path / 'out')
    assert isinstance(result.exception, BagError)
    assert 'nobody is seen in any of 1 pictures on /eye' in str(result.exception)
    assert sorted(each.name for each in tmp_path.iterdir()) == ['bag']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--topic', 'imu'], "has a topic /imu or a sensor 'imu' already"),
        (['--topic', '/wrist'], "has a topic /wrist or a sensor 'wrist' already"),
        (['--camera', 'wrist'], "sensor 'wrist' of bag .* is no camera but imu"),
        (['--camera', 'ear'], "has no sensor or sensor topic 'ear'"),
    ],
)
def test_what_cannot_be_is_told(bag: Path, tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(BagError, match=said):
        raise invoke(bag, tmp_path / 'out', *words).exception


def test_of_several_cameras_one_is_to_be_named(tmp_path: Path) -> None:
    cameras = [EYE, Sensor('other', 'camera', '/other')]
    with BagWriter(tmp_path / 'bag', sensors=cameras) as writer:
        for topic in ('/eye', '/other'):
            writer.write(topic, IMAGE_TYPE, EPOCH, SHOWN[0])
    result = invoke(tmp_path / 'bag', tmp_path / 'out')
    assert 'has 2 cameras: name one of eye, other' in str(result.exception)
    assert invoke(tmp_path / 'bag', tmp_path / 'out', '--camera', 'other').exit_code == 0


def test_a_camera_without_pictures_is_none(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag', sensors=[EYE, Sensor('other', 'camera', '/gone')]) as writer:
        writer.write('/eye', IMAGE_TYPE, EPOCH, SHOWN[0])
    assert invoke(tmp_path / 'bag', tmp_path / 'out').exit_code == 0
    with BagWriter(tmp_path / 'blind', sensors=[EYE, WRIST]) as writer:
        writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
    assert 'has 0 cameras' in str(invoke(tmp_path / 'blind', tmp_path / 'none').exception)


RANGE, STRING, NUMBER = 'sensor_msgs/msg/Range', 'std_msgs/msg/String', 'std_msgs/msg/Int32'


def range_of(store: Any, **more: object) -> Any:
    stamp = store.types['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
    header = store.types['std_msgs/msg/Header'](stamp=stamp, frame_id='nose', **more)
    fields = {'radiation_type': 0, 'field_of_view': 1.0, 'min_range': 0.1, 'max_range': 2.0}
    return store.types[RANGE](header=header, range=1.5, **fields)


def record_otherwise_defined(folder: Path, storage: rosbag2.StoragePlugin | None) -> Path:
    """A camera beside a range sensor of which others have another definition."""
    if storage is None:
        store = get_typestore(Stores.ROS1_NOETIC)
        shown: Any = TYPESTORE.deserialize_cdr(SHOWN[0], IMAGE_TYPE)
        stamp = store.types['builtin_interfaces/msg/Time'](sec=EPOCH // SECOND, nanosec=5)
        header = store.types['std_msgs/msg/Header'](seq=1, stamp=stamp, frame_id='camera_link')
        image = store.types[IMAGE_TYPE](**{**vars(shown), 'header': header})
        with rosbag1.Writer(folder / 'bag.bag') as old:
            eye = old.add_connection('/eye', IMAGE_TYPE, typestore=store)
            nose = old.add_connection('/nose', RANGE, typestore=store)
            old.write(eye, EPOCH, bytes(store.serialize_ros1(image, IMAGE_TYPE)))
            found = range_of(store, seq=3)
            old.write(nose, EPOCH, bytes(store.serialize_ros1(found, RANGE)))
        return folder / 'bag.bag'
    store = get_typestore(Stores.ROS2_HUMBLE)
    with rosbag2.Writer(folder / 'bag', version=9, storage_plugin=storage) as writer:
        writer.write(writer.add_connection('/eye', IMAGE_TYPE, typestore=store), EPOCH, SHOWN[0])
        nose = writer.add_connection('/nose', RANGE, typestore=store)
        writer.write(nose, EPOCH, bytes(store.serialize_cdr(range_of(store), RANGE)))
    return folder / 'bag'


@pytest.mark.parametrize(
    'storage', [rosbag2.StoragePlugin.MCAP, rosbag2.StoragePlugin.SQLITE3, None]
)
def test_what_is_defined_otherwise_is_left_out(
    tmp_path: Path, storage: rosbag2.StoragePlugin | None
) -> None:
    result = invoke(record_otherwise_defined(tmp_path, storage), tmp_path / 'out')
    assert result.exit_code == 0, (result.stderr, result.exception)
    with BagReader(tmp_path / 'out') as reader:
        assert sorted(reader.topics) == ['/eye', '/skeleton']
    assert f'left out: /nose ({RANGE} is defined otherwise there' in result.stderr


def test_pictures_that_are_defined_otherwise_are_refused(tmp_path: Path) -> None:
    definition = 'std_msgs/Header header\nstring encoding\nuint8[] data\n' + '=' * 80
    definition += '\nMSG: std_msgs/Header\ntime stamp\nstring frame_id\n'
    kind = record(3, b'\x01\0' + text(IMAGE_TYPE) + text('ros2msg') + text(definition))
    parts = McapParts().add(kind, channel('/eye'), message(EPOCH, SHOWN[0]))
    result = invoke(parts.write(tmp_path / 'bag.mcap'), tmp_path / 'out')
    assert 'pictures on /eye of bag' in str(result.exception)
    assert f'{IMAGE_TYPE} is defined otherwise' in str(result.exception)


def test_other_encodings_and_types_are_left_out_by_name(tmp_path: Path) -> None:
    types = {1: IMAGE_TYPE, 2: STRING, 3: NUMBER, 4: 'my_robot_msgs/msg/Own'}
    texts = [
        TYPESTORE.generate_msgdef(name)[0] if name in TYPESTORE.fielddefs else 'int32 x\n'
        for name in types.values()
    ]
    said = [
        bytes(TYPESTORE.serialize_cdr(TYPESTORE.types[STRING](data=words), STRING))
        for words in ('one', 'two')
    ]
    number = bytes(TYPESTORE.serialize_cdr(TYPESTORE.types[NUMBER](data=7), NUMBER))
    parts = McapParts().add(
        *(
            record(3, key.to_bytes(2, 'little') + text(name) + text('ros2msg') + text(each))
            for (key, name), each in zip(types.items(), texts, strict=True)
        ),
        channel('/eye'),
        channel('/said', key=2, of=2),
        channel('/said', key=3, of=3),
        channel('/own', key=4, of=4),
        channel('/grid', 'json', key=5, of=4),
        message(EPOCH, SHOWN[0]),
        message(EPOCH + 1, said[0], key=2),
        message(EPOCH + 2, number, key=3),
        message(EPOCH + 3, said[1], key=2),
        message(EPOCH + 4, number, key=4),
        message(EPOCH + 5, b'{}', key=5),
    )
    told = tmp_path / 'told.json'
    result = invoke(parts.write(tmp_path / 'bag.mcap'), tmp_path / 'out', '--json', told)
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert messages(tmp_path / 'out', '/said') == [(EPOCH + 1, said[0]), (EPOCH + 3, said[1])]
    assert json.loads(told.read_text())['left_out'] == {
        '/grid': 'it is encoded as json',
        '/own': 'the type my_robot_msgs/msg/Own is unknown here',
        '/said': f'1 messages of other types than {STRING}',
    }
    assert '/grid (it is encoded as json)' in result.stderr


def test_a_topic_whose_first_message_is_broken_comes_along(tmp_path: Path) -> None:
    plugin = rosbag2.StoragePlugin.SQLITE3
    with rosbag2.Writer(tmp_path / 'bag', version=9, storage_plugin=plugin) as writer:
        eye = writer.add_connection('/eye', IMAGE_TYPE, typestore=TYPESTORE)
        for number, data in enumerate([SHOWN[0][:500], SHOWN[0]]):
            writer.write(eye, EPOCH + number, data)
    assert invoke(tmp_path / 'bag', tmp_path / 'out').exit_code == 0
    assert messages(tmp_path / 'out', '/eye') == messages(tmp_path / 'bag', '/eye')

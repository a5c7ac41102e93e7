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

from collections.abc import Callable, Sequence
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from test.bags.recordings import IMU_TYPE, string_message, WRIST, write_imu_bag
from test.bags.test_labels import classification
from test.messages import EPOCH, imu_bytes, SECOND
from test.paired_bags import write_paired_bag
from test.recordings import write_jumped_bag
from test.sound_bags import info_bytes, write_foxglove_bag, write_sound_bag
from xmodal_ros.bags import inspection, mcap_file
from xmodal_ros.bags.inspection import ActivityInspection, inspect_bag, Inspection, TopicInspection
from xmodal_ros.bags.labels import CLASSIFICATION_TYPE, LABEL_TOPIC
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio import decoder as audio_decoder
from xmodal_ros.modalities.contents import Sampling
from xmodal_ros.modalities.sensor import Sensor

WAVES = [
    Segment(EPOCH, EPOCH + SECOND, 'wave'),
    Segment(EPOCH + SECOND, EPOCH + 3 * SECOND, 'clap'),
    Segment(EPOCH + 5 * SECOND, EPOCH + 7 * SECOND, 'wave'),
]


def inspected(bag: Path) -> Inspection:
    with BagReader(bag) as reader:
        return inspect_bag(reader)


def topic_of(bag: Path, name: str) -> TopicInspection:
    return next(topic for topic in inspected(bag).topics if topic.name == name)


def write_messages(path: Path, messages: list[tuple[int, bytes]]) -> Path:
    with BagWriter(path) as writer:
        for received_ns, data in messages:
            writer.write('/imu', IMU_TYPE, received_ns, data)
    return path


def warnings_about(path: Path, messages: list[tuple[int, bytes]]) -> list[str]:
    warnings = inspected(write_messages(path, messages)).warnings
    return [warning for warning in warnings if 'unlabelled' not in warning]


def test_a_good_recording_is_described_without_a_warning(tmp_path: Path) -> None:
    bag = write_imu_bag(
        tmp_path / 'bag',
        seconds=10,
        rate_hz=50,
        sensors=[WRIST],
        subject='3',
        metadata={'place': 'kitchen'},
        segments=WAVES,
        plausible=True,
    )
    inspection = inspected(bag)
    assert inspection.warnings == ()
    assert (inspection.name, inspection.subject) == ('bag', '3')
    assert inspection.start_ns == EPOCH
    assert inspection.duration_s == pytest.approx(9.98)
    assert inspection.metadata['place'] == 'kitchen'
    assert inspection.sensors == (WRIST,)
    assert inspection.activities == (
        ActivityInspection('clap', 1, 2.0),
        ActivityInspection('wave', 2, 3.0),
    )
    assert inspection.labelled_s == 5.0


def test_rate_and_gap_are_of_the_stamps(tmp_path: Path) -> None:
    steps = [0, 10, 20, 30, 530, 540, 550]
    bag = write_messages(
        tmp_path / 'bag',
        # All were received at once, as after a stall of the network.
        [(EPOCH + 600_000_000, imu_bytes(EPOCH + step * 1_000_000)) for step in steps],
    )
    topic = topic_of(bag, '/imu')
    assert topic.rate_hz == pytest.approx(100)
    assert topic.largest_gap_s == pytest.approx(0.5)
    assert topic.stamped


def test_without_a_header_rate_and_gap_are_of_the_time_of_recording(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for time in (0, 250_000_000, 500_000_000):
            writer.write_message('/text', string_message('x'), EPOCH + time)
    topic = topic_of(tmp_path / 'bag', '/text')
    assert topic.rate_hz == pytest.approx(4)
    assert not topic.stamped


def test_a_single_message_has_no_rate(tmp_path: Path) -> None:
    topic = topic_of(write_messages(tmp_path / 'bag', [(EPOCH, imu_bytes(EPOCH))]), '/imu')
    assert topic.rate_hz is None
    assert topic.largest_gap_s is None


def test_messages_with_one_stamp_have_no_rate(tmp_path: Path) -> None:
    bag = write_messages(tmp_path / 'bag', [(EPOCH, imu_bytes(EPOCH))] * 3)
    assert topic_of(bag, '/imu').rate_hz is None


def test_an_unlabelled_recording_is_warned_of(tmp_path: Path) -> None:
    (warning,) = inspected(write_imu_bag(tmp_path / 'bag', plausible=True)).warnings
    assert warning.startswith('unlabelled')


def test_labels_that_cannot_be_used_are_warned_of(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', plausible=True)
    (bag / 'labels.csv').write_text('start,end,label\n2,1,wave\n')
    (warning,) = inspected(bag).warnings
    assert 'labels.csv:2: end 1 is not after start 2' in warning


def test_an_imu_without_gyro_is_warned_of(tmp_path: Path) -> None:
    data = imu_bytes(EPOCH, has_gyro=False)
    (warning,) = warnings_about(tmp_path / 'bag', [(EPOCH, data)])
    assert '/imu: 1 of 1 messages have no gyro' in warning


def test_an_imu_without_acceleration_is_warned_of(tmp_path: Path) -> None:
    data = imu_bytes(EPOCH, has_acc=False)
    (warning,) = warnings_about(tmp_path / 'bag', [(EPOCH, data)])
    assert 'no acceleration' in warning


def test_nan_is_warned_of(tmp_path: Path) -> None:
    messages = [
        (EPOCH, imu_bytes(EPOCH)),
        (EPOCH + 1, imu_bytes(EPOCH + 1, (float('nan'), 0, 0))),
    ]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert '1 of 2 messages hold NaN' in warning


def test_zero_stamps_are_warned_of(tmp_path: Path) -> None:
    messages = [(EPOCH, imu_bytes(EPOCH)), (EPOCH + SECOND, imu_bytes(0))]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert '1 of 2 messages have a zero header.stamp' in warning
    assert not topic_of(tmp_path / 'bag', '/imu').stamped


def test_broken_messages_are_warned_of(tmp_path: Path) -> None:
    messages = [(EPOCH, imu_bytes(EPOCH)[:50]), (EPOCH + 1, b'\0\1'), (EPOCH + 2, b'')]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert '3 of 3 messages cannot be decoded (truncated)' in warning


def test_stamps_that_go_back_are_warned_of(tmp_path: Path) -> None:
    step = SECOND // 100
    messages = [
        (EPOCH + i * step, imu_bytes(EPOCH + stamp * step)) for i, stamp in enumerate((5, 8, 6, 7))
    ]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert 'stamps go back in time 1 times' in warning


def test_clocks_that_are_apart_are_warned_of(tmp_path: Path) -> None:
    messages = [(EPOCH + i, imu_bytes(EPOCH + i - 90 * SECOND)) for i in range(4)]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert '90.000 s behind the time of recording' in warning


def test_stamps_that_begin_anew_are_no_clock_that_is_half_as_far_away(tmp_path: Path) -> None:
    stamps = [*range(30), *range(30)]
    messages = [
        (EPOCH + second * SECOND, imu_bytes(EPOCH + stamp * SECOND))
        for second, stamp in enumerate(stamps)
    ]
    warnings = warnings_about(tmp_path / 'bag', messages)
    assert any('stamps are 0.0 to 30.0 s behind the time of recording' in w for w in warnings)
    assert not any('15.0' in warning for warning in warnings)


def test_a_sensor_that_is_declared_but_silent_is_warned_of(tmp_path: Path) -> None:
    ghost = Sensor('camera', 'camera', '/camera/image_raw')
    bag = write_imu_bag(
        tmp_path / 'bag', seconds=9, sensors=[WRIST, ghost], segments=WAVES, plausible=True
    )
    (warning,) = inspected(bag).warnings
    assert "sensor 'camera' is declared on /camera/image_raw" in warning


def test_a_recording_without_sensors_is_warned_of(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write_message('/text', string_message('x'), EPOCH)
    assert any(
        'no topic of a sensor type' in text for text in inspected(tmp_path / 'bag').warnings
    )


def test_damage_is_an_error_not_a_warning(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=60, rate_hz=200)
    file = bag / 'bag.mcap'
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    file.write_bytes(content)
    with pytest.raises(BagError):
        inspected(bag)


@pytest.mark.parametrize('stamped', [True, False])
def test_the_format_of_audio_is_told(tmp_path: Path, stamped: bool) -> None:
    infos = (('/robot/format', SECOND, info_bytes(44_100, 2)),)
    bag = write_sound_bag(
        tmp_path / 'bag', labels=['sit'], stamped=stamped, infos=infos, rate=88_200
    )
    inspection = inspected(bag)
    assert inspection.warnings == ()
    assert inspection.audio_formats == {'/audio': '44100 Hz S16LE 2 channels'}
    assert topic_of(bag, '/audio').stamped is stamped


def test_what_a_chunk_of_sound_holds_is_decoded_once(tmp_path: Path) -> None:
    bag = write_sound_bag(tmp_path / 'bag')
    audio_decoder._decode.cache_clear()
    with BagReader(bag) as reader:
        inspect_bag(reader, full=True)
        chunks = max(topic.count for topic in reader.topics.values())
    assert audio_decoder._decode.cache_info().misses == chunks


def test_audio_whose_format_nobody_says_is_a_warning(tmp_path: Path) -> None:
    inspection = inspected(write_sound_bag(tmp_path / 'bag', labels=['sit'], infos=()))
    assert inspection.audio_formats == {}
    (warning,) = inspection.warnings
    assert 'record the AudioInfo' in warning
    assert 'as /audio_info' in warning


def test_audio_that_does_not_fit_its_format_is_a_warning(tmp_path: Path) -> None:
    infos = (('/audio_info', 0, info_bytes(channels=3)),)
    inspection = inspected(write_sound_bag(tmp_path / 'bag', labels=['sit'], infos=infos))
    (warning,) = inspection.warnings
    assert warning.startswith('/audio: 200 of 200 messages cannot be decoded (size)')


def test_audio_that_says_its_format_itself_needs_no_other_topic(tmp_path: Path) -> None:
    inspection = inspected(write_foxglove_bag(tmp_path / 'bag'))
    assert inspection.audio_formats == {'/sound': '22050 Hz'}
    (warning,) = inspection.warnings
    assert 'unlabelled' in warning
    (topic,) = inspection.topics
    assert topic.stamped
    assert topic.rate_hz == pytest.approx(50)


def test_a_recording_whose_clock_jumped_is_told_to_be_mostly_empty(tmp_path: Path) -> None:
    inspection = inspected(write_jumped_bag(tmp_path / 'bag'))
    (warning,) = [each for each in inspection.warnings if 'clock jumped' in each]
    assert warning.startswith('mostly empty: nothing was recorded for 72848')


@pytest.mark.parametrize(
    ('stamp_ns', 'words'),
    [
        (0, '/imu: 1 of 2 messages have a zero header.stamp'),
        # As the seconds of 2071 are read, which 32 bits cannot hold.
        (-SECOND, '/imu: 1 of 2 messages have a header.stamp before 1970 (or after 2038)'),
    ],
)
def test_a_stamp_that_cannot_be_is_called_what_it_is(
    tmp_path: Path, stamp_ns: int, words: str
) -> None:
    messages = [(EPOCH, imu_bytes(stamp_ns)), (EPOCH + SECOND, imu_bytes(EPOCH + SECOND))]
    (warning,) = warnings_about(tmp_path / 'bag', messages)
    assert warning.startswith(words)


@pytest.mark.parametrize(
    ('received_ns', 'stamp_ns', 'words'),
    [
        (EPOCH, EPOCH - 5 * SECOND, 'stamps are 5.000 s behind the time of recording: the clocks'),
        (EPOCH, EPOCH + 5 * SECOND, 'stamps are 5.000 s ahead of the time of recording: the clo'),
        (EPOCH, 90 * SECOND, "they count from when the driver's machine was started"),
        (90 * SECOND, 90 * SECOND, 'it was recorded in 1970 by the clock of the recorder, which'),
        (
            1 << 62,
            (1 << 62) % (1 << 31) * SECOND + SECOND,
            'it was recorded in the future, in 2116',
        ),
    ],
)
def test_clocks_that_were_not_set_are_told(
    tmp_path: Path, received_ns: int, stamp_ns: int, words: str
) -> None:
    messages = [(received_ns + i * SECOND, imu_bytes(stamp_ns + i * SECOND)) for i in range(3)]
    assert any(words in each for each in warnings_about(tmp_path / 'bag', messages))


def test_what_is_imported_may_bear_dates_before_clocks_but_none_to_come(tmp_path: Path) -> None:
    for time_ns, told in ((90 * SECOND, []), (1 << 62, ['its times lie in the future, in 2116'])):
        bag = tmp_path / str(time_ns)
        with BagWriter(bag, metadata={'importer': 'a table'}) as writer:
            for stamp in range(time_ns, time_ns + 3 * SECOND, SECOND):
                writer.write('/imu', IMU_TYPE, stamp, imu_bytes(stamp % (1 << 31)))
        dated = [each for each in inspected(bag).warnings if 'in 1970' in each or 'future' in each]
        assert [each.partition(':')[0] for each in dated] == told


def write_uncompressed(bag: Path, path: Path) -> Path:
    """Write a recording anew as rosbag2 does by default, with an index and without compression."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    with BagReader(bag) as reader, writer:
        for key, value in reader.metadata.items():
            writer.set_custom_data(key, value)
        topics = {
            topic.name: writer.add_connection(topic.name, topic.msgtype, typestore=TYPESTORE)
            for topic in reader.topics.values()
        }
        for each in reader.messages():
            writer.write(topics[each.topic], each.received_ns, each.data)
    return path


def test_of_an_indexed_recording_some_messages_say_what_all_do(tmp_path: Path) -> None:
    packed = write_imu_bag(
        tmp_path / 'packed' / 'bag',
        seconds=30,
        rate_hz=200,
        sensors=[WRIST],
        segments=WAVES,
        plausible=True,
    )
    for bag in (packed, write_uncompressed(packed, tmp_path / 'bag')):
        with BagReader(bag) as reader:
            some, every = inspect_bag(reader), inspect_bag(reader, full=True)
        assert some.sampled == {WRIST.topic: 384}
        assert every.sampled == {}
        assert replace(some, sampled={}) == every


def test_of_large_messages_none_is_kept_until_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[bool, list[int]] = {True: [], False: []}
    look = inspection._look_into_all

    def counting(notes: Any, messages: Sequence[tuple[bytes, int]]) -> None:
        counts[notes.reader is None].append(len(messages))
        look(notes, messages)

    monkeypatch.setattr(inspection, '_look_into_all', counting)
    bag = write_paired_bag(tmp_path / 'bag', 'ada')
    with BagReader(bag) as reader:
        inspect_bag(reader)
    large, small = counts[True], counts[False]
    assert len(large) > 10
    assert {*large} == {1}
    assert max(small) > 10


def test_what_lies_in_one_chunk_is_unpacked_together(tmp_path: Path, monkeypatch) -> None:
    topics = [f'/imu_{number}' for number in range(5)]
    with BagWriter(tmp_path / 'bag') as writer:
        for index in range(4000):
            stamp_ns = EPOCH + index * SECOND // 100
            for topic in topics:
                data = imu_bytes(stamp_ns, (index % 7, 0, 9.81), (0, 0, index % 5))
                writer.write(topic, IMU_TYPE, stamp_ns, data)
    unpack = Mock(wraps=mcap_file._unpack_chunk)
    monkeypatch.setattr(mcap_file, '_unpack_chunk', unpack)
    with BagReader(tmp_path / 'bag') as reader:
        chunks = len(reader._files[0]._content.chunks)  # type: ignore[attr-defined]
        some = inspect_bag(reader)
        # For their heads, and for what some of them hold.
        assert 2 < chunks < unpack.call_count <= 2 * chunks
    assert some.sampled == dict.fromkeys(topics, 384)


def test_labels_are_kept_when_what_they_lie_in_is_unpacked(tmp_path: Path, monkeypatch) -> None:
    topics = [f'/imu_{number}' for number in range(5)]
    starts = [EPOCH + number * SECOND for number in range(40)]
    with BagWriter(tmp_path / 'bag') as writer:
        for index in range(4000):
            stamp_ns = EPOCH + index * SECOND // 100
            for topic in topics:
                data = imu_bytes(stamp_ns, (index % 7, 0, 9.81), (0, 0, index % 5))
                writer.write(topic, IMU_TYPE, stamp_ns, data)
            if stamp_ns in starts:
                name = f'walk {starts.index(stamp_ns) // 2}'
                writer.write_message(LABEL_TOPIC, string_message(name), stamp_ns)
    unpack = Mock(wraps=mcap_file._unpack_chunk)
    monkeypatch.setattr(mcap_file, '_unpack_chunk', unpack)
    with BagReader(tmp_path / 'bag') as reader:
        every = list(reader.messages([LABEL_TOPIC]))
        chunks = unpack.call_count
        assert chunks > 2
        reader.outlines(keep=[LABEL_TOPIC])
        unpack.reset_mock()
        assert list(reader.messages([LABEL_TOPIC])) == every
        unpack.assert_not_called()
        # Once they are given they take no memory any more.
        assert not reader._files[0]._kept  # type: ignore[attr-defined]
        assert list(reader.messages([LABEL_TOPIC])) == every
    # Enough for what they hold, but not for what it takes to keep them.
    most = sum(len(message.data) + 22 for message in every)
    monkeypatch.setattr(mcap_file, '_MOST_KEPT', most)
    with BagReader(tmp_path / 'bag') as reader:
        reader.outlines(keep=[LABEL_TOPIC])
        unpack.reset_mock()
        # What is too much to be kept is read again.
        assert list(reader.messages([LABEL_TOPIC])) == every
        unpack.assert_called()
        assert len(inspect_bag(reader).activities) == 20


def test_chunks_are_unpacked_to_memory_that_is_used_again(tmp_path: Path, monkeypatch) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for number in range(60):
            # Chunk after chunk, each a little larger than the one before.
            writer.write_message(
                '/said', string_message('x' * (100_000 + 100 * number)), EPOCH + number
            )
    unpack, memory = mcap_file._unpack_chunk, []

    def unpacked(*given: Any) -> memoryview:
        view = unpack(*given)
        memory.append(view.obj)
        return view

    monkeypatch.setattr(mcap_file, '_unpack_chunk', unpacked)
    with BagReader(tmp_path / 'bag') as reader:
        every = [each.data for each in reader.messages()]
        outlines = reader.outlines()
        assert outlines is not None
        found = [data for _, _, data in reader.read_at([(outlines['/said'], np.arange(60))])]
    assert found == every
    assert [len(each) for each in every] == [len(every[0]) + 100 * number for number in range(60)]
    # Of each chunk for all its messages, for their heads, and for what is chosen of them.
    assert len(memory) >= 18
    assert len({id(each) for each in memory}) == 3


def test_messages_larger_than_what_is_read_at_once_are_whole(tmp_path: Path) -> None:
    texts = ['x' * size for size in (1, 4000, 4070, 4096, 9000, 1)]
    with BagWriter(tmp_path / 'a') as writer:
        for number, text in enumerate(texts):
            writer.write_message('/said', string_message(text), EPOCH + number)
    bag = write_uncompressed(tmp_path / 'a', tmp_path / 'bag')
    with BagReader(bag) as reader:
        every = [each.data for each in reader.messages()]
        outlines = reader.outlines()
        assert outlines is not None
        outline = outlines['/said']
        found = list(reader.read_at([(outline, np.arange(len(texts)))]))
    assert [data for _, _, data in found] == every


def test_messages_that_an_index_does_not_name_are_read_all_the_same(tmp_path: Path) -> None:
    bag = write_uncompressed(write_imu_bag(tmp_path / 'a', seconds=9), tmp_path / 'bag')
    with BagReader(bag) as reader:
        assert reader.outlines() is not None
    file = bag / 'bag.mcap'
    wrong = bytearray(file.read_bytes())
    with BagReader(bag) as reader:
        chunk = reader._files[0]._content.chunks[0]  # type: ignore[attr-defined]
        at = max(chunk.index_at.values()) + 15
    # The second message is named twice, the first not at all.
    wrong[at : at + 16] = wrong[at + 16 : at + 32]
    file.write_bytes(wrong)
    with BagReader(bag) as reader:
        assert reader.outlines() is None
        assert inspect_bag(reader).topics[-1].count == reader.topics[WRIST.topic].count


def test_few_channels_of_a_chunk_are_found_by_its_index(tmp_path: Path) -> None:
    packed = write_imu_bag(tmp_path / 'a', seconds=9, sensors=[WRIST], segments=WAVES)
    for bag in (packed, write_uncompressed(packed, tmp_path / 'bag')):
        with BagReader(bag) as reader:
            every = [each for each in reader.messages() if each.topic == LABEL_TOPIC]
            assert list(reader.messages([LABEL_TOPIC])) == every
            assert len(every) > 3


def test_stamps_of_labels_are_looked_at_whether_or_not_all_is_read(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for second, label in enumerate(('wave', 'clap', 'wave')):
            at_ns = EPOCH + second * SECOND
            writer.write('/imu', IMU_TYPE, at_ns, imu_bytes(at_ns))
            data = classification(at_ns - 90 * SECOND, label)
            writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, at_ns, data)
    said = '/activity_label: stamps are 90.000 s behind the time of recording'
    with BagReader(tmp_path / 'bag') as reader:
        for full in (False, True):
            warnings = inspect_bag(reader, full=full).warnings
            assert any(warning.startswith(said) for warning in warnings)


def write_long_bag(
    path: Path,
    shift_of: Callable[[int], int] = lambda _: 0,
    passes: Callable[[int], bool] = lambda _: True,
    arm: range = range(0),
    arm_bytes: int | None = None,
) -> Path:
    """Write 100 s of an IMU at 100 Hz in many chunks, and labels in the first of them.

    What ``shift_of`` gives is added to stamps, in nanoseconds. A second one, of NaN, is on for a
    while, ``arm``; so many ``arm_bytes`` of each of its messages are written.
    """
    moves = np.random.default_rng(0).normal([0, 0, 9.81, 0, 0, 0], size=(10_000, 6)).tolist()
    with BagWriter(path) as writer:
        for index in range(10_000):
            at_ns = EPOCH + index * SECOND // 100
            if passes(index):
                data = imu_bytes(at_ns + shift_of(index), moves[index][:3], moves[index][3:])
                writer.write('/imu', IMU_TYPE, at_ns, data)
                # What makes chunks of few messages.
                writer.write_message('/said', string_message(f'{index:x}' * 100), at_ns)
            if index in arm:
                data = imu_bytes(at_ns, (float('nan'), 0, 0))
                writer.write('/arm', IMU_TYPE, at_ns, data[:arm_bytes])
            if index % 250 == 0 and index <= 3000:
                name = ('wave', 'clap', '')[index // 250 % 3]
                writer.write_message(LABEL_TOPIC, string_message(name), at_ns)
    return path


def few_and_all(bag: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Inspection, Inspection]:
    """Inspect a recording by four of its chunks, and by all of it."""
    monkeypatch.setattr(inspection, '_UNPACKED', 4)
    with BagReader(bag) as reader:
        assert reader._files[0].packed > 6
        few, every = inspect_bag(reader), inspect_bag(reader, full=True)
    assert few.stamps_sampled.keys() == {'/imu'}
    assert 1000 < few.stamps_sampled['/imu'] < 7000
    assert every.stamps_sampled == {}
    return few, every


def test_of_many_compressed_chunks_some_tell_the_stamps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, every = few_and_all(write_long_bag(tmp_path / 'bag'), monkeypatch)
    assert few.warnings == every.warnings == ()
    assert few.topics == every.topics
    assert (few.activities, few.labelled_s) == (every.activities, every.labelled_s)
    assert few.sampled == {'/imu': 384}
    assert few.duration_s == every.duration_s


@pytest.mark.parametrize(
    ('shift_s', 'words'),
    [(-60, 'stamps go back in time 1 times'), (60, 'stamps jump ahead 1 times')],
)
# One lies in a chunk that is unpacked, the other between two.
@pytest.mark.parametrize('second', [2, 18])
def test_a_clock_that_was_set_is_noticed_wherever_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift_s: int, words: str, second: int
) -> None:
    bag = write_long_bag(
        tmp_path / 'bag', lambda index: shift_s * SECOND if index >= 100 * second else 0
    )
    few, every = few_and_all(bag, monkeypatch)
    read = few.stamps_sampled['/imu']
    assert any(w.startswith(f'/imu: {words}') for w in every.warnings)
    said = f'/imu, by {read} of its 10000 stamps: {words}'
    assert any(warning.startswith(said) for warning in few.warnings)


def test_zero_stamps_are_counted_of_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = write_long_bag(tmp_path / 'bag', lambda index: -EPOCH - index * SECOND // 100)
    few, _ = few_and_all(bag, monkeypatch)
    read = few.stamps_sampled['/imu']
    assert any(f'{read} of {read} messages looked at have' in each for each in few.warnings)


def test_a_gap_is_told_by_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between chunks that are unpacked.
    bag = write_long_bag(tmp_path / 'bag', passes=lambda index: not 1800 <= index < 1850)
    few, every = few_and_all(bag, monkeypatch)
    gaps = [topic.largest_gap_s for topic in few.topics]
    assert gaps == [topic.largest_gap_s for topic in every.topics]
    assert gaps[1] == pytest.approx(0.51)
    assert any(each.startswith('/imu: a gap of 0.51 s at 100.0 Hz') for each in every.warnings)
    (warning,) = [each for each in few.warnings if '0.51' in each]
    assert warning.startswith('/imu: nothing was recorded for 0.51 s at 100.0 Hz; --full tells')


def test_where_no_stamps_are_neighbours_the_rate_is_as_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, '_UNPACKED', 4)
    with BagWriter(tmp_path / 'bag') as writer:
        for second in range(12):
            at_ns = EPOCH + second * SECOND
            writer.write('/seen', CLASSIFICATION_TYPE, at_ns, classification(at_ns, 'cup'))
            # Fills a chunk.
            writer.write_message('/said', string_message('x' * 1_100_000), at_ns)
    found = inspected(tmp_path / 'bag')
    assert found.stamps_sampled == {'/seen': 4}
    topic = found.topics[0]
    assert (topic.rate_hz, topic.largest_gap_s, topic.stamped) == (1.0, 1.0, False)


@pytest.mark.parametrize(
    ('begin', 'end'),
    [
        # Between chunks that are unpacked.
        (2000, 2500),
        # From the end of one that is, which holds few of them.
        (1450, 1950),
    ],
)
def test_a_sensor_that_was_on_for_a_while_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: int, end: int
) -> None:
    bag = write_long_bag(tmp_path / 'bag', arm=range(begin, end))
    monkeypatch.setattr(inspection, '_UNPACKED', 4)
    with BagReader(bag) as reader:
        outlines = reader.outlines(most_packed=4)
        assert outlines is not None
        read = int(np.count_nonzero(outlines['/arm'].sizes >= 0))
        few, every = inspect_bag(reader), inspect_bag(reader, full=True)
    assert read == 0 if begin == 2000 else 0 < read < 100
    assert '/arm: 500 of 500 messages hold NaN' in '\n'.join(every.warnings)
    assert '/arm: 384 of 384 messages looked into hold NaN' in '\n'.join(few.warnings)
    assert few.sampled['/arm'] == 384
    assert 384 <= few.stamps_sampled['/arm'] <= 384 + read
    arm = next(topic for topic in few.topics if topic.name == '/arm')
    assert arm == next(topic for topic in every.topics if topic.name == '/arm')
    assert arm.stamped


def test_broken_messages_of_a_sensor_that_was_on_for_a_while_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = write_long_bag(tmp_path / 'bag', arm=range(2000, 2020), arm_bytes=10)
    monkeypatch.setattr(inspection, '_UNPACKED', 4)
    said = '/arm: 20 of 20 messages cannot be decoded (truncated)'
    assert said in '\n'.join(inspected(bag).warnings)


def test_of_a_split_recording_no_more_chunks_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'bag'
    folder.mkdir()
    for number in range(5):
        bag = write_imu_bag(
            tmp_path / f'bag_{number}',
            seconds=60,
            rate_hz=200,
            start_ns=EPOCH + number * 60 * SECOND,
        )
        (file,) = bag.glob('*.mcap')
        file.rename(folder / file.name)
    unpack = Mock(wraps=mcap_file._unpack_chunk)
    monkeypatch.setattr(mcap_file, '_unpack_chunk', unpack)
    with BagReader(folder) as reader:
        packed = [file.packed for file in reader._files]
        assert min(packed) > 2
        for most in (1, 2, 7, sum(packed) - 1):
            unpack.reset_mock()
            outlines = reader.outlines(most_packed=most)
            assert unpack.call_count == most
        assert outlines is not None
        # From the first to the last.
        outlines = reader.outlines(most_packed=2)
        assert outlines is not None
        sizes = outlines[WRIST.topic].sizes
        assert sizes[0] > 0 < sizes[-1]
        assert np.count_nonzero(np.diff(sizes < 0)) == 2
        unpack.reset_mock()
        reader.outlines(most_packed=sum(packed))
        assert unpack.call_count == sum(packed)


def test_damage_is_an_error_where_it_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = write_long_bag(tmp_path / 'bag')
    monkeypatch.setattr(inspection, '_UNPACKED', 4)
    with BagReader(bag) as reader:
        chunks = reader._files[0]._content.chunks  # type: ignore[attr-defined]
    (file,) = bag.glob('*.mcap')
    whole = file.read_bytes()
    last = len(chunks) - 1
    for number, full, refused in (
        *((0, False, True), (last, False, True), (last - 1, False, False)),
        (last - 1, True, True),
    ):
        damaged, end = bytearray(whole), min(chunks[number].index_at.values())
        damaged[end - 2000 : end] = bytes(2000)
        file.write_bytes(damaged)
        with (
            BagReader(bag) as reader,
            pytest.raises(BagError) if refused else contextlib.nullcontext(),
        ):
            inspect_bag(reader, full=full)


def test_blocks_of_neighbours_end_where_a_run_does() -> None:
    runs = np.repeat(np.arange(7), 97)
    chosen = inspection._choose(len(runs), Sampling(block=32, blocks=12), runs)
    blocks = runs[chosen].reshape(-1, 32)
    assert (blocks == blocks[:, :1]).all()
    assert len({*blocks[:, 0]}) == 7

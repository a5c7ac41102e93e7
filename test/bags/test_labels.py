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

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from test.bags.recordings import string_message, write_imu_bag
from test.messages import EPOCH, header, imu_bytes, SECOND, serialize
from test.recordings import IMU_TYPE
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.labels import (
    CLASSIFICATION_TYPE,
    LABEL_TOPIC,
    labelled_as_another,
    read_segments,
    Segment,
    write_segments,
)
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError


def classification(stamp_ns: int, *labels: str) -> bytes:
    types = TYPESTORE.types
    results = [
        types['vision_msgs/msg/ObjectHypothesis'](class_id=label, score=1.0) for label in labels
    ]
    message = types[CLASSIFICATION_TYPE](header=header(stamp_ns), results=results)
    return serialize(message, CLASSIFICATION_TYPE)


def write_labels(path: Path, labels: list[tuple[float, float, str]]) -> Path:
    """Write (time of recording, stamp, label) in seconds, amid a recording of ten seconds."""
    with BagWriter(path) as writer:
        for second in (0, 10):
            writer.write_message('/text', string_message('x'), EPOCH + second * SECOND)
        for received, stamp, label in labels:
            data = classification(EPOCH + round(stamp * SECOND) if stamp else 0, label)
            time = EPOCH + round(received * SECOND)
            writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, time, data)
    return path


def segments_of(bag: Path) -> list[tuple[float, float, str]]:
    with BagReader(bag) as reader:
        return [
            ((s.start_ns - EPOCH) / SECOND, (s.end_ns - EPOCH) / SECOND, s.label)
            for s in read_segments(reader)
        ]


@st.composite
def random_segments(draw: st.DrawFn) -> list[Segment]:
    segments: list[Segment] = []
    time = EPOCH
    for _ in range(draw(st.integers(1, 8))):
        start = time + draw(st.sampled_from([0, 1, 5 * SECOND]))
        time = start + draw(st.integers(1, 100 * SECOND))
        label = draw(st.text(st.characters(codec='utf-8', exclude_characters='\0'), min_size=1))
        label = label.strip() or 'wave'
        follows = bool(segments) and segments[-1].end_ns == start
        if follows and segments[-1].label == label:
            label += "'"
        segments.append(Segment(start, time, label))
    return segments


@settings(max_examples=50, deadline=None)
@given(segments=random_segments())
def test_segments_survive_the_way_through_a_bag(
    tmp_path_factory: pytest.TempPathFactory, segments: list[Segment]
) -> None:
    path = tmp_path_factory.mktemp('labels') / 'bag'
    with BagWriter(path) as writer:
        write_segments(writer, list(reversed(segments)))
        writer.write_message('/text', string_message('later'), segments[-1].end_ns + SECOND)
    with BagReader(path) as reader:
        assert read_segments(reader) == tuple(segments)


def test_segments_of_one_label_that_follow_each_other_stay_apart(tmp_path: Path) -> None:
    # As where each repetition, or each window, was labelled on its own.
    rows = [(0, 5, 'wave'), (5, 10, 'wave'), (10, 15, 'clap')]
    with BagWriter(tmp_path / 'bag') as writer:
        segments = [Segment(EPOCH + a * SECOND, EPOCH + b * SECOND, name) for a, b, name in rows]
        write_segments(writer, segments)
    found = segments_of(tmp_path / 'bag')
    assert [(start, label) for start, _, label in found] == [(a, name) for a, _, name in rows]
    assert [end for _, end, _ in found] == pytest.approx([b for _, b, _ in rows], abs=1e-8)


def test_a_bag_without_labels_has_no_segments(tmp_path: Path) -> None:
    assert segments_of(write_imu_bag(tmp_path / 'bag')) == []


def test_a_label_lasts_until_the_next_and_an_empty_one_ends_it(tmp_path: Path) -> None:
    bag = write_labels(
        tmp_path / 'bag', [(1, 1, 'wave'), (3, 3, 'clap'), (4, 4, ''), (6, 6, 'wave'), (7, 7, ' ')]
    )
    assert segments_of(bag) == [(1, 3, 'wave'), (3, 4, 'clap'), (6, 7, 'wave')]


def write_robots(path: Path, *topics: str) -> Path:
    with BagWriter(path) as writer:
        for number, topic in enumerate(topics):
            data = classification(EPOCH, f'wave{number}')
            writer.write(topic, CLASSIFICATION_TYPE, EPOCH, data)
        writer.write_message('/text', string_message('later'), EPOCH + SECOND)
    return path


def test_labels_of_a_robot_in_a_namespace_count(tmp_path: Path) -> None:
    bag = write_robots(tmp_path / 'bag', '/fleet/robot1/activity_label', '/my_activity_label')
    assert segments_of(bag) == [(0, 1, 'wave0')]
    both = write_robots(tmp_path / 'both', '/robot1/activity_label', LABEL_TOPIC)
    assert segments_of(both) == [(0, 1, 'wave1')]


def test_labels_of_several_robots_are_not_mixed(tmp_path: Path) -> None:
    bag = write_robots(tmp_path / 'bag', '/robot1/activity_label', '/robot2/activity_label')
    with pytest.raises(BagError, match='/robot1/activity_label and /robot2/activity_label: rec'):
        segments_of(bag)


def write_imus(path: Path, *robots: str) -> Path:
    """Two robots with an IMU each, and labels of those named."""
    with BagWriter(path) as writer:
        for robot in robots:
            data = classification(EPOCH, f'wave{robot[-1]}')
            writer.write(f'{robot}/activity_label', CLASSIFICATION_TYPE, EPOCH, data)
        for robot in ('/robot1', '/robot2'):
            for second in (0, 1):
                stamp = EPOCH + second * SECOND
                writer.write(f'{robot}/imu', IMU_TYPE, stamp, imu_bytes(stamp))
    return path


def test_sensors_go_by_the_labels_of_their_own_robot(tmp_path: Path) -> None:
    bag = write_imus(tmp_path / 'bag', '/robot1', '/robot2')
    with BagReader(bag) as reader:
        for number in '12':
            found = read_segments(reader, [f'/robot{number}/imu'])
            assert [segment.label for segment in found] == [f'wave{number}']
        with pytest.raises(BagError, match='sensors of one robot alone'):
            read_segments(reader, ['/robot1/imu', '/robot2/imu'])
        with pytest.raises(BagError, match='sensors of one robot alone'):
            read_segments(reader, ['/imu'])
        assert [*labelled_as_another(reader, ['/robot1/imu', '/robot2/imu'])] == []


def test_the_innermost_namespace_around_a_sensor_counts(tmp_path: Path) -> None:
    bag = write_robots(tmp_path / 'bag', '/fleet/activity_label', '/fleet/robot1/activity_label')
    with BagReader(bag) as reader:
        topics = '/fleet/robot1/imu', '/fleet/robot2/imu', '/fleet/robot10/imu'
        found = [read_segments(reader, [topic])[0].label for topic in topics]
    assert found == ['wave1', 'wave0', 'wave0']


def test_a_sensor_that_goes_by_the_labels_of_another_robot_is_named(tmp_path: Path) -> None:
    bag = write_imus(tmp_path / 'bag', '/robot1')
    with BagReader(bag) as reader:
        topics = ['/robot1/imu', '/robot2/imu', '/wrist/data', '/imu']
        (told,) = labelled_as_another(reader, topics)
        assert 'record labels on /robot2/activity_label' in told
        assert [segment.label for segment in read_segments(reader, topics)] == ['wave1']
        assert [each for each in inspect_bag(reader).warnings if each == told]
    (bag / 'labels.csv').write_text('start,end,label\n0,1,wave\n')
    with BagReader(bag) as reader:
        assert [*labelled_as_another(reader, ['/robot2/imu'])] == []


def test_a_message_without_results_ends_a_segment(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, EPOCH, classification(EPOCH, 'wave'))
        end = EPOCH + SECOND
        writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, end, classification(end))
        writer.write_message('/text', string_message('later'), end + SECOND)
    assert segments_of(tmp_path / 'bag') == [(0, 1, 'wave')]


def test_the_last_label_lasts_as_long_as_the_recording(tmp_path: Path) -> None:
    assert segments_of(write_labels(tmp_path / 'bag', [(8, 8, 'wave')])) == [(8, 10, 'wave')]


def test_a_label_that_is_repeated_continues_its_segment(tmp_path: Path) -> None:
    bag = write_labels(tmp_path / 'bag', [(second, second, 'wave') for second in (1, 2, 3)])
    assert segments_of(bag) == [(1, 10, 'wave')]


def test_the_stamp_counts_not_the_time_of_recording(tmp_path: Path) -> None:
    bag = write_labels(tmp_path / 'bag', [(3, 1, 'wave'), (2.5, 4, 'clap')])
    assert segments_of(bag) == [(1, 4, 'wave'), (4, 11.5, 'clap')]


def test_stamps_of_another_clock_keep_the_length_of_the_last_segment(tmp_path: Path) -> None:
    bag = write_labels(tmp_path / 'bag', [(8, 1008, 'wave')])
    assert segments_of(bag) == [(1008, 1010, 'wave')]


def test_a_label_without_stamp_counts_from_its_recording(tmp_path: Path) -> None:
    bag = write_labels(tmp_path / 'bag', [(1, 0, 'wave'), (2, 0, '')])
    assert segments_of(bag) == [(1, 2, 'wave')]


def test_strings_are_labels_too(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for second, text in ((0, 'wave'), (2, ''), (3, 'clap'), (5, '')):
            writer.write_message(LABEL_TOPIC, string_message(text), EPOCH + second * SECOND)
    assert segments_of(tmp_path / 'bag') == [(0, 2, 'wave'), (3, 5, 'clap')]


def test_labels_of_another_type_are_refused(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', topic=LABEL_TOPIC)
    with BagReader(bag) as reader, pytest.raises(BagError, match='are sensor_msgs/msg/Imu'):
        read_segments(reader)


def test_the_answer_of_who_does_not_know_is_no_label(tmp_path: Path) -> None:
    bag = write_labels(tmp_path / 'bag', [(1, 0, 'wave'), (2, 0, 'unknown'), (3, 0, '')])
    with BagReader(bag) as reader, pytest.raises(BagError, match='stands for no activity'):
        read_segments(reader)


@pytest.mark.parametrize('data', [b'', b'\0\1\0\0', b'\0\1\0\0\xff\xff', b'\x07\x07' + bytes(40)])
def test_a_broken_label_is_refused_with_its_time(tmp_path: Path, data: bytes) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, 1234, data)
    with (
        BagReader(tmp_path / 'bag') as reader,
        pytest.raises(BagError, match=r'label at 1234 ns on /activity_label is broken'),
    ):
        read_segments(reader)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=100))
def test_any_bytes_as_a_label_give_segments_or_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp('labels') / 'bag'
    with BagWriter(path) as writer:
        writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, 1234, b'\0\1\0\0' + data)
        writer.write(LABEL_TOPIC, CLASSIFICATION_TYPE, 1235, classification(1235))
    with BagReader(path) as reader:
        try:
            segments = read_segments(reader)
        except BagError:
            return
        assert all(segment.end_ns > segment.start_ns for segment in segments)


@pytest.mark.parametrize(
    ('segments', 'complaint'),
    [
        ([Segment(2, 2, 'wave')], 'duration'),
        ([Segment(2, 1, 'wave')], 'duration'),
        ([Segment(1, 2, '')], 'label'),
        ([Segment(1, 5, 'wave'), Segment(3, 9, 'clap')], 'overlap'),
    ],
)
def test_impossible_segments_are_not_written(
    tmp_path: Path, segments: list[Segment], complaint: str
) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        with pytest.raises(BagError, match=complaint):
            write_segments(writer, segments)
        writer.write_message('/text', string_message('x'), 1)

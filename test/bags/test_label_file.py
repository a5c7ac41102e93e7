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

import pytest

from test.bags.recordings import storage_of, write_imu_bag
from test.messages import EPOCH, SECOND
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

# What write_imu_bag's EPOCH is on the calendar.
EPOCH_IN_WORDS = '2023-11-14T22:13:20'


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_imu_bag(tmp_path / 'bag', seconds=60, rate_hz=10)


def segments_of(bag: Path) -> list[tuple[int, int, str]]:
    with BagReader(bag) as reader:
        return [
            (segment.start_ns - EPOCH, segment.end_ns - EPOCH, segment.label)
            for segment in read_segments(reader)
        ]


def complaint_about(bag: Path) -> str:
    with BagReader(bag) as reader, pytest.raises(BagError) as caught:
        read_segments(reader)
    return str(caught.value)


@pytest.mark.parametrize(
    ('start', 'end'),
    [
        ('1', '2.5'),
        ('01.000', ' 2.5e0 '),
        ('1700000001', '1700000002.5'),
        (f'{EPOCH_IN_WORDS[:-2]}21', f'{EPOCH_IN_WORDS[:-2]}22.5'),
        (f'{EPOCH_IN_WORDS[:-2]}21Z', '2023-11-14 23:13:22.500+01:00'),
    ],
)
def test_times_are_seconds_since_the_start_or_1970_or_words(
    bag: Path, start: str, end: str
) -> None:
    (bag / 'labels.csv').write_text(f'start,end,label\n{start},{end},wave\n')
    assert segments_of(bag) == [(SECOND, 5 * SECOND // 2, 'wave')]


def test_seconds_since_1970_are_exact_to_the_nanosecond(bag: Path) -> None:
    (bag / 'labels.csv').write_text(
        'start,end,label\n1700000001.123456789,1700000002.000000001,wave'
    )
    assert segments_of(bag) == [(1_123_456_789, 2_000_000_001, 'wave')]


def test_columns_may_be_in_any_order_and_rows_too(bag: Path) -> None:
    (bag / 'labels.csv').write_text(
        '\ufeffLabel, start ,end\n"clap, loud",5,6\n\nwave,1,2\n', encoding='utf-8'
    )
    assert segments_of(bag) == [
        (SECOND, 2 * SECOND, 'wave'),
        (5 * SECOND, 6 * SECOND, 'clap, loud'),
    ]


def test_segments_may_follow_each_other_without_a_gap(bag: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n1,2,wave\n2,3,wave\n')
    assert len(segments_of(bag)) == 2


def test_the_table_wins_over_labels_in_the_bag(tmp_path: Path) -> None:
    bag = write_imu_bag(
        tmp_path / 'bag', seconds=10, segments=[Segment(EPOCH, EPOCH + SECOND, 'clap')]
    )
    (bag / 'labels.csv').write_text('start,end,label\n1,2,wave\n')
    assert segments_of(bag) == [(SECOND, 2 * SECOND, 'wave')]


@pytest.mark.parametrize(
    ('text', 'line', 'complaint'),
    [
        ('', 1, 'it has nothing'),
        ('\n', 1, 'it has nothing'),
        ('start,end\n1,2\n', 1, 'must name the columns start,end,label, it has start,end'),
        ('start,end,label,who\n1,2,wave,me\n', 1, 'it has start,end,label,who'),
        ('begin,end,label\n1,2,wave\n', 1, 'it has begin,end,label'),
        ('start,end,start,label\n1,2,wave\n', 1, 'it has start,end,start,label'),
        ('1,2,wave\n', 1, 'it has 1,2,wave'),
        ('start,end,label\n1,2\n', 2, '2 values'),
        ('start,end,label\n1,2,wave,me\n', 2, '4 values'),
        ('start,end,label\n1,2, \n', 2, 'the label is empty'),
        ('start,end,label\n1,2,unknown\n', 2, 'stands for no activity'),
        ('start,end,label\n1,2,wave\nsoon,3,clap\n', 3, "'soon' is no time"),
        ('start,end,label\n1,nan,wave\n', 2, "'nan' is no time"),
        ('start,end,label\n1,inf,wave\n', 2, "'inf' is no time"),
        ('start,end,label\n,2,wave\n', 2, "'' is no time"),
        ('start,end,label\n2,1,wave\n', 2, 'end 1 is not after start 2'),
        ('start,end,label\n2,2,wave\n', 2, 'end 2 is not after start 2'),
        ('start,end,label\n1,75,wave\n', 2, '75 lies outside the recording, which lasts 59.9'),
        ('start,end,label\n-5,1,wave\n', 2, '-5 lies outside the recording'),
        ('start,end,label\n1,1e999999999,wave\n', 2, '1e999999999 lies outside the recording'),
        ('start,end,label\n2024-01-01,2024-01-02,wave\n', 2, 'lies outside the recording'),
        (
            'start,end,label\n1,3,wave\n5,6,jump\n2,4,clap\n',
            4,
            "'clap' starts before 'wave' of line 2 has ended",
        ),
    ],
)
def test_a_malformed_table_is_refused_with_file_and_line(
    bag: Path, text: str, line: int, complaint: str
) -> None:
    file = bag / 'labels.csv'
    file.write_text(text)
    assert complaint in complaint_about(bag)
    assert f'{file.resolve()}:{line}:' in complaint_about(bag)


def test_a_table_without_rows_is_refused(bag: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n\n')
    assert 'no labels' in complaint_about(bag)


@pytest.mark.parametrize(
    'content', [b'\xff\xfe\0', b'start,end,label\n\0,"', b'start,end,label\n"1']
)
def test_a_file_that_is_no_table_is_refused(bag: Path, content: bytes) -> None:
    (bag / 'labels.csv').write_bytes(content)
    assert 'labels.csv' in complaint_about(bag)


def test_a_table_may_lie_beside_a_single_bag_or_bear_its_name(bag: Path) -> None:
    beside, named = bag.parent / 'labels.csv', bag.parent / 'bag.labels.csv'
    beside.write_text('start,end,label\n1,2,beside\n')
    assert [label for _, _, label in segments_of(bag)] == ['beside']
    named.write_text('start,end,label\n1,2,named\n')
    assert [label for _, _, label in segments_of(bag)] == ['named']
    (bag / 'labels.csv').write_text('start,end,label\n1,2,inside\n')
    assert [label for _, _, label in segments_of(bag)] == ['inside']


def test_a_single_file_takes_the_table_beside_it(bag: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n1,2,wave\n')
    assert segments_of(storage_of(bag)) == [(SECOND, 2 * SECOND, 'wave')]


def test_a_table_beside_several_bags_belongs_to_none(bag: Path) -> None:
    write_imu_bag(bag.parent / 'other')
    (bag.parent / 'labels.csv').write_text('start,end,label\n1,2,wave\n')
    assert "rename it to 'bag.labels.csv'" in complaint_about(bag)


GERMAN = 'start;end;label\r\n2,5;10,25;gehen\r\n12;28;üben\r\n'


@pytest.mark.parametrize(
    'content',
    [
        GERMAN.encode(),
        GERMAN.encode('utf-8-sig'),
        GERMAN.encode('utf-16'),
        GERMAN.encode('utf-16-le'),
        GERMAN.encode('utf-16-be'),
        GERMAN.encode('utf-32'),
        ('sep=;\r\n' + GERMAN).encode(),
        GERMAN.replace(';', '\t').encode('utf-16'),
        GERMAN.replace(',', '.').replace(';', ',').replace('\r\n', ',\r\n').encode(),
        GERMAN.replace('start', 'Start').replace('\r\n', '\r').encode(),
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(bag: Path, content: bytes) -> None:
    (bag / 'labels.csv').write_bytes(content)
    assert segments_of(bag) == [
        (2_500_000_000, 10_250_000_000, 'gehen'),
        (12 * SECOND, 28 * SECOND, 'üben'),
    ]


@pytest.mark.parametrize(
    ('row', 'words'),
    [
        ('"2,5","10,25",walk', "'2,5' is no time: write 2.5 for seconds"),
        ('0:02.5,0:10.25,walk', "'0:02.5' is no time: write 2.5 for seconds"),
        ('0:01:02.5,0:10.25,walk', "'0:01:02.5' is no time: write 62.5 for seconds"),
        (
            '1700000002500,1700000010250,walk',
            'if these are milliseconds, write seconds, 1700000002.5',
        ),
        ('1700000002500000,1700000010250000,walk', 'if these are microseconds, write seconds'),
        (
            '1700000002500000000,1700000010250000000,walk',
            'if these are nanoseconds, write seconds',
        ),
        ('2500,10250,walk', 's: if these are milliseconds, write seconds, 2.5 for 2500'),
        ('2023-11-15T00:13:22,2023-11-15T00:13:30,walk', 'Write 2023-11-15T00:13:22+02:00'),
        ('2023-11-14T18:43:22,2023-11-14T18:43:30,walk', 'Write 2023-11-14T18:43:22-03:30'),
    ],
)
def test_a_time_that_is_written_otherwise_is_answered_with_what_to_write(
    bag: Path, row: str, words: str
) -> None:
    (bag / 'labels.csv').write_text(f'start,end,label\n{row}\n')
    assert words in complaint_about(bag)


def test_a_time_a_little_behind_the_end_is_no_other_unit(bag: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n2,70,walk\n')
    complaint = complaint_about(bag)
    assert '70 lies outside the recording' in complaint
    assert 'milliseconds' not in complaint


def test_times_of_day_cannot_be_labels_where_the_clock_was_not_set(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', start_ns=100 * SECOND)
    (bag / 'labels.csv').write_text('start,end,label\n2023-11-14T18:43:22,2023-11-14T18:44,a\n')
    assert 'the clock of the recorder was not set' in complaint_about(bag)


@pytest.mark.parametrize(
    ('header', 'remedy'),
    [('start,end,label,comment', 'remove comment'), ('2.5,10,walk', 'add that line')],
)
def test_a_first_line_that_is_wrong_says_how_to_mend_it(
    bag: Path, header: str, remedy: str
) -> None:
    (bag / 'labels.csv').write_text(f'{header}\n1,2,walk,x\n')
    assert remedy in complaint_about(bag)


@pytest.mark.parametrize('name', ['labels.csv', 'labels.txt'])
def test_text_of_an_old_encoding_is_named_with_line_and_remedy(bag: Path, name: str) -> None:
    (bag / name).write_bytes('start,end,label\n1,2,üben\n'.encode('cp1252'))
    complaint = complaint_about(bag)
    assert "line 2 is no UTF-8 (byte 0xfc, which is 'ü' in Windows-1252)" in complaint
    assert 'iconv -f cp1252 -t utf-8' in complaint

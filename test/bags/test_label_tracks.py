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

"""Labels from ELAN and Audacity: the same segments as a table gives, the same complaints."""

from pathlib import Path

import pytest

from test.bags.recordings import write_imu_bag
from test.messages import EPOCH, SECOND
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

WALK_SIT = (
    Segment(EPOCH + SECOND // 2, EPOCH + SECOND, 'walk'),
    Segment(EPOCH + SECOND, EPOCH + SECOND * 7 // 4, 'sit'),
)


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return write_imu_bag(tmp_path_factory.mktemp('bags') / 'bag')


def read(bag: Path, name: str, text: str) -> tuple[Segment, ...]:
    (bag / name).write_text(text)
    try:
        with BagReader(bag) as reader:
            return read_segments(reader)
    finally:
        (bag / name).unlink()


def eaf(*annotations: tuple[str, int | None, int | None], tier: str = 'activity', more: str = ''):
    slots, items = '', ''
    for number, (label, *times) in enumerate(annotations):
        for end, time in zip('ab', times, strict=True):
            value = '' if time is None else f' TIME_VALUE="{time}"'
            slots += f'<TIME_SLOT TIME_SLOT_ID="t{number}{end}"{value}/>'
        items += (
            f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" '
            f'TIME_SLOT_REF1="t{number}a" TIME_SLOT_REF2="t{number}b">'
            f'<ANNOTATION_VALUE>{label}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
        )
    return (
        f'<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>{slots}'
        f'</TIME_ORDER><TIER TIER_ID="{tier}">{items}</TIER>{more}</ANNOTATION_DOCUMENT>'
    )


def test_an_audacity_track_is_read(bag):
    text = '0.500000\t1.000000\twalk\n\\\t100\t200\n1,0\t1,75\tsit\n'
    assert read(bag, 'labels.txt', text) == WALK_SIT


def test_an_elan_file_is_read_whatever_its_only_tier_is_called(bag):
    rows = ('sit', 1000, 1750), ('walk', 500, 1000)
    assert read(bag, 'labels.eaf', eaf(*rows)) == WALK_SIT
    assert read(bag, 'labels.eaf', eaf(*rows, tier='anna')) == WALK_SIT


def test_a_table_wins_and_of_two_others_one_must_go(bag):
    (bag / 'labels.txt').write_text('0\t1\trun\n')
    assert read(bag, 'labels.csv', 'start,end,label\n0.5,1,walk\n1,1.75,sit\n') == WALK_SIT
    with pytest.raises(BagError, match=r'labels\.eaf.*labels\.txt.*keep one'):
        read(bag, 'labels.eaf', eaf(('run', 0, 1000)))
    (bag / 'labels.txt').unlink()


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        (
            'labels.txt',
            '0\t1\twalk\n0.5\t2\tsit\n',
            r"txt:2: 'sit' starts before 'walk' of line 1",
        ),
        ('labels.txt', '0\t60\twalk\n', 'txt:1: 60 lies outside the recording, which lasts 1.98'),
        ('labels.txt', '1\t1\twalk\n', "'walk' is a point: draw it as a region"),
        ('labels.txt', '0 1 walk\n', 'txt:1: .*tabs between'),
        ('labels.txt', 'a\t1\twalk\n', "'a' is no number of seconds"),
        ('labels.txt', 'nan\t1\twalk\n', "'nan' is no number of seconds"),
        ('labels.txt', '0\t1\t\n', 'the label is empty'),
        ('labels.txt', '\n', 'no labels'),
        ('labels.eaf', eaf(('walk', 0, 1000), ('sit', 500, 1500)), 'annotation a1: .* before'),
        ('labels.eaf', eaf(('walk', 0, 60_000)), '60000 ms lies outside the recording'),
        ('labels.eaf', eaf(('walk', 0, None)), 'annotation a0: it has no time of its own'),
        ('labels.eaf', eaf(('unknown', 0, 1000)), 'stands for no activity'),
        ('labels.eaf', '<ANNOTATION_DOCUMENT/>', 'no tier holds labels'),
        ('labels.eaf', eaf(tier='activity'), "tier 'activity' holds no labels"),
        ('labels.eaf', '<a', 'cannot be read'),
        ('labels.eaf', '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', 'a document type'),
        (
            'labels.eaf',
            eaf(
                ('a', 0, 1000), tier='x', more=eaf(('b', 0, 900))[21:-22].replace('activity', 'y')
            ),
            "Name one of 'x', 'y' activity",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(bag, name, text, message):
    with pytest.raises(BagError, match=message):
        read(bag, name, text)

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
from typing import Any

import numpy as np
import pytest

from test.bags.importers.small_utd_mhad import save
from xmodal_ros.bags.importers.sp_sw_har import (
    choose_subjects,
    FILE,
    import_subject,
    load_executions,
    PHONE,
    WATCH,
)
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.imu.decoder import ImuDecoder

MS = 1_000_000
NAMES = np.array(['SEATED', 'WALKING'])
# When the phone's label changes; the watch says so 40 ms later by its own clock.
CHANGE_MS, AHEAD_MS = 500, 40


def write_archive(folder: Path, **changes: Any) -> Path:
    phone = np.array([3, *range(10, 1000, 10)])
    # Several samples of one stamp, as phones give them.
    phone[7] = phone[6]
    watch = np.arange(0, 1040, 10)
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        'key': np.array([(1, 1), (1, 2), (12, 1)], np.uint8),
        'label_names': NAMES,
    }
    for device, t_ms, change in (('sp', phone, CHANGE_MS), ('sw', watch, CHANGE_MS + AHEAD_MS)):
        arrays[f'{device}_t_ms'] = np.tile(t_ms, 3).astype(np.int32)
        arrays[f'{device}_x'] = random.normal(0, 3, (3 * len(t_ms), 6)).astype(np.float16)
        arrays[f'{device}_label'] = np.tile(t_ms >= change, 3).astype(np.uint8)
        arrays[f'{device}_len'] = np.full(3, len(t_ms), np.int32)
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / FILE, **arrays | changes)
    return folder


def samples(bag: Path, topic: str) -> list[Any]:
    with BagReader(bag) as reader:
        return [ImuDecoder()(message.data) for message in reader.messages([topic])]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp('har'))


def test_each_device_is_stamped_by_its_own_clock(folder: Path, tmp_path: Path) -> None:
    executions = load_executions(folder)
    bag = import_subject(executions, 1, tmp_path)
    assert (bag.path.name, bag.clips, bag.kept) == ('sp_sw_har_s01', 4, False)
    phone, watch = samples(bag.path, PHONE.topic), samples(bag.path, WATCH.topic)
    assert (len(phone), len(watch)) == (200, 208)
    origin_ns = watch[0].stamp_ns
    assert phone[0].stamp_ns - origin_ns == 3 * MS
    assert phone[7].stamp_ns == phone[6].stamp_ns
    assert watch[1].stamp_ns - origin_ns == 10 * MS
    assert np.array_equal(phone[0].values, executions[0].phone.values[0])
    with BagReader(bag.path) as reader:
        assert (reader.subject, reader.sensors) == ('1', (PHONE, WATCH))
        assert reader.metadata['clocks'] == 'of each device'
        segments = read_segments(reader)
    assert [s.label for s in segments] == ['SEATED', 'WALKING'] * 2
    assert segments[0].start_ns == phone[0].stamp_ns
    assert segments[0].end_ns == segments[1].start_ns == origin_ns + CHANGE_MS * MS
    # The next execution comes after a gap longer than a window.
    assert segments[2].start_ns - segments[1].end_ns >= 4000 * MS


def test_the_watch_is_moved_to_the_phones_clock_by_changes_of_label(
    folder: Path, tmp_path: Path
) -> None:
    executions = load_executions(folder)
    assert executions[0].watch_ahead_ms() == AHEAD_MS
    own = import_subject(executions, 12, tmp_path / 'own').path
    one = import_subject(executions, 12, tmp_path / 'one', 'phone').path
    moved = samples(own, WATCH.topic)[0].stamp_ns - samples(one, WATCH.topic)[0].stamp_ns
    assert moved == AHEAD_MS * MS
    assert samples(own, PHONE.topic)[0].stamp_ns == samples(one, PHONE.topic)[0].stamp_ns
    with BagReader(one) as reader:
        assert reader.metadata['watch_moved_ms'] == '-40'
    # Bags made with other clocks are not taken for these.
    with pytest.raises(BagError, match='give --force'):
        import_subject(executions, 12, tmp_path / 'own', 'phone')


def test_clocks_without_a_common_change_are_left_as_they_are(tmp_path: Path) -> None:
    same = np.zeros(3 * 104, np.uint8)
    executions = load_executions(write_archive(tmp_path, sw_label=same))
    assert executions[0].watch_ahead_ms() is None
    bag = import_subject(executions, 1, tmp_path / 'bags', 'phone').path
    assert samples(bag, PHONE.topic)[0].stamp_ns - samples(bag, WATCH.topic)[0].stamp_ns == 3 * MS


def test_subjects_are_all_or_those_asked_for(folder: Path) -> None:
    executions = load_executions(folder)
    assert choose_subjects(executions, []) == (1, 12)
    with pytest.raises(BagError, match='no subject 2; it has 1, 12'):
        choose_subjects(executions, [2])


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'key': np.zeros(3)}, r'\(subject, execution\)'),
        ({'sp_len': np.array([1, 2, 3])}, "'sp' differ"),
        ({'sw_x': np.zeros((5, 6))}, "'sw' differ"),
        ({'sw_x': np.full((312, 6), np.nan)}, 'no numbers'),
        ({'sw_label': np.full(312, 2)}, "'sw' differ"),
        ({'sw_t_ms': np.tile(np.arange(104)[::-1], 3)}, 'runs backwards'),
    ],
)
def test_an_archive_of_another_layout_is_refused(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BagError, match=problem):
        load_executions(write_archive(tmp_path, **changes))


def test_a_file_that_is_missing_or_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=f'expected {FILE}'):
        load_executions(tmp_path)
    (tmp_path / FILE).write_bytes(b'PK nothing')
    with pytest.raises(BagError, match=f'{FILE}.* is no archive'):
        load_executions(tmp_path)


def test_the_real_data_set_is_imported(shared_data: Path, tmp_path: Path) -> None:
    executions = load_executions(shared_data / 'sp_sw_har')
    assert (len(executions), len(choose_subjects(executions, []))) == (223, 23)
    bag = import_subject(executions, 1, tmp_path)
    with BagReader(bag.path) as reader:
        assert {s.label for s in read_segments(reader)} == {
            *('SEATED', 'STANDING_UP', 'WALKING', 'TURNING', 'SITTING_DOWN')
        }
    lengths = np.linalg.norm([s.values[:3] for s in samples(bag.path, WATCH.topic)], axis=1)
    assert np.median(lengths) == pytest.approx(9.8, abs=0.5)

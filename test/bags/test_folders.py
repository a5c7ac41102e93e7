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

"""Recordings are found and called as they lie, whatever lies beside them, and by links too."""

from pathlib import Path
import shutil

import pytest

from test.bags.recordings import storage_of, WRIST, write_imu_bag
from test.messages import EPOCH, SECOND
from xmodal_ros.bags.clocks import clock_file, ClockCorrection, write_clocks
from xmodal_ros.bags.label_writing import own_label_file
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.opening import find_recordings, folders_passed_over
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError

TABLE = 'start,end,label\n1,2,wave\n'


def times_of(path: Path) -> list[int]:
    with BagReader(path) as reader:
        return [message.received_ns for message in reader.messages()]


def labels_of(path: Path) -> list[str]:
    with BagReader(path) as reader:
        return [segment.label for segment in read_segments(reader)]


def test_what_macos_puts_beside_files_is_no_recording(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    foreign = b'\0\x05\x16\x07' + bytes(60)
    storage = storage_of(bag)
    (bag / f'._{storage.name}').write_bytes(foreign)
    (tmp_path / '._alone.mcap').write_bytes(foreign)
    shutil.copy(storage, tmp_path / 'alone.mcap')
    with BagReader(bag) as reader:
        assert reader.notes == ()
    (bag / 'metadata.yaml').unlink()
    assert len(times_of(bag)) == 100
    assert find_recordings([tmp_path]) == (tmp_path / 'alone.mcap', bag)


def test_bags_whose_folders_are_called_as_files_are_all_found(tmp_path: Path) -> None:
    bags = tuple(write_imu_bag(tmp_path / 'bags' / f'{name}.mcap') for name in ('sit', 'walk'))
    assert find_recordings([tmp_path / 'bags']) == bags
    with pytest.raises(BagError, match=r'holds sit\.mcap, walk\.mcap: give those'):
        BagReader(tmp_path / 'bags')


def test_folders_whose_recordings_lie_deeper_are_named(tmp_path: Path) -> None:
    bags = [write_imu_bag(tmp_path / 'set' / f'sub-{n}' / 'ses-1' / 'run') for n in (1, 2)]
    with pytest.raises(BagError, match=r'sub-1/ses-1, .*sub-2/ses-1 do: give those'):
        BagReader(tmp_path / 'set')
    assert find_recordings(folders_passed_over([tmp_path / 'set'])) == tuple(bags)
    # What is found, what lies in a bag, and what is hidden is not passed over.
    assert folders_passed_over([bags[0], bags[0].parent]) == ()
    beside = write_imu_bag(tmp_path / 'set' / 'alone')
    write_imu_bag(tmp_path / 'set' / '.alone.training' / 'bag')
    assert find_recordings([tmp_path / 'set']) == (beside,)
    assert len(folders_passed_over([tmp_path / 'set'])) == 2
    # Nor is what is named as well.
    named = [tmp_path / 'set', tmp_path / 'set' / '..' / 'set' / 'sub-1' / 'ses-1']
    assert folders_passed_over(named) == (bags[1].parent,)
    assert folders_passed_over([*named, bags[1]]) == ()


def test_one_file_among_bags_does_not_stand_for_them(tmp_path: Path) -> None:
    bags = [write_imu_bag(tmp_path / 'bags' / name) for name in ('a', 'b')]
    alone = tmp_path / 'bags' / 'test.mcap'
    shutil.copy(storage_of(bags[0]), alone)
    assert find_recordings([tmp_path / 'bags']) == (*bags, alone)
    with pytest.raises(BagError, match=r'holds a, b, test\.mcap: give those'):
        BagReader(tmp_path / 'bags')


def test_a_file_that_metadata_names_twice_is_read_once(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    file = bag / 'metadata.yaml'
    name = storage_of(bag).name
    text = file.read_text()
    assert text.count(f'- {name}\n') == 1
    indent = text.partition(f'- {name}\n')[0].rpartition('\n')[2]
    file.write_text(text.replace(f'- {name}\n', f'- {name}\n{indent}- {name}\n'))
    assert len(times_of(bag)) == 100


def stored(tmp_path: Path) -> Path:
    """Put a recording into a store that names files by their content, and give a link to it."""
    store = tmp_path / 'store' / 'MD5E-s1--9a0364b9'
    store.mkdir(parents=True)
    bag = write_imu_bag(tmp_path / 'made', seconds=9)
    shutil.copy(storage_of(bag), store / f'{store.name}.mcap')
    link = tmp_path / 'data' / 'sub-05' / 'walk.mcap'
    link.parent.mkdir(parents=True)
    link.symlink_to(store / f'{store.name}.mcap')
    return link


def test_a_link_is_called_as_it_is_and_has_its_labels_and_clocks_beside_it(tmp_path: Path) -> None:
    link = stored(tmp_path)
    own_label_file(link).write_text(TABLE)
    write_clocks(link, {WRIST.topic: ClockCorrection(offset_s=1.0)})
    assert clock_file(link) == link.with_name('walk.clocks.yaml')
    assert labels_of(link) == ['wave']
    with BagReader(link) as reader:
        assert (reader.name, reader.subject) == ('walk', 'sub-05')
        assert reader.clocks[WRIST.topic].offset_ns == SECOND


def test_what_lies_where_a_link_leads_counts_where_nothing_lies_beside_the_link(
    tmp_path: Path,
) -> None:
    bag = write_imu_bag(tmp_path / 'sub-07' / 'bag', seconds=9)
    link = tmp_path / 'newest'
    link.symlink_to(bag)
    beside = bag.with_name('bag.labels.csv')
    beside.write_text(TABLE)
    write_clocks(bag, {WRIST.topic: ClockCorrection(offset_s=1.0)})
    assert labels_of(link) == ['wave']
    with BagReader(link) as reader:
        assert (reader.name, reader.subject) == ('newest', 'sub-07')
        assert reader.clocks
    tmp_path.joinpath('newest.labels.csv').write_text(TABLE.replace('wave', 'clap'))
    assert labels_of(link) == ['clap']


def test_a_link_to_what_was_not_fetched_is_told_rather_than_passed_over(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bags' / 'a')
    link = tmp_path / 'bags' / 'b.mcap'
    link.symlink_to('../objects/9a0364b9.mcap')
    assert find_recordings([tmp_path / 'bags']) == (bag, link)
    with pytest.raises(BagError, match=r"leads nowhere, to '\.\./objects/9a0364b9\.mcap': fetch"):
        BagReader(link)


def test_a_bag_has_the_same_labels_by_its_only_file(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', seconds=9, start_ns=EPOCH)
    bag.with_name('bag.labels.csv').write_text(TABLE)
    assert labels_of(bag) == labels_of(storage_of(bag)) == ['wave']


def test_a_path_leads_where_the_system_follows_it(tmp_path: Path) -> None:
    """The folder above a linked one is not the folder that the link lies in."""
    (tmp_path / 'disk' / 'sub').mkdir(parents=True)
    meant = write_imu_bag(tmp_path / 'disk' / 'walk')
    (meant / 'labels.csv').write_text(TABLE)
    other = write_imu_bag(tmp_path / 'walk')
    (other / 'labels.csv').write_text(TABLE.replace('wave', 'sit'))
    (tmp_path / 'link').symlink_to(tmp_path / 'disk' / 'sub')
    called = tmp_path / 'link' / '..' / 'walk'
    assert labels_of(called) == ['wave']
    assert clock_file(called) == meant / 'clocks.yaml'


def test_a_bag_among_files_is_found_whatever_lies_in_it(tmp_path: Path) -> None:
    storage = storage_of(write_imu_bag(tmp_path / 'made'))
    bag = tmp_path / 'bags' / 'bag'
    (bag / 'pictures' / 'more').mkdir(parents=True)
    shutil.copy(storage, bag / 'bag.mcap')
    shutil.copy(storage, tmp_path / 'bags' / 'alone.mcap')
    assert find_recordings([tmp_path / 'bags']) == (tmp_path / 'bags' / 'alone.mcap', bag)


def test_links_of_a_folder_to_itself_are_not_followed_for_ever(tmp_path: Path) -> None:
    shutil.copy(storage_of(write_imu_bag(tmp_path / 'made')), tmp_path / 'alone.mcap')
    shutil.rmtree(tmp_path / 'made')
    for name in ('again', 'and_again'):
        (tmp_path / name).symlink_to('.')
    assert tmp_path / 'alone.mcap' in find_recordings([tmp_path])


def test_a_link_bears_its_own_name_where_the_path_goes_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'store').mkdir()
    (tmp_path / 'here').mkdir()
    own = tmp_path / 'recordings' / 'subject_1'
    own.mkdir(parents=True)
    stored = tmp_path / 'store' / 'SHA256E-aa.mcap'
    shutil.copy(storage_of(write_imu_bag(tmp_path / 'made')), stored)
    (own / 'walk.mcap').symlink_to(stored)
    (own / 'walk.labels.csv').write_text(TABLE)
    monkeypatch.chdir(tmp_path / 'here')
    called = Path('..') / 'recordings' / 'subject_1' / 'walk.mcap'
    with BagReader(called) as reader, BagReader(own / 'walk.mcap') as same:
        assert (reader.name, reader.subject) == (same.name, same.subject)
        assert reader.name == 'walk'
    assert labels_of(called) == ['wave']
    assert clock_file(called) == own / 'walk.clocks.yaml'

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

"""The file is what was marked; nobody's work is overwritten unasked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import shutil
import threading
import time

import pytest

from test.bags.recordings import without_privileges, write_imu_bag
from test.messages import EPOCH, SECOND
from test.recordings import write_jumped_bag
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.bags.label_file import OTHER_NAMES, read_label_file
from xmodal_ros.bags.label_writing import label_table, own_label_file
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.session import LabelSession, RefusedError

WALK = Segment(EPOCH + 123_456_789, EPOCH + 1_500_000_001, 'walk, "fast"')
SIT = Segment(EPOCH + 1_500_000_001, EPOCH + 2 * SECOND, 'sitzen ü')


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_imu_bag(tmp_path / 'bags' / 'bag', seconds=3)


def enter(bag: Path, tab: str = 'a', now_s: float = 0.0) -> LabelSession:
    session = LabelSession(bag)
    session.enter(tab, now_s)
    return session


def test_what_is_saved_is_read_back_to_the_nanosecond(bag):
    session = enter(bag)
    state = session.save('a', 0, '', [SIT, WALK], 0)
    assert state.revision == 1
    assert not state.changed
    assert session.file == bag / 'labels.csv'
    with BagReader(bag) as reader:
        assert read_segments(reader) == (WALK, SIT)
    assert LabelSession(bag).segments == (WALK, SIT)


def test_without_labels_there_is_no_file(bag):
    session = enter(bag)
    disk = session.save('a', 0, '', [WALK], 0).disk
    session.save('a', 1, disk, [], 0)
    assert not (bag / 'labels.csv').exists()
    assert LabelSession(bag).segments == ()


@pytest.mark.parametrize(
    ('segments', 'words'),
    [
        ([WALK, Segment(EPOCH, EPOCH + SECOND, 'sit')], 'overlap'),
        ([Segment(EPOCH, EPOCH, 'sit')], 'ends before'),
        ([Segment(EPOCH, EPOCH + 9 * SECOND, 'sit')], 'outside'),
        ([Segment(EPOCH, EPOCH + 1, 'unknown')], 'no activity'),
        ([Segment(EPOCH, EPOCH + 1, ' ')], 'a word'),
        ([Segment(EPOCH, EPOCH + 1, 'a\nb')], 'printable'),
    ],
)
def test_what_no_table_may_hold_is_refused_and_the_file_stays(bag, segments, words):
    session = enter(bag)
    session.save('a', 0, '', [WALK], 0)
    before = session.file.read_bytes()
    with pytest.raises(ConfigurationError, match=words):
        session.save('a', 1, '', segments, 0)
    assert session.file.read_bytes() == before


def test_one_tab_writes_and_another_takes_over_only_when_it_asks(bag):
    session = enter(bag, 'a', 0.0)
    assert not session.enter('b', 1.0).editor
    with pytest.raises(RefusedError) as refused:
        session.save('b', 0, '', [WALK], 1.0)
    assert refused.value.reason == 'tab'
    assert session.enter('b', 2.0, take=True).editor
    assert not session.state('a', 3.0).editor
    with pytest.raises(RefusedError):
        session.save('a', 0, '', [WALK], 3.0)


def test_a_tab_that_has_left_or_died_is_followed_without_a_question(bag):
    session = enter(bag, 'a', 0.0)
    session.state('a', 50.0)
    assert not session.enter('b', 55.0).editor
    assert session.enter('b', 70.0).editor
    session.leave('b')
    assert session.enter('c', 70.0).editor


def test_an_old_revision_is_refused(bag):
    session = enter(bag)
    session.save('a', 0, '', [WALK], 0)
    with pytest.raises(RefusedError) as refused:
        session.save('a', 0, '', [SIT], 0)
    assert refused.value.reason == 'revision'
    assert session.segments == (WALK,)


def test_what_another_program_wrote_is_noticed_and_kept_until_told_otherwise(bag):
    session = enter(bag)
    known = session.save('a', 0, '', [WALK], 0).disk
    theirs = 'start,end,label\n0,1,sit\n'
    session.file.write_text(theirs)
    state = session.state('a', 0)
    assert state.changed
    with pytest.raises(RefusedError) as refused:
        session.save('a', 1, known, [SIT], 0)
    assert refused.value.reason == 'disk'
    assert session.file.read_text() == theirs
    # Having seen it, a person may keep what is on the page.
    assert not session.save('a', 1, state.disk, [SIT], 0).changed
    session.file.write_text(theirs)
    loaded = session.reload('a')
    assert loaded.segments == (Segment(EPOCH, EPOCH + SECOND, 'sit'),)
    assert loaded.revision == 3
    session.file.write_text('nonsense')
    with pytest.raises(RefusedError, match='must name the columns'):
        session.reload('a')
    assert session.segments == loaded.segments


def test_a_table_that_cannot_be_read_is_never_written_over(bag):
    file = bag / 'labels.csv'
    file.write_text('start,end,label\n0,99,sit\n')
    session = enter(bag)
    assert 'labels.csv:2' in session.locked
    with pytest.raises(RefusedError) as refused:
        session.save('a', 0, '', [WALK], 0)
    assert refused.value.reason == 'locked'
    assert file.read_text().endswith('99,sit\n')


def test_a_folder_that_may_not_be_written_is_known_before_anything_is_marked(bag):
    with passable_for_all(bag), without_privileges(bag):
        session = enter(bag)
        assert 'labels cannot be saved here' in session.locked
        assert not session.state('a', 0).editor


def test_a_table_that_may_only_be_read_is_not_replaced(bag):
    table = bag / 'labels.csv'
    table.write_text(label_table([WALK], EPOCH))
    with passable_for_all(bag):
        bag.chmod(0o777)
        with without_privileges(bag):
            session = enter(bag)
            assert session.segments == (WALK,)
            assert f'{table} may only be read' in session.locked
            with pytest.raises(RefusedError):
                session.save('a', 0, session.state('a', 0).disk, [SIT], 0)
    assert table.read_text() == label_table([WALK], EPOCH)


def test_a_folder_in_the_place_of_the_table_is_told_and_stays(bag):
    session = enter(bag)
    session.file.mkdir()
    assert session.state('a', 0).changed
    with pytest.raises(RefusedError, match='was changed by another program'):
        session.save('a', 0, '', [WALK], 0)
    assert session.file.is_dir()


def test_a_table_that_cannot_be_removed_is_told_and_stays(bag):
    session = enter(bag)
    disk = session.save('a', 0, '', [WALK], 0).disk
    with (
        passable_for_all(bag),
        without_privileges(bag),
        pytest.raises(ConfigurationError, match='cannot remove'),
    ):
        session.save('a', 1, disk, [], 0)
    assert session.segments == LabelSession(bag).segments == (WALK,)


def test_several_files_of_labels_are_no_trouble_where_a_table_counts(bag):
    enter(bag).save('a', 0, '', [WALK], 0)
    for name in OTHER_NAMES:
        (bag / name).write_text('0\t1\tsit\n')
    session = enter(bag)
    assert (session.segments, session.offers, session.locked) == ((WALK,), '', '')


@contextmanager
def passable_for_all(bag: Path) -> Iterator[None]:
    """Let anyone read the bag, and nobody but root write there."""
    for file in (bag, *bag.iterdir()):
        file.chmod(0o555)
    modes = {folder: folder.stat().st_mode for folder in bag.parents if folder.stat().st_uid == 0}
    closed = {folder: mode for folder, mode in modes.items() if mode & 0o011 != 0o011}
    try:
        for folder, mode in closed.items():
            folder.chmod(mode | 0o011)
        yield
    finally:
        for folder, mode in closed.items():
            folder.chmod(mode)
        bag.chmod(0o755)


def test_labels_in_the_bag_are_offered_and_a_table_wins_over_them(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', seconds=3, segments=[SIT])
    session = enter(bag)
    assert (session.segments, session.offer()) == ((), (SIT,))
    assert session.offers == '/activity_label'
    session.save('a', 0, '', [WALK], 0)
    labelled = enter(bag)
    assert (labelled.offers, labelled.offer(), labelled.offered) == ('', (), ())
    # Without its last segment the table is gone, and those in the bag count again.
    labelled.save('a', 0, labelled.state('a', 0).disk, [], 0)
    assert (labelled.offers, labelled.offer()) == ('/activity_label', (SIT,))
    labelled.file.write_text(label_table([WALK], EPOCH))
    labelled.reload('a')
    assert (labelled.segments, labelled.offers, labelled.offered) == ((WALK,), '', ())


def test_labels_beside_the_bag_that_changed_are_offered_anew(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', seconds=3)
    (bag / 'labels.txt').write_text('0\t1\tsit\n')
    session = enter(bag)
    assert [each.label for each in session.offer()] == ['sit']
    (bag / 'labels.txt').write_text('0\t1\twalk\n')
    session.reload('a')
    assert session.offers == 'labels.txt'
    assert [each.label for each in session.offer()] == ['walk']


def test_all_bags_are_looked_at_before_what_they_offer_is_read_and_the_end_waits_for_no_read(
    tmp_path, monkeypatch
):
    bags = [write_imu_bag(tmp_path / name, seconds=3, segments=[SIT]) for name in 'abc']
    asked, over = [], threading.Event()

    def read_for_long(session):
        asked.append(session.path)
        over.wait(PATIENCE_S)

    monkeypatch.setattr(LabelSession, 'offer', read_for_long)
    try:
        with BagQueue(bags) as queue:
            queue.wait()
            assert all(each.duration_s for each in queue.progress())
            poll_for(lambda: bool(asked))
            before_s = time.monotonic()
        assert time.monotonic() - before_s < PATIENCE_S / 2
    finally:
        over.set()
    queue._walk.join(PATIENCE_S)
    assert asked == bags[:1]


def test_an_offer_that_cannot_be_read_hinders_none_of_the_others(tmp_path):
    bad, good = tmp_path / 'bad', tmp_path / 'good'
    write_imu_bag(bad, seconds=3, segments=[Segment(EPOCH, EPOCH + SECOND, 'unknown')])
    write_imu_bag(good, seconds=3, segments=[SIT])
    with BagQueue([bad, good]) as queue:
        poll_for(lambda: queue.progress()[1].offered == 1)
        assert queue.progress()[0].offered == 0
        with pytest.raises(BagError, match='stands for no activity'):
            queue.session(0).offer()
        # What counts when a table is emptied is read, too.
        session = queue.session(1)
        session.enter('a', 0.0)
        saved = session.save('a', 0, '', [WALK], 0.0)
        assert queue.progress()[1].offered == 0
        session.save('a', 1, saved.disk, [], 0.0)
        poll_for(lambda: queue.progress()[1].offered == 1)


def test_a_bag_that_is_a_file_gets_its_table_beside_it(bag, tmp_path):
    alone = tmp_path / 'alone.mcap'
    shutil.copy(bag / 'bag.mcap', alone)
    assert own_label_file(alone) == tmp_path / 'alone.labels.csv'
    # All of a folder's bag, it is found whichever of the two is named.
    inside = bag / 'bag.mcap'
    enter(inside).save('a', 0, '', [WALK], 0)
    assert LabelSession(bag).segments == LabelSession(inside).segments == (WALK,)
    with pytest.raises(BagError, match='does not exist'):
        LabelSession(tmp_path / 'nothing')


def test_times_before_the_start_are_written_so_that_they_are_read_the_same(tmp_path):
    early = Segment(EPOCH - 500_000_000, EPOCH + 1, 'sit')
    file = tmp_path / 'labels.csv'
    file.write_text(label_table([early], EPOCH))
    assert read_label_file(file, EPOCH, EPOCH + SECOND) == (early,)


def test_several_bags_are_gone_through_and_an_unreadable_one_is_named(bag, tmp_path):
    second = write_imu_bag(tmp_path / 'bags' / 'second', seconds=3, segments=[SIT])
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(b'')
    enter(bag).save('a', 0, '', [WALK], 0)
    with BagQueue([broken, bag, second]) as queue:
        poll_for(lambda: queue.progress()[2].offered == 1)
        first, labelled, other = queue.progress()
        assert 'is empty' in first.error
        assert (labelled.segments, other.segments) == (1, 0)
        assert labelled.labelled_s == pytest.approx(1.376543212)
        # What training uses of the bag itself counts as labelled, too.
        assert (other.offered, other.offers) == (1, '/activity_label')
        assert other.labelled_s == pytest.approx(0.499999999)
        assert not queue.saved
        assert queue.first() == 2
        assert queue.activities == (WALK.label,)
    with pytest.raises(BagError, match='is empty'):
        BagQueue([broken])
    bare = write_imu_bag(tmp_path / 'bags' / 'third', seconds=3)
    with BagQueue([bag, second, bare]) as queue:
        queue.wait()
        assert queue.first() == 2
        queue.session(2).enter('a', 0.0)
        queue.session(2).save('a', 0, '', [WALK], 0.0)
        assert queue.saved
    with BagQueue([bag], ['run']) as queue:
        assert queue.activities == ('run',)


def test_a_recording_whose_clock_jumped_is_refused_with_the_reason(tmp_path: Path, bag: Path):
    jumped = write_jumped_bag(tmp_path / 'jumped')
    with pytest.raises(BagError, match=r'lasts 8431\d\.\d days .* clock jumped'):
        LabelSession(jumped)
    with BagQueue([jumped, bag]) as queue:
        assert 'clock jumped' in queue.progress()[0].error
        assert queue.first() == 1

"""Subject and session come from the bag's metadata, else from names of folders."""

from pathlib import Path

import pytest

from test.bags.recordings import write_imu_bag
from xmodal_ros.bags.person import name_person
from xmodal_ros.bags.reading import BagReader


@pytest.mark.parametrize(
    ('path', 'subject', 'session'),
    [
        ('data/sub-05/ses-1/morning', 'sub-05', 'ses-1'),
        ('data/subject_05_session_2', 'subject_05', 'session_2'),
        ('data/person=anna/session=b/x', 'person=anna', 'session=b'),
        ('data/Participant_12/x', 'Participant_12', ''),
        ('my_subject_recordings/monday', 'monday', ''),
        ('subject_1/a/b/c/d', 'd', ''),
    ],
)
def test_names_of_folders_say_who_and_when(path, subject, session):
    person = name_person(Path('/') / path, Path(path).name)
    assert (person.subject, person.session) == (subject, session)


def test_the_metadata_comes_first(tmp_path):
    bag = tmp_path / 'sub-05' / 'ses-1' / 'bag'
    with BagReader(write_imu_bag(bag, subject='anna', metadata={'session': 'b'})) as reader:
        assert (reader.subject, reader.session) == ('anna', 'b')
    with BagReader(write_imu_bag(bag.with_name('other'))) as reader:
        assert (reader.subject, reader.session) == ('sub-05', 'ses-1')

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

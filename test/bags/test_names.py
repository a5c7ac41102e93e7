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

"""What recordings are called."""

from test.recordings import clips, write_imu_bag
from xmodal_ros.bags.names import names_of


def test_recordings_of_one_name_are_told_apart_by_their_folders(tmp_path):
    bags = [tmp_path / name for name in ('mon/ada/run1', 'tue/ada/run1', 'tue/bo/run1', 'walk')]
    for bag in bags:
        write_imu_bag(bag, clips(['sit'], seconds=4))
    assert [*names_of(bags).values()] == ['mon/ada/run1', 'tue/ada/run1', 'tue/bo/run1', 'walk']
    assert [*names_of(bags[1:]).values()] == ['ada/run1', 'bo/run1', 'walk']
    assert [*names_of(bags[2:]).values()] == ['run1', 'walk']


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    folders = [tmp_path / name for name in ('ada', 'bo')]
    for folder in folders:
        folder.mkdir()
        (folder / 'run1.mcap').touch()
    (tmp_path / 'bo' / 'run1.db3').touch()
    files = [tmp_path / 'bo' / name for name in ('run1.mcap', 'run1.db3')]
    assert names_of([folders[0], *files]) == {
        folders[0]: 'ada/run1.mcap',
        files[0]: 'bo/run1.mcap',
        files[1]: 'bo/run1.db3',
    }
    assert names_of([folders[0]]) == {folders[0]: 'run1'}


def test_what_is_no_recording_is_called_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = [tmp_path / 'there' / 'run1', tmp_path / 'run1']
    assert [*names_of(there).values()] == ['there/run1', f'{tmp_path.name}/run1']

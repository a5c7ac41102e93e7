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

"""Activities that are written in two ways, in a study."""

from test.recordings import clips, write_imu_bag
from test.studies.small_study import study
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.study import _identity, _read_all, content_of


def test_two_spellings_are_one_activity_where_a_study_merges_labels(tmp_path):
    write_imu_bag(tmp_path / '1', clips(['walk', 'sit', 'walk'], seconds=2))
    write_imu_bag(tmp_path / '2', clips(['Walk ', 'sit'], seconds=2))

    def read(**keys):
        found = _read_all(study(tmp_path, targets={'imu': []}, **keys), NullReporter())
        return found, {segment.label for facts in found for segment in facts.segments}

    apart, names = read()
    assert names == {'walk', 'Walk', 'sit'}
    merged, names = read(merge_labels=True)
    assert names == {'walk', 'sit'}
    # What was learnt with two classes is not taken for what is learnt with one.
    same = [
        _identity(one, ('imu',), content_of(one)) == _identity(other, ('imu',), content_of(other))
        for one, other in zip(apart, merged, strict=True)
    ]
    assert same == [True, False]

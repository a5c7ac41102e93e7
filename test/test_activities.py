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

import pytest

from xmodal_ros.activities import in_words, merged, spellings

COMPOSED, DECOMPOSED = '\u00fcben', 'u\u0308ben'


@pytest.mark.parametrize(
    'names',
    [
        ('Walking', 'walking', 'WALKING'),
        (COMPOSED, DECOMPOSED),
        ('walk fast', 'walk\u00a0fast', 'walk_fast', 'walk  fast'),
        ('Stra\u00dfe', 'STRASSE'),
        ('\uff57alk', 'walk'),
    ],
)
def test_spellings_of_one_activity_are_found_together(names):
    assert spellings(['sit', *names, 'stand', *names]) == (names,)


def test_other_activities_are_no_spellings():
    assert spellings(['walk', 'walking', 'walk1', 'w alk', 'wall', 'uben', COMPOSED]) == ()


def test_the_most_frequent_spelling_stays_unless_one_is_known():
    counts = {'Walking': 1, 'walking': 5, 'WALKING': 1, 'sit': 1}
    assert merged(counts) == {'Walking': 'walking', 'WALKING': 'walking'}
    assert merged(counts, ['Walking', 'sit']) == {'walking': 'Walking', 'WALKING': 'Walking'}
    # Two that a model has learnt are two.
    assert merged({'WALK': 1, 'walk': 1}, ['walk', 'Walk']) == {'WALK': 'walk'}


def test_names_that_look_the_same_can_be_told_apart_in_words():
    assert in_words(['Walk', 'walk']) == "'Walk', 'walk'"
    assert in_words([COMPOSED, DECOMPOSED]) == r"'\xfcben', 'u\u0308ben'"

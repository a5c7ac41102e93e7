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

"""The selector over the labels of several bundles says what the live one would."""

import pytest

from test.evaluation.made_up import make_evaluation
from test.messages import EPOCH, SECOND
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.selection import select, source_names

TRUTH = ['sit', 'walk']
WINDOWS = 32


def test_the_first_bundle_answers_until_it_is_silent_and_again_when_it_is_back():
    first = ['sit'] * 8 + [None] * 12 + ['sit'] * 12
    wrist = make_evaluation([first], TRUTH, ['1'], name='wrist')
    head = make_evaluation([['walk'] * WINDOWS], TRUTH, ['1'], name='head-cam')
    selection = select([wrist, head], {}, 'select')
    assert selection is not None
    assert dict(selection.sources) == {'wrist': 'wrist', 'head_cam': 'head-cam'}
    (recording,) = selection.recordings
    stamps = [each.stamp_ns for each in recording.choices]
    assert stamps == sorted(set(stamps))
    of_source = [each.source for each in recording.choices]
    # Two seconds without a label: the other takes over, until the first has been back for three.
    assert of_source[:8] == ['wrist'] * 8
    assert of_source[-1] == 'wrist'
    assert 'head_cam' in of_source
    switched = next(each for each in recording.choices if each.source == 'head_cam')
    last_ns = EPOCH + 4 * SECOND
    assert last_ns + 2 * SECOND < switched.stamp_ns <= last_ns + 3 * SECOND
    assert switched.label == 'walk'
    assert switched.score == pytest.approx(0.8)
    assert switched.truth == 'sit'


def test_fused_decisions_rest_on_both_and_are_scored():
    evaluations = [
        make_evaluation([['sit'] * 16 + ['walk'] * 16], TRUTH, ['1'], name=name)
        for name in ('a', 'b')
    ]
    selection = select(evaluations, {'a': 0.9, 'b': 0.8}, 'fuse')
    assert selection is not None
    assert selection.measures.scalars['accuracy'] == 1
    (recording,) = selection.recordings
    # At the very first stamp nobody knows yet that there is another.
    first, *rest = recording.choices
    assert first.source == 'a'
    assert {each.source for each in rest} == {'a+b'}
    # Two who agree are surer than each alone.
    assert all(each.score > 0.8 for each in rest)


def test_bundles_that_were_never_validated_cannot_be_fused():
    evaluations = [make_evaluation([['sit'] * 4], ['sit'], ['1'], name=name) for name in 'ab']
    with pytest.raises(ConfigurationError, match='that of b is not'):
        select(evaluations, {'a': 0.9, 'b': None}, 'fuse')


def test_recordings_of_one_bundle_alone_need_no_selector():
    one = make_evaluation([['sit'] * 4, ['sit'] * 4], ['sit'], ['1', '2'], name='one')
    other = make_evaluation([['sit'] * 4], ['sit'], ['1'], name='other')
    selection = select([one, other], {}, 'select')
    assert selection is not None
    assert [each.name for each in selection.recordings] == ['bag_0']
    assert select([one], {}, 'select') is None


def test_names_of_bundles_become_names_of_sources():
    assert source_names(['a-1', 'a.1', 'auto', 'x/imu']) == ['a_1', 'a_1_2', 'auto_2', 'x_imu']

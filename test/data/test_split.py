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

"""Who trains, validates and tests."""

from pathlib import Path

import pytest

from xmodal_ros.bags.segment import Segment
from xmodal_ros.data.recording import RecordingFacts
from xmodal_ros.data.split import hold_out_segments, SegmentFold, split_subjects
from xmodal_ros.errors import TrainingError

EIGHT = [str(n) for n in range(1, 9)]
SEGMENTS = {
    (recording, position): ('walk', 'sit', 'wave')[position % 3]
    for recording in range(4)
    for position in range(12)
}


def test_everybody_who_is_not_named_trains():
    split = split_subjects(EIGHT, ['8', '2'], ['5'])
    assert split.training == ('1', '3', '4', '6', '7')
    assert split.validation == ('5',)
    assert split.test == ('2', '8')


def test_people_of_whom_nothing_is_labelled_train_but_are_not_enough():
    assert split_subjects(['1', '2'], ['2'], (), ['3']).training == ('1', '3')
    with pytest.raises(TrainingError, match='no subject is left for training'):
        split_subjects(['1', '2'], ['2'], ['1'], ['3'])


def test_subjects_are_ordered_as_people_count():
    assert split_subjects(['10', '9', 'ann', '2'], ['ann']).training == ('2', '9', '10')


@pytest.mark.parametrize(
    ('test', 'validation', 'message'),
    [
        (['9'], [], "'9' is in none of the labelled recordings, which show 1, 2, 3"),
        (['1'], ['nobody'], "'nobody' is in none"),
        (['1', '2'], ['2'], "'2' is named for testing and for validation"),
        ([], [], 'give --test-subjects'),
        (EIGHT, [], 'no subject is left for training'),
        (EIGHT[:4], EIGHT[4:], 'no subject is left for training'),
    ],
)
def test_a_split_that_cannot_be_is_refused(test, validation, message):
    with pytest.raises(TrainingError, match=message):
        split_subjects(EIGHT, test, validation)


def test_one_person_alone_is_told_what_can_be_done():
    with pytest.raises(TrainingError, match=r'show one person, ada.*record somebody else.*within'):
        split_subjects(['ada', 'ada'], ['ada'])


def test_a_share_of_each_activity_is_held_out():
    held = hold_out_segments(SEGMENTS, seed=0, share=0.25)
    for label in ('walk', 'sit', 'wave'):
        assert sum(SEGMENTS[segment] == label for segment in held) == 4


def test_the_seed_decides_which_whatever_the_order():
    backwards = dict(reversed(SEGMENTS.items()))
    assert hold_out_segments(SEGMENTS, 1) == hold_out_segments(backwards, 1)
    assert hold_out_segments(SEGMENTS, 1) != hold_out_segments(SEGMENTS, 2)


@pytest.mark.parametrize(('segments', 'held'), [(1, 0), (2, 1), (3, 1)])
def test_at_least_one_segment_is_held_out_but_never_all(segments, held):
    labels = {(0, position): 'walk' for position in range(segments)}
    assert len(hold_out_segments(labels, seed=0, share=0.9 if segments < 3 else 0.1)) == held


def labelled(subject: str, labels: str) -> RecordingFacts:
    segments = tuple(Segment(n, n + 1, label) for n, label in enumerate(labels))
    return RecordingFacts(Path(subject), subject, subject, segments, {}, {})


def test_within_people_each_of_an_activitys_segments_tests_in_one_fold():
    # The turns of a person's activity go on from recording to recording.
    recordings = [labelled('1', 'wsww'), labelled('2', 'ws'), labelled('1', 'sww')]
    folds = [SegmentFold(number, 2).parts(recordings) for number in range(2)]
    tested = [{key for key, part in fold.items() if part == 'test'} for fold in folds]
    assert tested[0] == {(0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (2, 2)}
    assert tested[1] == {(0, 2), (2, 0), (2, 1)}
    assert folds[0].keys() == tested[0] | tested[1]
    assert {part for fold in folds for part in fold.values()} == {'training', 'test'}
    alone = SegmentFold(0, 2, ('2',))
    assert alone.parts(recordings) == {(1, 0): 'test', (1, 1): 'test'}
    assert alone.validation == ()

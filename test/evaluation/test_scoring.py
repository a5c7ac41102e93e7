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

"""Scores and their JSON come from the very decisions the engine makes."""

import json

import pytest

from test.bundles import make_imu_bundle, rewrite_document
from test.messages import EPOCH, imu_bytes, SECOND
from test.recordings import clips, write_imu_bag
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.evaluation.document import as_json
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import classify_bag, sensor_for
from xmodal_ros.windows.windowing import WindowingSpec

SEGMENTS = clips(['sit', 'walk', 'wave', 'sit'])


def run(tmp_path, bag, sensor=None, **options):
    engine = Engine(load_bundle(make_imu_bundle(tmp_path / 'bundle')))
    with BagReader(bag) as reader:
        chosen = sensor_for(engine, reader, sensor)
        offline = classify_bag(engine, reader, chosen)
        return evaluate(
            engine.bundle.info,
            [evaluate_bag(engine.bundle.info, reader, chosen.name, offline, **options)],
        )


def test_every_window_is_decided_and_those_of_clips_are_scored(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS))
    (bag,) = evaluation.bags
    stamps = [p.stamp_ns for p in bag.offline.predictions]
    # The last message comes just less than half a second after the last clip's end.
    assert stamps == list(range(EPOCH + 5 * SECOND // 2, EPOCH + 23 * SECOND + 1, SECOND // 2))
    scores = evaluation.scores
    assert scores is not None
    assert scores.clips == 4
    # 5 s clips and 1 s pauses: a 2 s window belongs to the clip that fills half of it.
    whose = {s: bag.truth_label(stamps.index(EPOCH + int(s * SECOND))) for s in (5, 6, 6.5, 7, 8)}
    assert whose == {5: 'sit', 6: 'sit', 6.5: None, 7: 'walk', 8: 'walk'}
    assert scores.windows == len(stamps) - 3
    assert scores.confusion_window.sum() == scores.windows
    right = sum(p.label == bag.truth_label(i) for i, p in enumerate(bag.offline.predictions)) / (
        len(stamps) - 3
    )
    assert scores.accuracy_window == pytest.approx(right)


def test_the_json_holds_scores_counts_and_every_label(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS, bad=[imu_bytes(0), b'junk'])
    result = json.loads(json.dumps(as_json(run(tmp_path, bag))))
    assert 0 <= result['macro_f1'] <= 1
    assert result['counts']['drops'] == 2
    assert result['bags'][0]['drops'] == {'zero_stamp': 1, 'encapsulation': 1}
    assert len(result['labels']) == result['counts']['windows']
    first = result['labels'][0]
    assert first['stamp_ns'] == EPOCH + 5 * SECOND // 2
    assert sum(first['scores'].values()) == pytest.approx(1)
    assert max(first['scores'], key=first['scores'].get) == first['label']
    assert 'equals_offline' not in result


def test_labels_of_another_clock_than_the_data_are_told(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS)
    (seen,) = run(tmp_path, bag).bags
    assert (seen.is_scored, seen.unseen, seen.doubts) == (True, 0, ())
    (bag / 'clocks.yaml').write_text('imu: {offset_s: 3600.0}\n')
    evaluation = run(tmp_path, bag)
    (unseen,) = evaluation.bags
    assert (unseen.is_scored, unseen.unseen) == (False, 4)
    assert unseen.doubts[0].startswith('4 of 4 labelled segments lie where it has no data')
    (written,) = json.loads(json.dumps(as_json(evaluation)))['bags']
    assert written['unseen'] == 4


def test_a_short_segment_beside_the_data_is_not_called_unseen(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS, labelled=False)
    # The first window ends after 2 s, and most of it is another's.
    (bag / 'labels.csv').write_text('start,end,label\n0,0.3,wave\n0.3,23,walk\n23.1,24,sit\n')
    (told,) = run(tmp_path, bag).bags
    assert told.unseen == 0


@pytest.mark.parametrize(
    ('lasted_s', 'hop_s', 'labels'),
    [
        (24, 2, '0,1.2,wave\n3,20,walk\n23.1,24.3,sit\n'),
        (1, 0.5, '0,1.2,walk\n'),
    ],
)
def test_segments_in_data_that_no_window_covers_are_not_called_unseen(
    tmp_path, lasted_s, hop_s, labels
):
    bag = write_imu_bag(tmp_path / 'bag', clips(['walk'], lasted_s), labelled=False)
    (bag / 'labels.csv').write_text(f'start,end,label\n{labels}')
    window = WindowingSpec(rate_hz=50, hop_ns=int(hop_s * SECOND))
    engine = Engine(load_bundle(make_imu_bundle(tmp_path / 'bundle', window=window)))
    with BagReader(bag) as reader:
        sensor = sensor_for(engine, reader)
        offline = classify_bag(engine, reader, sensor)
        told = evaluate_bag(engine.bundle.info, reader, sensor.name, offline)
    assert told.unseen == 0
    none = 'none of its 1 labelled segments is used, for it gives no window'
    assert any(none in doubt for doubt in told.doubts) == (not offline.predictions)


def test_a_rate_is_compared_with_that_of_the_recordings_learnt_from(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS, rate_hz=20)
    bundle = make_imu_bundle(tmp_path / 'bundle')
    # Nothing says that it has learnt from fewer than its windows have.
    for provenance, slow in (
        ({}, ['low-rate']),
        ({'message_rate_hz': True}, ['low-rate']),
        ({'message_rate_hz': 20.0}, []),
    ):
        rewrite_document(bundle, provenance=provenance)
        engine = Engine(load_bundle(bundle))
        with BagReader(bag) as reader:
            offline = classify_bag(engine, reader, sensor_for(engine, reader))
        assert [each.code for each in offline.problems] == slow


def test_an_unlabelled_bag_gives_decisions_without_scores(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS, labelled=False))
    assert evaluation.scores is None
    result = as_json(evaluation)
    assert result['macro_f1'] is None
    assert result['labels']


def test_activities_the_model_has_not_learnt_are_named_and_count_as_wrong(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', clips(['sit', 'juggle'])))
    assert evaluation.unknown_labels == ('juggle',)
    assert evaluation.scores is not None
    assert evaluation.scores.f1_by_label['juggle'] == 0


def test_a_sensor_the_bag_lacks_is_an_error_that_names_those_it_has(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS)
    with pytest.raises(BagError, match='imu'):
        run(tmp_path, bag, 'imu_wrist')


def test_a_bag_without_one_usable_message_is_an_error_that_says_why(tmp_path):
    from xmodal_ros.bags.writing import BagWriter

    with BagWriter(tmp_path / 'bag') as writer:
        for i in range(10):
            stamp = EPOCH + i * SECOND
            writer.write('/imu', 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp, has_gyro=False))
    with pytest.raises(BagError, match='--channels acc'):
        run(tmp_path, tmp_path / 'bag')


def test_other_spellings_of_what_was_learnt_are_told_and_merged_where_that_is_asked_for(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', clips(['Sit', 'walk ', 'wave', 'jump']))
    plain = run(tmp_path, bag)
    assert plain.unknown_labels == ('Sit', 'jump')
    assert plain.other_spellings == (('sit', 'Sit'),)
    merged = run(tmp_path, bag, merge_labels=True)
    assert merged.unknown_labels == ('jump',)
    assert merged.other_spellings == ()
    assert merged.bags[0].segments[0].label == 'sit'


def test_what_is_doubtful_about_the_data_is_told_unless_the_model_learnt_it_so(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', SEGMENTS)
    (found,) = run(tmp_path, bag).bags
    told = {each.code for each in found.offline.problems}
    (document,) = json.loads(json.dumps(as_json(run(tmp_path, bag))))['bags']
    assert {each['code'] for each in document['problems']} == told
    assert 'gravity' not in told

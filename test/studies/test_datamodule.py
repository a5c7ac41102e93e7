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

"""Who learns from what: nothing that is tested on is ever shown before."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.bags.segment import Segment
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows, SensorWindows
from xmodal_ros.data.split import Part, SegmentKey
from xmodal_ros.data.window_array import InMemoryStream, LazyWindows
from xmodal_ros.data.window_split import segment_parts
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.modalities.imu.augmentation import ImuAugmentation
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.studies.datamodule import prepare_group
from xmodal_ros.studies.runs import Fold, Group
from xmodal_ros.studies.specification import Direction, Labels, MethodRow
from xmodal_ros.windows.windowing import WindowingSpec

SPEC = WindowingSpec(length_ns=2 * SECOND, hop_ns=2 * SECOND, rate_hz=50)
RECIPE = Recipe(ImuStream(), SPEC, ImuCnnConfig(), (), ImuAugmentation())
RECIPES = {'wrist': RECIPE, 'thigh': RECIPE}
ACROSS = Fold('across', 0, Direction(train=('1', '2'), test=('3',)))
WITHIN = Fold('within', 0, folds=2)


def recording(subject: str, labels: str = 'abababab') -> RecordingWindows:
    """Segments of 10 s without a pause, a window each second that belongs to where it ends.

    A window's values tell the subject, the second and the segment.
    """
    segments = tuple(
        Segment(EPOCH + 10 * i * SECOND, EPOCH + 10 * (i + 1) * SECOND, label)
        for i, label in enumerate(labels)
    )
    ends = np.arange(2, 10 * len(labels) + 1)
    ends_ns = ends * SECOND + EPOCH
    values = np.stack([np.full(len(ends), int(subject)), ends, (ends - 1) // 10], axis=1)
    windows = SensorWindows(values.astype(np.float32), ends_ns, (ends - 1) // 10, {})
    sensor = Sensor('wrist', 'imu', '/wrist', 'f')
    facts = RecordingFacts(
        Path(subject), f'bag_{subject}', subject, segments, {'wrist': sensor}, {}
    )
    return RecordingWindows(facts, {'wrist': windows, 'thigh': windows})


RECORDINGS = [recording('1'), recording('2'), recording('3', 'ababababc')]


def group(
    fold: Fold = ACROSS, labels: Labels | None = None, seed: int = 0, sources=('thigh',)
) -> Group:
    row = MethodRow(row='unimodal', method='unimodal')
    return Group('wrist', sources, fold, labels or Labels(), seed, (row,))


def parts_of(fold: Fold) -> dict[SegmentKey, Part]:
    return segment_parts(RECORDINGS, ('wrist', 'thigh'), group(fold).split)


def spans(examples: WindowsDataset) -> set[tuple[int, int]]:
    """The subject and the second, of all that is seen in windows of 2 s."""
    return {
        (int(subject), int(end) - back)
        for subject, end, _ in examples.values.tolist()
        for back in (0, 1)
    }


@pytest.mark.parametrize('fold', [ACROSS, WITHIN, Fold('within', 1, folds=2)])
def test_what_is_learnt_from_shows_nothing_of_segments_that_validate_or_test(fold):
    # Here and there a window that validates or tests begins in the segment before its own.
    parts = parts_of(fold)

    def shown(examples: WindowsDataset) -> set[str]:
        return {parts[s - 1, (second - 1) // 10] for s, second in spans(examples)}

    assert Counter(parts.values())['validation'] >= 2
    group_data = prepare_group(RECORDINGS, RECIPES, group(fold))
    for examples in group_data.sets.values():
        assert len(examples.training) > 20
        assert shown(examples.training) == {'training'}
        assert shown(examples.validation) <= {'training', 'validation'}
    assert {parts[clip] for clip in group_data.test.clips} == {'test'}


def test_across_keeps_people_apart_and_tests_what_only_they_do():
    group_data = prepare_group(RECORDINGS, RECIPES, group())
    assert set(group_data.test.subjects) == {'3'}
    assert group_data.labels == ('a', 'b')
    assert set(group_data.test.truth) == {'a', 'b', 'c'}
    learnt = group_data.sets['wrist']
    assert {subject for subject, _ in spans(learnt.training) | spans(learnt.validation)} == {1, 2}


def test_frames_that_are_remembered_are_not_gathered_window_by_window():
    whole = RECORDINGS[0].windows['wrist']
    stream = InMemoryStream(np.zeros((len(whole.values) + 3, 8, 8, 1), np.uint8))
    count = len(whole.values)
    lazy = LazyWindows([stream], np.zeros(count, np.int64), np.arange(count), 4)
    filmed = [
        replace(each, windows={'wrist': replace(each.windows['wrist'], values=lazy)})
        for each in (replace(RECORDINGS[0], facts=r.facts) for r in RECORDINGS)
    ]
    of_pictures = replace(RECIPE, encoder=CameraEfficientNetConfig())
    for recipe, kind in ((of_pictures, LazyWindows), (RECIPE, np.ndarray)):
        made = prepare_group(filmed, {'wrist': recipe}, group(sources=()))
        assert isinstance(made.test.values, kind)
        assert isinstance(made.sets['wrist'].training.values, kind)


def test_validation_subjects_validate_instead_of_segments():
    fold = Fold('across', 0, Direction(train=('1',), test=('3',), validation=('2',)))
    learnt = prepare_group(RECORDINGS, RECIPES, group(fold)).sets['wrist']
    assert {subject for subject, _ in spans(learnt.validation)} == {2}
    assert {subject for subject, _ in spans(learnt.training)} == {1}


def test_from_some_people_only_sources_learn():
    fold = Fold('across', 0, Direction(train=('1',), test=('3',), sources_only=('2',)))
    made = prepare_group(RECORDINGS, RECIPES, group(fold)).sets
    for part in ('training', 'validation'):
        assert {subject for subject, _ in spans(getattr(made['wrist'], part))} == {1}
        assert {subject for subject, _ in spans(getattr(made['thigh'], part))} == {1, 2}


def test_within_tests_every_segment_of_everybody_once_over_its_folds():
    tested: Counter[tuple[int, int]] = Counter()
    for number in range(3):
        group_data = prepare_group(RECORDINGS, RECIPES, group(Fold('within', number, folds=3)))
        tested.update(set(group_data.test.clips))
    everything = {(n, s) for n, r in enumerate(RECORDINGS) for s in range(len(r.facts.segments))}
    assert set(tested) == everything
    assert set(tested.values()) == {1}


def test_within_takes_turns_for_each_activity_and_only_of_the_people_named():
    parts = parts_of(Fold('within', 0, folds=2, subjects=('2',)))
    assert {number for number, _ in parts} == {1}
    assert [segment for (_, segment), part in parts.items() if part == 'test'] == [0, 1, 4, 5]


def test_the_test_is_at_the_hop_of_a_robot():
    # At even seconds, for the windows in memory are twice as dense.
    group_data = prepare_group(RECORDINGS, RECIPES, group())
    assert {int(end) % 2 for _, end, _ in group_data.test.values.tolist()} == {EPOCH // SECOND % 2}


@pytest.mark.parametrize('seed', [0, 1])
def test_fewer_labels_leave_the_target_less_and_all_else_as_it_was(seed):
    full = prepare_group(RECORDINGS, RECIPES, group(seed=seed))
    few = prepare_group(RECORDINGS, RECIPES, group(labels=Labels(shots=3), seed=seed))
    assert np.bincount(few.sets['wrist'].training.labels).tolist() == [3, 3]
    assert few.labels == full.labels
    assert len(few.sets['thigh'].training) == len(full.sets['thigh'].training)
    assert len(few.sets['wrist'].validation) == len(full.sets['wrist'].validation)
    assert few.test.truth == full.test.truth
    assert spans(few.sets['wrist'].training) < spans(full.sets['wrist'].training)


def test_a_share_of_the_labels_is_whole_segments_at_least_one_an_activity():
    few = prepare_group(RECORDINGS, RECIPES, group(labels=Labels(fraction=0.01)))
    training = few.sets['wrist'].training
    segments = {(int(subject), int(segment)) for subject, _, segment in training.values.tolist()}
    assert len(segments) == 2
    assert len(training) > 10


def test_windows_may_stay_without_a_label_and_sources_know_no_more():
    labels = Labels(fraction=0.4, unlabelled=True)
    full = prepare_group(RECORDINGS, RECIPES, group())
    few = prepare_group(RECORDINGS, RECIPES, group(labels=Labels(fraction=0.4)))
    found = prepare_group(RECORDINGS, RECIPES, group(labels=labels))
    wrist, thigh = found.sets['wrist'].training, found.sets['thigh'].training
    assert np.array_equal(wrist.values, full.sets['wrist'].training.values)
    assert np.array_equal(wrist.values[wrist.labelled], few.sets['wrist'].training.values)
    assert np.array_equal(wrist.labels[wrist.labelled], few.sets['wrist'].training.labels)
    assert len(wrist.unlabelled) > len(wrist.labelled)
    assert np.array_equal(thigh.values, full.sets['thigh'].training.values)
    assert np.array_equal(thigh.labels, wrist.labels)
    for name in found.sets:
        validation = found.sets[name].validation.labels
        assert np.array_equal(validation, full.sets[name].validation.labels)
        assert NO_LABEL not in validation
    assert found.test.truth == full.test.truth
    assert found.labels == full.labels


def test_others_may_have_been_recorded_without_a_label():
    bags = [*RECORDINGS[:2], recording('3', 'ababac')]
    fold = Fold('across', 0, Direction(train=('1', '2', '3'), test=('4',)))
    bags.append(recording('4', 'ababc'))
    asked = Labels(people=2, unlabelled=True)
    found = prepare_group(bags, RECIPES, replace(group(fold, asked), labelled=('1', '2')))
    wrist, thigh = found.sets['wrist'].training, found.sets['thigh'].training
    assert set(wrist.recordings[wrist.labelled].tolist()) == {0, 1}
    assert set(wrist.recordings[wrist.unlabelled].tolist()) == {2}
    assert np.array_equal(thigh.labels, wrist.labels)
    # Nor is anything known of what they alone show, which is there too, or looked at to validate.
    assert found.labels == ('a', 'b')
    assert 'activity_left_out' not in found.sets['wrist'].left_out
    for examples in found.sets.values():
        assert set(examples.validation.recordings.tolist()) <= {0, 1}
        assert NO_LABEL not in examples.validation.labels


def test_nobody_is_validated_by_what_no_label_that_is_known_names():
    # Who validates shows an activity that only he, and somebody without a label, does.
    bags = [recording('1'), recording('2', 'abac'), recording('3', 'abac'), recording('4')]
    fold = Fold('across', 0, Direction(train=('1', '2'), test=('4',), validation=('3',)))
    asked = Labels(people=1, unlabelled=True)
    found = prepare_group(bags, RECIPES, replace(group(fold, asked), labelled=('1',)))
    assert found.labels == ('a', 'b')
    for examples in found.sets.values():
        assert set(examples.validation.recordings.tolist()) == {2}
        assert set(examples.validation.labels.tolist()) == {0, 1}
        assert examples.left_out['activity_left_out'] > 0
        assert len(examples.training.unlabelled) > 30


def test_a_source_that_was_recorded_apart_keeps_its_labels():
    bags = [recording('1'), recording('2'), recording('3')]
    apart = replace(bags[1], windows={'thigh': bags[1].windows['thigh']})
    blind = replace(
        bags[1], windows={**apart.windows, 'wrist': _none_of(bags[1].windows['wrist'])}
    )
    labels = Labels(fraction=0.4, unlabelled=True)
    group_data = prepare_group([bags[0], blind, bags[2]], RECIPES, group(labels=labels))
    thigh = group_data.sets['thigh'].training
    assert (
        len(thigh.labelled[thigh.recordings[thigh.labelled] == 1]) == (thigh.recordings == 1).sum()
    )
    assert (thigh.labels[thigh.recordings == 0] == NO_LABEL).any()


def _none_of(windows: SensorWindows) -> SensorWindows:
    return replace(
        windows,
        values=windows.values[:0],
        ends_ns=windows.ends_ns[:0],
        segment_of=windows.segment_of[:0],
    )


def test_other_seeds_choose_other_labels_and_the_same_the_same():
    # With people who validate, the seed decides nothing else.
    fold = Fold('across', 0, Direction(train=('1',), test=('3',), validation=('2',)))

    def chosen(seed: int) -> list[float]:
        group_data = prepare_group(RECORDINGS, RECIPES, group(fold, Labels(shots=3), seed))
        return list(group_data.sets['wrist'].training.values[:, 1].tolist())

    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)


@pytest.mark.parametrize('fold', [Fold('across', 0, Direction(train=('1',), test=('9',)))])
def test_people_who_are_not_there_are_named(fold):
    with pytest.raises(TrainingError, match=r"subject '9' is in none .* show 1, 2, 3"):
        prepare_group(RECORDINGS, RECIPES, group(fold))


def test_one_activity_alone_cannot_be_learnt():
    alone = [recording('1', 'aaaa'), recording('2', 'aaaa'), recording('3')]
    with pytest.raises(TrainingError, match='show 1 activities, but two are needed'):
        prepare_group(alone, RECIPES, group())


def test_nothing_to_validate_on_is_said():
    alone = [recording('1', 'ab'), recording('2', ''), recording('3')]
    with pytest.raises(TrainingError, match='left for validation'):
        prepare_group(alone, RECIPES, group())

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

"""Windows of several recordings are divided by segment and paired by time."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from test.messages import EPOCH, SECOND
from xmodal_ros.bags.segment import Segment
from xmodal_ros.data.dataset import DatasetSplit, leave_out_unpaired, pair_in_time
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows, SensorWindows
from xmodal_ros.data.split import Part, SegmentKey
from xmodal_ros.data.window_split import _dataset, _divide
from xmodal_ros.methods.source import NO_LABEL

LENGTH = 2 * SECOND


def recording(
    labels: str, *, gap_s: int = 4, hop_s: float = 0.5, sensors: str = 'i'
) -> RecordingWindows:
    """Segments of 4 s, one for each letter; a window's values are its end in half seconds."""
    step = (4 + gap_s) * SECOND
    segments = tuple(
        Segment(EPOCH + n * step, EPOCH + n * step + 4 * SECOND, label)
        for n, label in enumerate(labels)
    )
    ends, owner = [], []
    for index, segment in enumerate(segments):
        for end in range(
            segment.start_ns + SECOND, segment.end_ns + SECOND + 1, int(hop_s * SECOND)
        ):
            ends.append(end)
            owner.append(index)
    stamps = np.array(ends)
    windows = SensorWindows(
        ((stamps - EPOCH) / (SECOND / 2)).astype(np.float32)[:, None, None],
        stamps,
        np.array(owner),
        {'weak': 2},
    )
    facts = RecordingFacts(Path('bag'), 'bag', '1', segments, {}, {})
    return RecordingWindows(facts, dict.fromkeys(sensors, windows))


def split_windows(
    recordings: Sequence[RecordingWindows],
    sensor: str,
    length_ns: int,
    labels: str,
    held: Collection[SegmentKey],
    validating: Collection[int] = (),
) -> DatasetSplit:
    """Segments ``held`` validate; recordings ``validating`` teach nothing without a label."""
    parts: dict[SegmentKey, Part] = {
        (number, index): 'validation' if (number, index) in held else 'training'
        for number, each in enumerate(recordings)
        for index in range(len(each.facts.segments))
    }
    teaching = set(range(len(recordings))).difference(validating)
    found = _divide(recordings, sensor, length_ns, parts, teaching, (), labels, ())
    training, validation = (
        _dataset(recordings, sensor, found.rows[part], labels) for part in found.rows
    )
    return DatasetSplit(training, validation, found.left_out)


def test_windows_carry_their_class_recording_and_stamp():
    recordings = [recording('ab'), recording('ba')]
    examples = split_windows(recordings, 'i', LENGTH, 'ab', frozenset()).training
    assert len(examples) == 36
    assert examples.labels.tolist() == 9 * [0] + 9 * [1] + 9 * [1] + 9 * [0]
    assert examples.recordings.tolist() == 18 * [0] + 18 * [1]
    expected = (examples.ends_ns - EPOCH) / (SECOND / 2)
    assert np.array_equal(examples.values[:, 0, 0], expected)


def test_held_out_segments_validate_and_the_others_train():
    recordings = [recording('aab'), recording('abb')]
    sets = split_windows(recordings, 'i', LENGTH, 'ab', {(0, 1), (1, 2)})
    assert len(sets.validation) == 18
    assert set(sets.validation.recordings.tolist()) == {0, 1}
    keys = [
        {*zip(part.recordings.tolist(), part.ends_ns.tolist(), strict=True)}
        for part in (sets.training, sets.validation)
    ]
    assert len(keys[0]) == 36
    assert not keys[0] & keys[1]


def test_training_windows_that_reach_into_validation_are_left_out():
    # The segments follow each other at once: windows reach 1 s into their neighbours.
    sets = split_windows([recording('aba', gap_s=0)], 'i', LENGTH, 'ab', {(0, 1)})
    held = (EPOCH + 4 * SECOND, EPOCH + 8 * SECOND)
    for end_ns in sets.training.ends_ns.tolist():
        assert end_ns <= held[0] or end_ns - LENGTH >= held[1]
    assert sets.left_out['touches_validation'] == 4
    assert len(sets.training) == 14


def test_activities_that_are_not_learnt_are_counted():
    sets = split_windows([recording('abc')], 'i', LENGTH, 'ab', frozenset())
    assert sets.left_out == {'weak': 2, 'activity_left_out': 9}


def test_a_recording_without_windows_does_not_widen_the_numbers_of_others():
    full = recording('ab')
    windows = full.windows['i']
    halved = replace(windows, values=windows.values.astype(np.float16))
    empty = SensorWindows(
        np.zeros((0, 1, 1), np.float32), np.array([], np.int64), np.array([], np.int64), {}
    )
    recordings = [RecordingWindows(full.facts, {'i': part}) for part in (empty, halved)]
    sets = split_windows(recordings, 'i', LENGTH, 'ab', frozenset())
    assert sets.training.values.dtype == np.float16
    assert len(sets.training) == 18
    assert set(sets.training.recordings.tolist()) == {1}
    assert sets.validation.values.shape == (0, 1, 1)


def test_pairs_end_at_the_same_stamp_of_the_same_recording():
    dense = [recording('ab', hop_s=0.25), recording('ab', hop_s=0.25)]
    sparse = [recording('ab', hop_s=1), recording('ba', hop_s=1)]
    target = split_windows(dense, 'i', LENGTH, 'ab', frozenset()).training
    source = split_windows(sparse, 'i', LENGTH, 'ab', frozenset()).training
    rows = pair_in_time(target, source)
    paired = rows >= 0
    assert paired.sum() == len(source)
    assert np.array_equal(target.ends_ns[paired], source.ends_ns[rows[paired]])
    assert np.array_equal(target.recordings[paired], source.recordings[rows[paired]])


def test_without_common_stamps_nothing_is_paired():
    target = split_windows([recording('ab')], 'i', LENGTH, 'ab', frozenset()).training
    shifted = split_windows([recording('ab')], 'i', LENGTH, 'ab', frozenset()).training
    shifted.ends_ns[:] += 1
    assert (pair_in_time(target, shifted) == -1).all()


def without_labels(ends_s: list[float], *, segments: str = '') -> RecordingWindows:
    """Windows of no segment, beside segments of 4 s, one for each letter."""
    facts = recording(segments).facts
    ends = np.array([EPOCH + int(end * SECOND) for end in ends_s])
    values = np.zeros((len(ends), 1, 1), np.float32)
    windows = SensorWindows(values, ends, np.full(len(ends), -1), {})
    return RecordingWindows(facts, {'i': windows})


def test_windows_without_a_label_train_unless_they_touch_what_validates():
    bare = without_labels([1, 2])
    # The segment from 8 s on validates.
    beside = without_labels([5, 6, 7, 8, 8.5, 13, 13.5, 14], segments='ab')
    recordings = [recording('ab'), bare, beside]
    sets = split_windows(recordings, 'i', LENGTH, 'ab', {(0, 0), (2, 1)})
    shown = sets.training.unlabelled
    assert sets.training.recordings[shown].tolist() == [1, 1, 2, 2, 2, 2, 2]
    ends_s = (sets.training.ends_ns[shown[2:]] - EPOCH) / SECOND
    assert ends_s.tolist() == [5, 6, 7, 8, 14]
    assert sets.left_out['touches_validation'] == 3
    assert NO_LABEL not in sets.validation.labels
    assert sets.training.labels[sets.training.labelled].tolist() == 9 * [1]


def test_recordings_that_validate_teach_nothing_without_a_label():
    recordings = [recording('ab'), without_labels([1, 2, 3])]
    sets = split_windows(recordings, 'i', LENGTH, 'ab', frozenset(), [1])
    assert len(sets.training.unlabelled) == 0
    assert sets.left_out == {'weak': 2, 'of_validation_subjects': 3}


def test_windows_without_a_label_need_a_partner_and_labelled_ones_do_not():
    ours = [recording('ab'), without_labels([1, 2, 3])]
    theirs = [recording('a'), without_labels([2, 3, 4, 5])]
    sets = {
        name: split_windows(each, 'i', LENGTH, 'ab', frozenset())
        for name, each in (('ours', ours), ('theirs', theirs))
    }
    found = leave_out_unpaired(sets, 'ours')
    for name, labelled, lost in (('ours', 18, 1), ('theirs', 9, 2)):
        training = found[name].training
        ends_s = (training.ends_ns[training.unlabelled] - EPOCH) / SECOND
        assert ends_s.tolist() == [2, 3]
        assert len(training.labelled) == labelled
        assert len(training.values) == len(training) == labelled + 2
        assert found[name].left_out['unpaired'] == lost
    full = {'ours': split_windows(ours[:1], 'i', LENGTH, 'ab', frozenset())}
    assert leave_out_unpaired(full, 'ours')['ours'] is full['ours']

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

"""Recordings that nobody would choose to learn from are learnt from, or refused in words."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from test.paired_bags import write_paired_bag
from test.recordings import clips, write_imu_bag
from test.training.configured import configure, train_into
from xmodal_ros.errors import TrainingError
from xmodal_ros.progress import NullReporter

LABELS = ('sit', 'walk', 'wave')


class Heard(NullReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_sensors_of_18_100_and_200_hz_learn_together_and_each_is_understood(tmp_path: Path):
    rates = {'1': 18, '2': 100, '3': 200}
    rates |= {f'{subject} tested': rate for subject, rate in rates.items()}
    for seed, (subject, rate_hz) in enumerate(rates.items()):
        write_imu_bag(
            tmp_path / 'bags' / subject.replace(' ', '_'),
            clips(3 * LABELS, seconds=4),
            subject=subject,
            seed=seed,
            rate_hz=rate_hz,
        )
    config = configure(
        tmp_path / 'bags', encoders={}, test_subjects=tuple(s for s in rates if ' ' in s)
    )
    heard = Heard()
    result = train_into(tmp_path / 'imu', config, heard)
    made = result.info.provenance
    assert made['subjects']['training'] == ['1', '2', '3']
    assert set(made['counts']['left_out']) == {'unlabelled'}
    # A sensor that says more often how it moves is not more of what is learnt.
    windows = result.data_module.sets['imu'].training.recordings.tolist()
    counts = [windows.count(number) for number in range(3)]
    assert max(counts) - min(counts) <= 2 * min(counts) // 3
    assert (made['encoder_choice']['over'], made['encoder_choice']['groups']) == ('people', 3)
    for bag in result.evaluation.bags:
        assert not bag.offline.drops
        truths = [bag.truth_label(number) for number in range(len(bag.offline.predictions))]
        right = [
            prediction.scores[0][0] == truth
            for prediction, truth in zip(bag.offline.predictions, truths, strict=True)
            if truth is not None
        ]
        assert sum(right) > 0.9 * len(right), (bag.subject, bag.offline.predictions[:3])
    # Told of the one that is tested, for it lacks what the usual sensor gives.
    chosen, slower = heard.notes
    assert chosen.startswith('encoder auto of imu: ')
    assert slower.startswith('1_tested, to test on: imu: messages come at 18.0 Hz, the model ')


def write_few(folder: Path, segments: Mapping[str, int]) -> Path:
    for subject, count in segments.items():
        write_paired_bag(folder / subject, subject, labels=LABELS[:count])
    return folder


@pytest.mark.parametrize('sources', [(), ('camera',)])
def test_of_five_windows_in_all_it_is_said_what_they_are_too_few_for(
    sources: tuple[str, ...], tmp_path: Path
):
    config = configure(
        write_few(tmp_path / 'bags', {'1': 2, '2': 1, '3': 2}),
        encoders={},
        hop_s=4.0,
        sources=sources,
        method='xmodal' if sources else 'unimodal',
    )
    heard = Heard()
    result = train_into(tmp_path / 'imu', config, heard)
    windows = result.info.provenance['counts']['windows']
    assert windows['training'] + windows['validation'] <= 5
    *judged, chosen = heard.notes
    assert chosen == 'encoder auto of imu: the net alone; too few windows to choose by'
    assert [note.split(',')[0] for note in judged] == len(sources) * [
        'nobody can be held out to judge by'
    ]
    (calibrated,) = result.warnings
    assert 'calibrated on segments of people it has learnt from' in calibrated


def test_of_one_segment_of_each_activity_nobody_can_validate_and_it_is_refused(tmp_path: Path):
    bags = write_few(tmp_path / 'bags', {'1': 2, '3': 2})
    with pytest.raises(TrainingError, match='label more than one segment of each activity'):
        train_into(tmp_path / 'imu', configure(bags, encoders={}, hop_s=4.0))
    assert not (tmp_path / 'imu').exists()

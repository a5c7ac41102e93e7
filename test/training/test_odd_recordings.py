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

from test.paired_bags import LABELS, write_paired_bag
from test.recordings import clips, write_imu_bag
from test.training.configured import configure, train_into
from xmodal_ros.cli.dataset_page import summary
from xmodal_ros.errors import TrainingError
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.progress import NullReporter
from xmodal_ros.training import forest
from xmodal_ros.training.result import TrainingResult

TWICE = 2 * LABELS
ALONE_AND_TAUGHT = pytest.mark.parametrize('sources', [(), ('camera',)])


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
    by_one, *judged, chosen = heard.notes
    assert by_one.startswith('of the people learnt from one alone shows walk: ')
    assert chosen == 'encoder auto of imu: the net alone; too few windows to choose by'
    assert len(judged) == len(sources)
    for note in judged:
        assert note.startswith('camera to teach imu: ')
        assert '; judged by the loss on validation windows' in note
        assert result.verdict is not None
        assert result.verdict.document()['units'] == 0
    (calibrated,) = result.warnings
    assert 'calibrated on segments of people it has learnt from' in calibrated


def test_of_one_segment_of_each_activity_nobody_can_validate_and_it_is_refused(tmp_path: Path):
    bags = write_few(tmp_path / 'bags', {'1': 2, '3': 2})
    with pytest.raises(TrainingError, match='label more than one segment of each activity'):
        train_into(tmp_path / 'imu', configure(bags, encoders={}, hop_s=4.0))
    assert not (tmp_path / 'imu').exists()


@pytest.fixture
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, '_TREES', 10)


def learn(
    folder: Path, sources: tuple[str, ...], **changes: object
) -> tuple[TrainingResult, list[str]]:
    """Train on the bags of a folder, as little as there can be; give what was told too."""
    heard = Heard()
    asked = configure(
        folder,
        encoders={},
        hop_s=2.0,
        size='small',
        batch_size=8,
        sources=sources,
        method='xmodal' if sources else 'unimodal',
        method_options={'folds': 2} if sources else {},
        **changes,
    )
    result = train_into(folder / 'bundle', asked, heard)
    assert read_bundle_info(folder / 'bundle').weights_sha256 == result.info.weights_sha256
    # Each says what was decided, and the bundle names only what is in it.
    assert (result.verdict is not None) == bool(sources)
    if result.verdict is not None:
        assert result.verdict.sentence in heard.notes
        heard.notes.remove(result.verdict.sentence)
        used = result.verdict.decision != 'not used'
        assert result.info.sources == (sources if used else ())
    choices = [note for note in heard.notes if note.startswith('encoder auto of imu: ')]
    assert len(choices) == 1
    return result, [note for note in heard.notes if note not in choices]


def judges(result: TrainingResult) -> tuple[str, int] | None:
    """Say who or what judged the sources, and how many they were."""
    verdict = result.verdict
    return None if verdict is None else (verdict.unit, verdict.units)


@ALONE_AND_TAUGHT
@pytest.mark.usefixtures('_few_trees')
def test_a_person_who_shows_one_activity_only_is_learnt_from_and_judges(
    sources: tuple[str, ...], tmp_path: Path
):
    for subject, labels in {'1': TWICE, '2': 2 * LABELS[:1], '3': LABELS, '4': TWICE}.items():
        write_paired_bag(tmp_path / subject, subject, labels=labels)
    result, notes = learn(tmp_path, sources)
    assert judges(result) == (('people', 3) if sources else None)
    assert result.info.provenance['encoder_choice']['groups'] == 3
    assert notes == []
    assert result.warnings == ()


@ALONE_AND_TAUGHT
@pytest.mark.usefixtures('_few_trees')
def test_what_one_person_alone_shows_is_learnt_and_judged_by_nobody(
    sources: tuple[str, ...], tmp_path: Path
):
    for subject, labels in {'1': TWICE, '2': 2 * LABELS[:2], '3': LABELS, '4': TWICE[:2]}.items():
        write_paired_bag(tmp_path / subject, subject, labels=labels)
    result, notes = learn(tmp_path, sources)
    assert judges(result) == (('people', 3) if sources else None)
    assert result.info.labels == LABELS
    # Without him nobody could have learnt it: it would count as missed by all members.
    choice = result.info.provenance['encoder_choice']
    assert (choice['over'], choice['groups']) == ('people', 3)
    assert choice['alone']['statistics'] > 0.9
    (note,) = notes
    assert note.startswith('of the people learnt from one alone shows wave: how well it is ')


@ALONE_AND_TAUGHT
@pytest.mark.usefixtures('_few_trees')
def test_people_without_the_camera_are_learnt_from_and_judge(
    sources: tuple[str, ...], tmp_path: Path
):
    for subject, camera in {'1': True, '2': True, '3': True, '4': False, '5': False}.items():
        labels = LABELS if subject == '3' else TWICE
        write_paired_bag(tmp_path / subject, subject, labels=labels, camera=camera)
    result, notes = learn(tmp_path, sources)
    assert judges(result) == (('people', 4) if sources else None)
    assert result.info.provenance['encoder_choice']['groups'] == 4
    lacks = "{} has no sensor 'camera'"
    assert notes == [lacks.format(tmp_path / name) for name in '45' if sources]


@ALONE_AND_TAUGHT
@pytest.mark.usefixtures('_few_trees')
def test_of_an_axis_that_is_stuck_and_rates_that_are_cut_off_it_is_told(
    sources: tuple[str, ...], tmp_path: Path
):
    for subject in '123':
        labels = LABELS if subject == '3' else TWICE
        write_paired_bag(tmp_path / subject, subject, labels=labels, worn=True)
    result, notes = learn(tmp_path, sources)
    assert judges(result) == (('people', 2) if sources else None)
    stuck, cut_off = 'imu: acceleration z stays 9.81 while others move', 'imu: samples pile up at '
    told = summary(result.data_module.report)
    for subject in '12':
        for what in (stuck, cut_off):
            assert any(line.startswith(f'{subject}: {what}') for line in told), (what, told)
    # The robot's pipeline says so of whom it is tested on.
    assert [note.partition(', to test on: ')[2][: len(stuck)] for note in notes][:1] == [stuck]
    assert result.info.scores['test_macro_f1_window'] > 0.6


@pytest.mark.usefixtures('_few_trees')
def test_two_people_judge_each_other_and_one_person_by_his_recordings(tmp_path: Path):
    bags = {'two': {'1': '1', '2': '2', '3': '3'}, 'one': {'1': '1', 'again': '1', '3': '3'}}
    for folder, subjects in bags.items():
        for name, subject in subjects.items():
            labels = LABELS if subject == '3' else TWICE
            # The same again would be a copy.
            labels = labels[::-1] if name == 'again' else labels
            write_paired_bag(tmp_path / folder / name, subject, labels=labels)
    result, notes = learn(tmp_path / 'two', ('camera',))
    assert (judges(result), notes, result.warnings) == (('people', 2), [], ())
    result, notes = learn(tmp_path / 'one', ('camera',))
    assert (judges(result), notes) == (('recordings', 2), [])
    (warning,) = result.warnings
    assert "all recordings of 'imu' that were learnt from are of '1'" in warning


@pytest.mark.usefixtures('_few_trees')
def test_a_source_without_a_gyroscope_teaches_acceleration_or_is_refused_in_words(tmp_path: Path):
    for subject in '123':
        labels = LABELS if subject == '3' else TWICE
        write_paired_bag(tmp_path / subject, subject, labels=labels, camera=False, back=True)
    with pytest.raises(TrainingError, match=r"of sensor 'back' .* has no gyro .* --channels acc"):
        learn(tmp_path, ('back',), channels='acc_gyro')
    assert not (tmp_path / 'bundle').exists()
    result, notes = learn(tmp_path, ('back',))
    assert judges(result) == ('people', 2)
    assert result.info.window_shape[1] == 6
    (note,) = notes
    assert note.startswith("'back' has no gyro in most recordings looked at")


@ALONE_AND_TAUGHT
@pytest.mark.usefixtures('_few_trees')
def test_people_who_each_show_another_activity_cannot_choose_and_it_is_said(
    sources: tuple[str, ...], tmp_path: Path
):
    for subject, label in zip('124', LABELS, strict=True):
        write_paired_bag(tmp_path / subject, subject, labels=4 * (label,))
    write_paired_bag(tmp_path / '3', '3', labels=LABELS)
    result, _ = learn(tmp_path, sources)
    choice = result.info.provenance['encoder_choice']
    assert choice['over'] == 'parts of a recording'
    # Nobody left out would be recognised by a member that is not flattered.
    assert choice['alone']['statistics'] > 0.9
    (warning,) = result.warnings
    assert warning.startswith('most activities are shown by one person alone: what answers was ')
    assert 'on parts of a recording of people it has learnt from' in warning

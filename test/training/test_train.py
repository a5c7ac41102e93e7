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

"""A training run from recordings to a bundle."""

from dataclasses import replace
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from test.bundles import make_imu_bundle
from test.messages import SECOND
from test.paired_bags import LABELS, write_paired_bag, write_subjects
from test.training.configured import configure, train_into
from test.waiting import run_python
import xmodal_ros
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import (
    BagError,
    BundleError,
    ConfigurationError,
    TrainingError,
    UsageError,
    XmodalError,
)
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag
from xmodal_ros.methods.verdict import UnitDifference
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo, read_bundle_info
from xmodal_ros.models.description import describe_model, ModelDescription
from xmodal_ros.progress import EpochMetrics, NullReporter
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import classify_bag, sensor_for
from xmodal_ros.runtime.validated_accuracy import validated_accuracy
from xmodal_ros.training import answering, ensemble
from xmodal_ros.training import train as train_module
from xmodal_ros.training.card import _node as card_node
from xmodal_ros.training.distributed import DistributedContext
from xmodal_ros.training.result import _warnings, as_mapping
from xmodal_ros.training.stacking import choose_weights
from xmodal_ros.training.together import compare_together
from xmodal_ros.training.train import assist, train
from xmodal_ros.training.transfer_trainer import TransferTrainer


class Heard(NullReporter):
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []

    def begin(self, stage: str, total: int) -> None:
        self.stages.append(stage)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope='module')
def unimodal(recordings, tmp_path_factory):
    return train_into(tmp_path_factory.mktemp('unimodal') / 'imu', configure(recordings))


def test_without_an_encoder_named_one_is_chosen_and_told_everywhere(recordings, tmp_path):
    result = train_into(tmp_path / 'imu', configure(recordings, encoders={}))
    choice = result.info.provenance['encoder_choice']
    assert set(choice['alone']) == {'net', 'statistics', 'kernel', 'rocket', 'forest'}
    assert as_mapping(result)['encoder_choice'] == choice
    assert 'encoder, chosen by itself' in (tmp_path / 'imu' / 'README.md').read_text()
    info = load_bundle(tmp_path / 'imu').info
    members = () if info.ensemble is None else info.ensemble.members
    assert [each.name for each in members] == [n for n in choice['chosen'] if n != 'net']


def test_a_net_chosen_alone_is_calibrated_on_people_and_nobody_is_warned(
    recordings, tmp_path, monkeypatch
):
    def net_alone(answers, labels, groups):
        found = choose_weights(answers, labels, groups)
        return replace(found, weights={name: float(name == 'net') for name in answers})

    monkeypatch.setattr(ensemble, 'choose_weights', net_alone)
    result = train_into(tmp_path / 'imu', configure(recordings, encoders={}))
    assert result.info.ensemble is None
    assert result.info.provenance['encoder_choice']['chosen'] == {'net': 1.0}
    calibrated = 'on people left out in choosing the encoder'
    assert result.info.provenance['calibrated_on'] == calibrated
    assert f'- calibration, {calibrated}: ' in (result.path / 'README.md').read_text()
    assert result.warnings == ()


def test_one_encoder_is_calibrated_on_people_by_nets_that_have_not_met_them(tmp_path):
    bags = write_subjects(tmp_path / 'bags', ('1', '2', '3', '4'))
    heard = Heard()
    result = train_into(tmp_path / 'imu', configure(bags, test_subjects=('4',)), heard)
    assert result.info.provenance['encoder_choice'] == {}
    calibrated = 'on people left out, by nets that learnt from the others alone'
    assert result.info.provenance['calibrated_on'] == calibrated
    assert result.warnings == ()
    (told,) = heard.notes
    assert told.startswith('imu reached macro-F1 ')
    assert told.endswith(' on people left out in 3 folds, and is calibrated on these')
    assert [f'trying a net of imu, people {n} of 3' in heard.stages for n in (1, 2, 3)] == 3 * [
        True
    ]
    # Segments of people who train are answered by a net that knows them.
    named = train_into(
        tmp_path / 'named',
        configure(bags, test_subjects=('4',), validation_subjects=('3',)),
        heard,
    )
    assert named.info.provenance['calibrated_on'] == 'on the people who validated'
    assert len(heard.notes) == 1


def test_in_one_process_what_calibrates_begins_behind_what_several_learn_together(
    tmp_path, monkeypatch
):
    asked = []
    document = TransferTrainer.document

    def noted(self, name):
        asked.append(name)
        return document(self, name)

    monkeypatch.setattr(TransferTrainer, 'document', noted)
    bags = write_subjects(tmp_path / 'bags', ('1', '2', '3', '4'))
    changes = {'sources': ('camera',), 'method': 'distillation', 'quick': True}
    config = configure(bags, test_subjects=('4',), **changes)
    result = train_into(tmp_path / 'imu', config)
    assert 'by nets that learnt from the others' in result.info.provenance['calibrated_on']
    # Each of several processes must come to the first windows of a sensor at the same time.
    assert asked[0] == 'camera'


def test_a_net_alone_for_short_windows_is_calibrated_on_people_all_the_same(tmp_path):
    bags = write_subjects(tmp_path / 'bags', ('1', '2', '3', '4'))
    config = configure(bags, test_subjects=('4',), encoders={}, length_s=0.12, hop_s=0.5)
    result = train_into(tmp_path / 'imu', config)
    made = result.info.provenance
    assert made['encoder_choice']['why'] == 'windows are shorter than 8 steps'
    calibrated = 'on people left out, by nets that learnt from the others alone'
    assert made['calibrated_on'] == calibrated
    assert result.warnings == ()


def test_calibration_on_people_leaves_the_net_as_it_would_be_without(tmp_path, monkeypatch):
    bags = write_subjects(tmp_path / 'bags', ('1', '2', '3', '4'))
    config = configure(bags, test_subjects=('4',))
    result = train_into(tmp_path / 'imu', config)
    monkeypatch.setattr(train_module, 'try_nets', lambda *_a, **_k: None)
    without = train_into(tmp_path / 'without', config)
    (warning,) = without.warnings
    assert 'calibrated on segments of people it has learnt from' in warning
    ours, theirs = (load_bundle(each.path).classifier.state_dict() for each in (result, without))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert result.info.temperature != without.info.temperature


def test_the_bundle_classifies_and_says_where_it_comes_from(unimodal, recordings):
    info = load_bundle(unimodal.path).info
    assert info.labels == LABELS
    assert (info.sensor, info.method, info.sources) == ('imu', 'unimodal', ())
    provenance = info.provenance
    assert provenance['subjects'] == {'training': ['1', '2'], 'validation': [], 'test': ['3']}
    assert provenance['bags']['test'] == [str(recordings / 'bag_3')]
    assert provenance['seed'] == 0
    assert provenance['message_rate_hz'] == pytest.approx(50)
    assert {'torch', 'numpy', 'python', 'xmodal_ros'} <= set(provenance['versions'])
    assert info.scores['test_macro_f1'] == unimodal.evaluation.scores.macro_f1


def test_the_test_scores_are_those_of_the_live_engine(unimodal, recordings):
    make_deterministic()
    engine = Engine(load_bundle(unimodal.path))
    with BagReader(recordings / 'bag_3') as reader:
        offline = classify_bag(engine, reader, sensor_for(engine, reader))
        evaluation = evaluate(
            engine.bundle.info, [evaluate_bag(engine.bundle.info, reader, 'imu', offline)]
        )
    assert offline.predictions == unimodal.evaluation.bags[0].offline.predictions
    assert evaluation.scores is not None
    assert evaluation.scores.macro_f1 == unimodal.evaluation.scores.macro_f1
    assert evaluation.scores.macro_f1_window == unimodal.evaluation.scores.macro_f1_window


def test_where_nobody_can_be_tested_it_says_why(tmp_path):
    bags = write_subjects(tmp_path / 'bags')
    (bags / 'bag_3' / 'clocks.yaml').write_text('imu: {offset_s: 3600.0}\n')
    heard = Heard()
    result = train_into(tmp_path / 'imu', configure(bags), heard)
    assert result.evaluation.scores is None
    (told,) = [note for note in heard.notes if 'to test on' in note]
    assert told.startswith(
        'bag_3, to test on: imu: 12 of 12 labelled segments lie where it has no'
    )


def test_the_result_can_be_written_as_json(unimodal):
    result = json.loads(json.dumps(as_mapping(unimodal), allow_nan=False))
    assert result['macro_f1'] == unimodal.evaluation.scores.macro_f1
    assert {'macro_f1_window', 'accuracy', 'seed', 'durations_s', 'sources'} <= set(result)
    assert result['counts']['clips'] == {'training': 21, 'validation': 3}
    assert result['counts']['test']['clips'] == 12
    assert result['counts']['windows']['training'] > 60
    assert set(result['labels'][0]) >= {'stamp_ns', 'label', 'scores', 'bag'}
    assert len(result['fits']['imu']['history']) == 1


def test_figures_that_say_nothing_of_others_are_warned_of(unimodal, recordings, tmp_path):
    (calibrated,) = unimodal.warnings
    assert as_mapping(unimodal)['warnings'] == [calibrated]
    assert 'calibrated on segments of people it has learnt from' in calibrated
    alone = train_into(
        tmp_path / 'alone', configure(recordings, test_subjects=('2', '3'), quick=True)
    )
    quick, person = alone.warnings
    assert as_mapping(alone)['warnings'] == [quick, person]
    assert '--quick' in quick
    assert "all recordings of 'imu' that were learnt from are of '1'" in person
    assert 'say nothing about other people' in person
    card = (alone.path / 'README.md').read_text()
    assert f'**Warning:** {quick}.' in card
    assert f'**Warning:** {person}.' in card
    validated = train_into(
        tmp_path / 'validated', configure(recordings, validation_subjects=('2',))
    )
    assert validated.warnings == ()
    card = (validated.path / 'README.md').read_text()
    assert 'Warning' not in card
    assert 'learnt from 1, was validated on 1 and tested on 1 person, with' in card
    assert 'learnt from 2 and was tested on 1 person' in (unimodal.path / 'README.md').read_text()


@pytest.mark.parametrize(
    ('training', 'validation', 'named', 'over', 'told'),
    [
        ('a', 'a', '', 'recordings', 'what is right on validation, what the choice'),
        # Who only validates, without being named for it, is learnt from by members.
        ('a', 'b', '', 'people', ''),
        ('a', 'b', 'b', 'recordings', "of 'a': what the choice of an encoder reached was"),
        ('a', 'b', 'b', '', ''),
        ('ab', 'c', 'c', 'people', ''),
    ],
)
def test_one_person_to_choose_an_encoder_by_is_told(training, validation, named, over, told):
    def numbers(people):
        return np.array(['abc'.index(name) for name in people])

    labelled = SimpleNamespace(
        recordings=numbers(training), labelled=np.arange(len(training), dtype=np.int64)
    )
    split = SimpleNamespace(
        training=labelled, validation=SimpleNamespace(recordings=numbers(validation))
    )
    data: Any = SimpleNamespace(
        sets={'imu': split},
        split=SimpleNamespace(validation=tuple(named)),
        learning=[SimpleNamespace(subject=name) for name in 'abc'],
    )
    config: Any = SimpleNamespace(quick=False, target='imu')
    choice: Any = SimpleNamespace(document={'over': over} if over else {}, calibration=object())
    found = _warnings(config, data, choice)
    assert len(found) == bool(told)
    assert told in ''.join(found)
    assert ('Only the scores of validation and test subjects do' in ''.join(found)) == bool(
        told and named
    )


def test_people_who_have_a_source_alone_are_no_further_people_to_learn_from(tmp_path):
    folder = write_subjects(tmp_path / 'bags', ('1', '2', '3'), without_camera=('2',))
    config = configure(folder, target='camera', sources=('imu',), method='distillation')
    (person,) = train_into(tmp_path / 'camera', config).warnings
    assert "all recordings of 'camera' that were learnt from are of '1'" in person


def test_the_card_counts_what_the_bundle_is_made_of(recordings, tmp_path, monkeypatch):
    measured = []

    def measure(info: BundleInfo) -> ModelDescription:
        measured.append(info)
        return describe_model(info)

    monkeypatch.setattr('xmodal_ros.training.train.describe_model', measure)
    result = train_into(tmp_path / 'imu', configure(recordings, encoders={}, quick=True))
    model = describe_model(load_bundle(result.path).info)
    parts = {part.name: part.parameters for part in model.parts}
    net = model.parameters - parts['ensemble']
    assert parts['ensemble'] > 100
    assert (
        f'{model.parameters:,} parameters: {net:,} of the net, {parts["ensemble"]:,} of'
        in (result.path / 'README.md').read_text()
    )
    assert as_mapping(result)['parameters'] == model.parameters
    assert as_mapping(result)['parameters_by_part'] == parts
    # Once, for to build it and to run it takes its time.
    assert len(measured) == 1


def test_what_is_easy_is_learnt(recordings, tmp_path):
    result = train_into(tmp_path / 'imu', configure(recordings, epochs=4, batch_size=64))
    assert result.evaluation.scores is not None
    assert result.evaluation.scores.macro_f1 > 0.9


def test_the_same_seed_writes_the_same_weights(unimodal, recordings, tmp_path):
    again = train_into(tmp_path / 'again', configure(recordings))
    other = train_into(tmp_path / 'other', configure(recordings, seed=1))
    assert again.info.weights_sha256 == unimodal.info.weights_sha256
    assert again.info.temperature == unimodal.info.temperature
    assert other.info.weights_sha256 != unimodal.info.weights_sha256


def test_dcat_trains_its_source_first_and_runs_without_it(unimodal, recordings, tmp_path):
    heard = Heard()
    learnt = configure(recordings, method='dcat', sources=('camera',))
    result = train_into(tmp_path / 'dcat', learnt, heard)
    trained = [stage for stage in heard.stages if stage.startswith('training')]
    assert trained == ['training camera', 'training imu (dcat from camera)']
    assert result.info.sources == ('camera',)
    assert result.info.provenance['method_options']['weight'] == 1.0
    assert all('alignment' in report.parts for report in result.fits['imu'].history)
    assert result.info.weights_sha256 != unimodal.info.weights_sha256


def test_dcat_with_a_weight_of_zero_is_the_unimodal_run(unimodal, recordings, tmp_path):
    learnt = configure(
        recordings, method='dcat', sources=('camera',), method_options={'weight': 0}
    )
    result = train_into(tmp_path / 'dcat', learnt)
    assert result.info.weights_sha256 == unimodal.info.weights_sha256


def test_the_recipe_says_what_it_tried_and_whom_it_trusts(recordings, tmp_path):
    learnt = configure(recordings, method='xmodal', sources=('camera',))
    result = train_into(tmp_path / 'xmodal', learnt)
    provenance = load_bundle(result.path).info.provenance
    assert provenance['sources_given'] == ['camera']
    verdict = provenance['verdict']
    assert verdict == as_mapping(result)['verdict']
    assert verdict['sentence'].startswith('camera taught imu: ')
    assert (result.info.sources == ()) == (verdict['decision'] == 'not used')
    assert {'alone', 'camera'} <= verdict['macro_f1'].keys()
    assert verdict['sentence'] in (result.path / 'README.md').read_text(encoding='utf-8')
    assert as_mapping(result)['sources'] == list(result.info.sources)
    assert any(stage.startswith('training') for stage in result.durations_s)


def test_what_makes_all_together_worse_is_not_used_after_all(recordings, tmp_path, monkeypatch):
    alone = train_into(tmp_path / 'alone', configure(recordings, encoders={}))
    found = []

    def lost(*answers: Any) -> UnitDifference:
        found.append(compare_together(*answers))
        return UnitDifference(-0.2, 0.01, 0, 2)

    monkeypatch.setattr(answering, 'compare_together', lost)
    learnt = configure(recordings, encoders={}, method='xmodal', sources=('camera',))
    result = train_into(tmp_path / 'xmodal', learnt)
    verdict = result.info.provenance['verdict']
    said = (
        'camera taught imu, beside all else that answers: -0.20 macro-F1 on people it had not met'
    )
    assert verdict['sentence'] == f'{said} (0 of 2 better); not used'
    assert (verdict['decision'], verdict['judged']) == ('not used', 'all that answers')
    assert result.info.sources == ()
    # Windows of both people were found among those that the guard's nets had answered.
    assert [each.units for each in found if each is not None] == [2]
    # It is the bundle of a training without sources.
    assert result.info.weights_sha256 == alone.info.weights_sha256
    assert result.info.temperature == alone.info.temperature


def test_a_bank_travels_in_the_bundle_and_its_size_is_on_record(recordings, tmp_path):
    options = {'bank_size': 20, 'references': 10}
    learnt = configure(
        recordings, method='attention_patch', sources=('camera',), method_options=options
    )
    result = train_into(tmp_path / 'tap', learnt)
    bundle = load_bundle(result.path)
    assert bundle.info.patch is not None
    assert bundle.info.patch.bank == 20
    bank = bundle.info.provenance['method_facts']['bank']
    assert bank['rows'] == {'camera': 20}
    assert bank['of'] > 60
    assert bank['bytes'] == 4 * 20 * (64 + 64)
    assert as_mapping(result)['method_facts'] == {'bank': bank}
    # The scores are those of the engine, which has the one sensor only.
    assert result.evaluation.bags[0].offline.predictions


def test_a_camera_can_be_the_target(recordings, tmp_path):
    result = train_into(tmp_path / 'camera', configure(recordings, target='camera'))
    assert result.info.modality == 'camera'
    stream = load_bundle(result.path).info.stream
    assert isinstance(stream, CameraStream)
    assert stream.pixels == 'gray'


def test_validation_subjects_validate_and_nobody_else(recordings, tmp_path):
    result = train_into(tmp_path / 'imu', configure(recordings, validation_subjects=('2',)))
    assert result.info.provenance['subjects']['validation'] == ['2']
    assert result.info.provenance['counts']['clips'] == {'training': 12, 'validation': 12}
    # By which a selector trusts the model; the test subjects' score is not needed for it.
    assert validated_accuracy(tmp_path / 'imu') == result.info.scores['validation_accuracy_window']
    assert 0 < result.info.scores['validation_accuracy_window'] <= 1


def test_an_unlabelled_recording_is_left_out_and_reported(recordings, tmp_path):
    bare = write_paired_bag(tmp_path / 'bare', '4', labelled=False, camera=False)
    heard = Heard()
    result = train_into(tmp_path / 'imu', configure(recordings, bare), heard)
    found = as_mapping(result)['bags_without_labels']
    assert found == {'learnt_from': [], 'left_out': [str(bare)]}
    assert any('bare is left out: it has no labels' in note for note in heard.notes)


def test_only_unlabelled_recordings_are_refused(tmp_path):
    bare = write_paired_bag(tmp_path / 'bare', '4', labelled=False, camera=False)
    with pytest.raises(TrainingError, match='none of the 1 recordings is labelled'):
        train_into(tmp_path / 'imu', configure(bare))


@pytest.mark.parametrize(
    ('changes', 'error', 'message'),
    [
        ({'test_subjects': ('9',)}, TrainingError, "'9' is in none .* which show 1, 2, 3"),
        ({'test_subjects': ('1', '2', '3')}, TrainingError, 'no subject is left for training'),
        ({'validation_subjects': ('3',)}, TrainingError, 'for testing and for validation'),
        ({'target': 'imu_wrist'}, BagError, "'imu_wrist'.*closest is 'imu'"),
        ({'method': 'dact'}, ConfigurationError, 'choose one of'),
        ({'method': 'dcat'}, ConfigurationError, 'name at least one --source'),
        ({'sources': ('camera',)}, ConfigurationError, 'uses no source'),
        ({'method': 'dcat', 'sources': ('imu',)}, ConfigurationError, 'different sensors'),
        ({'method': 'dcat', 'sources': ('microphone',)}, BagError, "'microphone'"),
        ({'device': 'tpu'}, ConfigurationError, 'device'),
        ({'length_s': 0.001}, ConfigurationError, '--window or --hop'),
        ({'hop_s': 0.0}, ConfigurationError, '--window or --hop'),
        ({'length_s': 12.0}, TrainingError, 'left out: .* unlabelled'),
    ],
)
def test_a_plan_that_cannot_work_is_refused_in_words(
    recordings, tmp_path, changes, error, message
):
    with pytest.raises(error, match=message):
        train_into(tmp_path / 'imu', configure(recordings, **changes))
    assert not list(tmp_path.iterdir())


def test_an_encoder_of_a_modality_that_takes_no_part_is_refused(recordings, tmp_path):
    asked = configure(recordings, encoders={'camera': 'camera_cnn'})
    with pytest.raises(ConfigurationError, match='for camera, and no sensor of this run'):
        train_into(tmp_path / 'imu', asked)


def test_weights_that_no_encoder_begins_with_are_refused(recordings, tmp_path):
    asked = configure(recordings, weights=tmp_path / 'weights.pth')
    with pytest.raises(ConfigurationError, match='leave --weights out, or choose'):
        train_into(tmp_path / 'imu', asked)


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(XmodalError, match=r'nowhere.*does not exist'):
        train_into(tmp_path / 'imu', configure(tmp_path / 'nowhere'))


def test_one_activity_is_not_enough(tmp_path):
    for subject in '123':
        write_paired_bag(tmp_path / subject, subject, labels=['walk'] * 3, camera=False)
    with pytest.raises(TrainingError, match='1 activities, but two are needed'):
        train_into(tmp_path / 'out' / 'imu', configure(tmp_path))


def test_activities_only_test_subjects_show_are_reported_and_count_as_missed(tmp_path):
    bags = write_subjects(tmp_path / 'bags', ('1', '2'))
    write_paired_bag(bags / 'bag_3', '3', labels=(*LABELS, 'fall'), camera=False)
    heard = Heard()
    result = train_into(tmp_path / 'imu', configure(bags), heard)
    assert as_mapping(result)['activities_only_in_test'] == ['fall']
    assert any("'fall'" in note for note in heard.notes)
    assert result.evaluation.scores is not None
    assert result.evaluation.scores.f1_by_label['fall'] == 0


def test_sensors_that_never_ran_together_cannot_teach_each_other(tmp_path):
    late = 3600 * SECOND + 1
    for subject in '123':
        write_paired_bag(tmp_path / subject, subject, camera_delay_ns=late)
    learnt = configure(tmp_path, method='dcat', sources=('camera',))
    with pytest.raises(
        TrainingError, match=r"'camera' shows an activity that 'imu' is taught: .* clock"
    ):
        train_into(tmp_path / 'out' / 'imu', learnt)


def test_sensors_that_took_turns_cannot_teach_each_other_in_time(tmp_path):
    for subject in '123':
        write_paired_bag(tmp_path / subject, subject, take_turns=True)
    learnt = configure(tmp_path, method='dcat', sources=('camera',))
    message = r"of source 'camera' ends when one of 'imu' does.*pairing=class.*left out"
    with pytest.raises(TrainingError, match=message):
        train_into(tmp_path / 'out' / 'imu', learnt)
    by_label = learnt.model_copy(update={'method_options': {'pairing': 'class'}})
    result = train_into(tmp_path / 'out' / 'imu', by_label)
    assert result.fits['imu'].history[0].parts['alignment'] > 0


def test_a_source_that_shows_other_activities_only_is_refused(tmp_path):
    labels = (*LABELS, *LABELS, *(3 * ('fall', 'jump')))
    for subject in '123':
        write_paired_bag(tmp_path / subject, subject, labels=labels, take_turns=True)
    learnt = configure(tmp_path, method='attention_patch', sources=('camera',))
    with pytest.raises(
        TrainingError, match=r"'camera' shows an activity that .*activity_left_out"
    ):
        train_into(tmp_path / 'out' / 'imu', learnt)


def test_an_imu_without_gyro_is_learnt_from_accelerations_unless_a_gyro_is_asked_for(tmp_path):
    for subject in '123':
        write_paired_bag(tmp_path / subject, subject, has_gyro=False, camera=False)
    with pytest.raises(TrainingError, match='--channels acc'):
        train_into(tmp_path / 'out' / 'imu', configure(tmp_path, channels='acc_gyro'))
    heard = Heard()
    result = train_into(tmp_path / 'out' / 'imu', configure(tmp_path), heard)
    assert result.info.window_shape == (100, 3)
    assert any(note.startswith("'imu' has no gyro in most") for note in heard.notes)


def test_a_folder_that_is_no_bundle_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'chapter').write_text('1')
    with pytest.raises(BundleError, match='refusing to replace'):
        train_into(tmp_path / 'thesis', configure(tmp_path / 'nowhere'))


@pytest.mark.parametrize(
    ('changes', 'what'),
    [
        ({'pretrain': 5}, 'leave --pretrain out'),
        ({'method': 'dynamic_gating', 'sources': ('camera',)}, 'method dynamic_gating'),
    ],
)
def test_what_one_process_alone_can_learn_is_refused_before_anything_is_read(
    tmp_path, changes, what
):
    class OneOfTwo(DistributedContext):
        world_size = 2

    asked = configure(tmp_path / 'nowhere', out=tmp_path / 'imu', **changes)
    for run in (lambda: train(asked, context=OneOfTwo()), lambda: assist(asked, OneOfTwo())):
        with pytest.raises(UsageError, match=f'{what}.*without torchrun'):
            run()


@pytest.mark.parametrize('stage', ['cutting windows', 'training imu'])
def test_an_interrupted_run_leaves_nothing_behind(recordings, tmp_path, stage):
    class Interrupting(NullReporter):
        def begin(self, current: str, total: int) -> None:
            if current == stage:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / 'imu', configure(recordings), Interrupting())
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_leaves_the_bundle_before_as_it_was(unimodal, recordings, tmp_path):
    class Interrupting(NullReporter):
        def epoch(self, metrics: EpochMetrics) -> None:
            raise KeyboardInterrupt

    train_into(tmp_path / 'imu', configure(recordings))
    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / 'imu', configure(recordings, seed=5), Interrupting())
    assert {file.name for file in tmp_path.iterdir()} == {'imu', '.imu.training'}
    assert read_bundle_info(tmp_path / 'imu').weights_sha256 == unimodal.info.weights_sha256
    # What was trained is there to go on from, for that run alone.
    with pytest.raises(TrainingError, match=r'seed .* was 5 and is 0'):
        train_into(tmp_path / 'imu', configure(tmp_path / 'not even read'), resume=True)
    resumed = train_into(tmp_path / 'imu', configure(recordings, seed=5), resume=True)
    assert resumed.info.provenance['seed'] == 5
    assert [file.name for file in tmp_path.iterdir()] == ['imu']


def test_the_page_names_an_executable_that_there_is_for_every_modality():
    nodes = {file.stem for file in (Path(xmodal_ros.__file__).parent / 'nodes').glob('*.py')}
    for modality in ('imu', 'camera', 'audio', 'skeleton', 'wrench'):
        node, parameters = card_node(modality, '/topic').values()
        assert node in nodes
        assert (node == 'classifier') == (f'-p modality:={modality} ' in parameters)
        assert (node == 'classifier') == (f'{modality}_classifier' not in nodes)


def test_the_bundle_has_a_page_for_people_and_its_losses(unimodal):
    card = (unimodal.path / 'README.md').read_text()
    scores = unimodal.evaluation.scores
    for said in (
        f'| macro-F1 per clip | {scores.macro_f1:.3f} |',
        '| training | 1, 2 |',
        '| test | 3 |',
        'held-out segments of the people trained on',
        '1 person tested: too few to say whether another model is better or worse',
        'The test was one recording: from it nobody can tell how much',
        '# recordings that have the sensor imu\n',
        'ros2 run xmodal_ros imu_classifier --ros-args -p model:=BUNDLE -p topic:=/imu\n',
        'python3 -m xmodal_ros.nodes.imu_classifier --ros-args -p model:=BUNDLE -p topic:=/imu',
    ):
        assert said in card
    assert 'without a label' not in card
    table = (unimodal.path / 'training.csv').read_text().splitlines()
    report = unimodal.fits['imu'].history[0]
    assert table[1].startswith(f'training imu,1,{report.training_loss!r},')
    # Nothing depends on them.
    (unimodal.path / 'README.md').write_text('mine')
    assert load_bundle(unimodal.path).info.labels == LABELS


@pytest.mark.parametrize('size', [100_000, 432_000])
def test_a_disk_that_is_full_leaves_no_half_a_bundle(tmp_path, size):
    script = (
        'import resource, sys\n'
        'from pathlib import Path\n'
        'from xmodal_ros.models.bundle import load_bundle, save_bundle\n'
        'b = load_bundle(Path(sys.argv[1]))\n'
        'import torch\n'
        f'resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n'
        'notes = {"README.md": "x" * 500_000}\n'
        'window = torch.zeros(b.info.window_shape)\n'
        'save_bundle(Path(sys.argv[2]), b.info, b.classifier, window, notes)\n'
    )
    old = make_imu_bundle(tmp_path / 'old')
    done = run_python(script, old, tmp_path / 'new', check=False)
    assert 'BundleError: cannot write a bundle' in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ['old']


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')
def test_it_trains_on_a_gpu(recordings, tmp_path):
    result = train_into(tmp_path / 'imu', configure(recordings, device='cuda'))
    assert load_bundle(result.path, 'cpu').info.labels == LABELS

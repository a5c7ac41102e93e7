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

"""Learning from windows without a label: what is used, what never is, and who is told."""

from contextlib import suppress
import json
from pathlib import Path
import shutil

import numpy as np
import pytest
import torch

from test.messages import SECOND
from test.paired_bags import LABELS, write_paired_bag, write_subjects
from test.training.configured import configure, train_into
from xmodal_ros.configuration.training import make_configuration, TrainingConfiguration
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.data.recording import cut_into_memory
from xmodal_ros.data.report import in_words, REASONS
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.progress import NullReporter
from xmodal_ros.training.checkpoint import TrainerState
from xmodal_ros.training.checkpoint_store import describe_run, describe_windows, run_checkpoints
from xmodal_ros.training.result import as_mapping

LENGTH = 2 * SECOND


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two people all is labelled, and nothing of the second."""
    return write_subjects(tmp_path_factory.mktemp('bags'), labels=3 * LABELS, without_labels='2')


def asked(*bags: Path, method: str = 'distillation', **changes: object) -> TrainingConfiguration:
    """Ask to learn from windows without a label too."""
    config = configure(*bags, method=method, sources=('camera',), size='small', unlabelled=True)
    return config.model_copy(update=changes)


class Heard(NullReporter):
    def __init__(self, stop_at: str = '') -> None:
        self.notes: list[str] = []
        self.stop_at = stop_at

    def begin(self, stage: str, total: int) -> None:
        if self.stop_at and stage.startswith(self.stop_at):
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


def keys(examples: WindowsDataset, rows: np.ndarray) -> set[tuple[int, int]]:
    return {*zip(examples.recordings[rows].tolist(), examples.ends_ns[rows].tolist(), strict=True)}


@pytest.fixture(scope='module')
def both(bags):
    """What is gathered with the flag, and without."""
    return prepare_data(asked(bags), Heard()), prepare_data(asked(bags, unlabelled=False), Heard())


def test_without_the_flag_nothing_changes(bags, both):
    _, off = both
    alone = prepare_data(asked(bags / 'bag_1', bags / 'bag_3', unlabelled=False), Heard())
    assert describe_windows(off.sets) == describe_windows(alone.sets)
    assert off.unlabelled == (bags / 'bag_2',)
    for found in off.sets.values():
        assert NO_LABEL not in found.training.labels
        assert found.left_out['unlabelled'] > 10


def test_labelled_windows_stay_and_all_others_that_have_a_partner_are_added(both):
    on, off = both
    numbers = {facts.name: number for number, facts in enumerate(on.learning)}
    assert numbers.keys() == {'bag_1', 'bag_2'}
    cut_specs = {name: (r.stream, r.training_window) for name, r in on.recipes.items()}
    cut = [cut_into_memory(facts, cut_specs, unlabelled=True) for facts in on.learning]
    ends = [{name: {*w.ends_ns.tolist()} for name, w in each.windows.items()} for each in cut]
    for name, found in on.sets.items():
        ours, before = found.training, off.sets[name].training
        assert np.array_equal(ours.values[ours.labelled], before.values[:])
        assert np.array_equal(ours.labels[ours.labelled], before.labels)
        assert np.array_equal(found.validation.values[:], off.sets[name].validation.values[:])
        shown = keys(ours, ours.unlabelled)
        in_bare = {end for number, end in shown if number == numbers['bag_2']}
        assert in_bare == ends[numbers['bag_2']]['imu'] & ends[numbers['bag_2']]['camera']
        assert len(shown) > len(in_bare) > len(ours.labelled)
        assert 'unlabelled' not in found.left_out
        windows = sum(len(each.windows[name].ends_ns) for each in cut)
        lost = sum(found.left_out.get(why, 0) for why in ('touches_validation', 'unpaired'))
        assert len(ours) + len(found.validation) + lost == windows
    pairs = [keys(found.training, found.training.unlabelled) for found in on.sets.values()]
    assert pairs[0] == pairs[1]
    assert on.clips == off.clips


def test_none_touches_a_segment_that_validates_or_a_person_who_tests(both):
    on, _ = both
    validation = on.sets['imu'].validation
    segments = [
        (number, segment)
        for number, facts in enumerate(on.learning)
        for segment in facts.segments
        if any(
            segment.start_ns < end <= segment.end_ns
            for of, end in keys(validation, np.arange(len(validation)))
            if of == number
        )
    ]
    assert len(segments) >= 3
    for found in on.sets.values():
        for number, end_ns in keys(found.training, found.training.unlabelled):
            for of, segment in segments:
                apart = segment.start_ns >= end_ns or segment.end_ns <= end_ns - LENGTH
                assert of != number or apart
    assert {facts.subject for facts in on.learning} == {'1', '2'}
    # Whoever was learnt from counts as such, or somebody would test on them.
    assert on.split.training == ('1', '2')


def test_of_people_who_validate_or_test_only_labelled_windows_are_used(bags, tmp_path):
    folder = Path(shutil.copytree(bags, tmp_path / 'bags'))
    write_paired_bag(folder / 'bag_4', '4', labels=2 * LABELS)
    for subject in '34':
        write_paired_bag(folder / f'bare_{subject}', subject, labels=LABELS, labelled=False)
    write_paired_bag(folder / 'blind', '5', labels=LABELS, labelled=False, camera=False)
    heard = Heard()
    found = prepare_data(asked(folder, validation_subjects=('4',)), heard)
    assert [facts.name for facts in found.learning] == ['bag_1', 'bag_2', 'bag_4']
    ours = found.sets['imu']
    assert {*ours.training.recordings.tolist()} == {0, 1}
    assert {*ours.validation.recordings.tolist()} == {2}
    assert NO_LABEL not in ours.validation.labels
    assert ours.left_out['of_validation_subjects'] > 10
    assert in_words('of_validation_subjects') == REASONS['of_validation_subjects']
    told = '\n'.join(heard.notes)
    for name in ('bare_3', 'bare_4'):
        assert f'{folder / name} is left out: it has no labels\n' in told
    assert "blind is left out: it has no labels, and not both 'imu' and a source" in told


def test_refusals_stay_what_they_were(bags, tmp_path):
    with pytest.raises(TrainingError, match='none of the 1 recordings is labelled'):
        prepare_data(asked(bags / 'bag_2'), Heard())
    with pytest.raises(TrainingError, match=r"of subject '2' nothing can be used.*has no labels"):
        prepare_data(asked(bags, test_subjects=('2',)), Heard())
    with pytest.raises(TrainingError, match='for training: the labelled recordings show 1, 3'):
        prepare_data(asked(bags, test_subjects=('1', '3')), Heard())
    walks = tmp_path / 'walks'
    for subject in '13':
        write_paired_bag(walks / subject, subject, labels=['walk'] * 3)
    with pytest.raises(TrainingError, match='show 1 activities, but two are needed'):
        prepare_data(asked(walks), Heard())
    write_paired_bag(tmp_path / 'bare', 'Subject 03', labels=LABELS, labelled=False)
    labelled = write_paired_bag(tmp_path / 'labelled', 'subject_3', labels=LABELS)
    with pytest.raises(TrainingError, match=r"'Subject 03' .training. and 'subject_3' .testing."):
        prepare_data(
            asked(bags, tmp_path / 'bare', labelled, test_subjects=('subject_3',)), Heard()
        )


def test_of_a_recording_and_its_labelled_copy_the_latter_is_used(bags, tmp_path):
    bare = write_paired_bag(tmp_path / 'a', '1', labels=2 * LABELS, labelled=False)
    copy = Path(shutil.copytree(bare, tmp_path / 'b'))
    rows = [f'{5 * n},{5 * n + 4},{label}' for n, label in enumerate(2 * LABELS)]
    (copy / 'labels.csv').write_text('\n'.join(['start,end,label', *rows]))
    found = prepare_data(asked(tmp_path, bags / 'bag_3'), Heard())
    assert [facts.path for facts in found.learning] == [copy]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'method': 'unimodal', 'sources': ()}, 'unimodal learns nothing'),
        ({'method': 'attention_patch'}, 'attention_patch learns nothing .* distillation'),
        ({'method_options': {'pairing': 'class'}}, 'distillation pairing=class learns nothing'),
    ],
)
def test_methods_that_learn_nothing_from_them_are_refused_before_anything_is_read(
    tmp_path, changes, message
):
    with pytest.raises(ConfigurationError, match=message):
        train_into(tmp_path / 'imu', asked(tmp_path / 'nowhere', **changes))


def test_a_configuration_asks_for_them():
    needed = {'bags': ['bags'], 'target': 'imu', 'test_subjects': ['3'], 'out': 'imu'}
    assert make_configuration({**needed, 'unlabelled': 'true'}).unlabelled
    assert not make_configuration(needed).unlabelled


def test_the_windows_from_the_cache_are_the_same(bags, both, tmp_path):
    # To the last bit, and with them the weights.
    for _ in range(2):
        kept = prepare_data(asked(bags, no_cache=False, cache=tmp_path / 'cache', jobs=1), Heard())
        assert describe_windows(kept.sets) == describe_windows(both[0].sets)
    off = prepare_data(
        asked(bags, unlabelled=False, no_cache=False, cache=tmp_path / 'cache', jobs=1), Heard()
    )
    assert describe_windows(off.sets) == describe_windows(both[1].sets)


def test_the_bundle_says_how_many(bags, both, tmp_path):
    heard = Heard()
    result = train_into(tmp_path / 'imu', asked(bags, encoders={'camera': 'camera_cnn'}), heard)
    training = both[0].sets['imu'].training
    document = json.loads(json.dumps(as_mapping(result)))
    assert document['counts']['windows']['training'] == len(training.labelled)
    assert document['counts']['windows']['unlabelled'] == len(training.unlabelled)
    assert document['subjects']['training'] == ['1', '2']
    assert document['bags_without_labels'] == {
        'learnt_from': [str(bags / 'bag_2')],
        'left_out': [],
    }
    recordings = document['counts']['recordings']
    assert recordings == {
        'training_and_validation': 1,
        'without_labels': 1,
        'test': 1,
        'left_out_without_labels': 0,
    }
    windows = {
        (bag['name'], sensor['sensor']): (sensor['windows'], sensor['unlabelled'])
        for bag in document['data']
        for sensor in bag['sensors']
    }
    assert windows['bag_2', 'imu'][0] == windows['bag_2', 'imu'][1] > 10
    assert windows['bag_1', 'imu'][0] > windows['bag_1', 'imu'][1] > 10
    told = f'{len(training.unlabelled)} windows'
    assert any(note.startswith(f"{told} of 'imu' without a label") for note in heard.notes)
    card = (result.path / 'README.md').read_text()
    assert f'{told} without a label' in card
    assert 'Of 2 it knows no others.' in card
    assert '| training | 1 |' in card
    assert result.info.subjects_trained_on == ('1', '2')
    taught = document['encoder_choice']['pseudo_labels']
    # Half of the labelled person's own overlap those that are left out.
    assert 10 < taught['windows'] <= windows['bag_2', 'imu'][1]
    assert f'; {taught["windows"]} windows without a label, as ' in card
    assert any(
        note.startswith(f'camera said what {taught["windows"]} windows') for note in heard.notes
    )


def test_a_run_goes_on_with_what_it_was_begun_with_only(tmp_path):
    out, config = tmp_path / 'imu', asked(tmp_path / 'not even read')
    identity = describe_run(config, torch.device('cpu'))
    with (
        suppress(KeyboardInterrupt),
        run_checkpoints(out, identity, resume=False, note=Heard().note) as checkpoints,
    ):
        checkpoints.of(1, 'training camera').save(TrainerState({}, 0, ()))
        raise KeyboardInterrupt
    with pytest.raises(TrainingError, match=r'unlabelled .* was True and is False'):
        train_into(out, config.model_copy(update={'unlabelled': False}), resume=True)


def test_where_no_source_saw_one_the_user_is_told(tmp_path):
    for subject in '13':
        path = tmp_path / 'bags' / subject
        write_paired_bag(path, subject, labels=4 * LABELS, take_turns=True)
    heard = Heard('training')
    apart = asked(tmp_path / 'bags', method_options={'pairing': 'time_else_class'})
    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / 'imu', apart, heard)
    assert any(
        '--unlabelled changes nothing' in note and 'unpaired' in note for note in heard.notes
    )

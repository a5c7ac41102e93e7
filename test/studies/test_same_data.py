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

"""A study divides and guards recordings as training does."""

from pathlib import Path
import shutil

import numpy as np
import pytest

from test.paired_bags import LABELS, write_paired_bag, write_subjects
from test.studies.small_study import study
from test.training.configured import configure
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.runner import group_data
from xmodal_ros.studies.study import StudyRuns


class Heard(NullReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people; what the first does, he does without a pause between."""
    folder = write_subjects(tmp_path_factory.mktemp('bags'), ('1', '2', '3', '4'))
    rows = [f'{4 * n},{4 * n + 4},{label}' for n, label in enumerate(4 * LABELS)]
    (folder / 'bag_1' / 'labels.csv').write_text('\n'.join(['start,end,label', *rows]))
    return folder


@pytest.fixture
def folder(bags: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bags, tmp_path / 'bags'))


def direction(validation: tuple[str, ...]) -> dict[str, list[str]]:
    train = [name for name in ('1', '2', '4') if name not in validation]
    return {'train': train, 'test': ['3'], 'validation': list(validation)}


def prepare(folder: Path, out: Path, reporter=None, **split) -> StudyRuns:
    small = study(folder, splits={'across': {'directions': [split]}}, seeds=[3])
    runs = StudyRuns(small, out, 'cpu')
    runs.prepare(reporter or NullReporter(), 1)
    return runs


def train(*bags: Path, validation: tuple[str, ...] = ()) -> TrainingConfiguration:
    return configure(
        *bags, sources=('camera',), method='distillation', seed=3, length_s=1.5, hop_s=1.0,
        validation_subjects=validation,
    )  # fmt: skip


def windows(examples: WindowsDataset, names: list[str]) -> dict[tuple[str, int], int]:
    keys = zip(examples.recordings.tolist(), examples.ends_ns.tolist(), strict=True)
    labels = examples.labels.tolist()
    return {(names[n], end): label for (n, end), label in zip(keys, labels, strict=True)}


@pytest.mark.parametrize('validation', [(), ('4',)])
def test_the_windows_labels_and_validation_segments_are_the_same(bags, tmp_path, validation):
    trained = prepare_data(train(bags, validation=validation), NullReporter())
    runs = prepare(bags, tmp_path / 'out', **direction(validation))
    job = next(job for job in runs.jobs() if job.group.sources)
    studied = group_data(job)
    assert studied.labels == trained.labels
    learnt = [facts.name for facts in trained.learning]
    all_names = [facts.name for facts in job.facts]
    for name in ('imu', 'camera'):
        ours, theirs = trained.sets[name], studied.sets[name]
        # Of people who validate nothing is near what is learnt from.
        assert ('touches_validation' in ours.left_out) == (not validation)
        for part in ('training', 'validation'):
            mine, his = getattr(ours, part), getattr(theirs, part)
            assert len(mine) > 5
            assert windows(mine, learnt) == windows(his, all_names)
            if name == 'imu':
                assert np.array_equal(np.asarray(mine.values), his.values)
    assert {job.facts[n].name for n, _ in studied.test.clips} == {'bag_3'}


def test_a_copy_is_left_out_and_told(folder, tmp_path):
    shutil.copytree(folder / 'bag_1', folder / 'copy')
    heard = Heard()
    runs = prepare(folder, tmp_path / 'out', heard, **direction(()))
    assert [facts.name for facts in runs.jobs()[0].facts] == ['bag_1', 'bag_2', 'bag_3', 'bag_4']
    told = f'{folder / "copy"} is left out: it holds the same as {folder / "bag_1"}'
    assert told in heard.notes


def test_the_same_recording_of_two_people_is_refused(folder, tmp_path):
    copy = Path(shutil.copytree(folder / 'bag_1', tmp_path / 'other' / 'subject_9'))
    text = (copy / 'metadata.yaml').read_text()
    (copy / 'metadata.yaml').write_text(
        text.replace('subject: "1"', '').replace("subject: '1'", '')
    )
    for refused in (
        lambda: prepare_data(train(folder, copy), NullReporter()),
        lambda: _prepare_both(folder, copy, tmp_path / 'out'),
    ):
        with pytest.raises(TrainingError, match='hold the same recording'):
            refused()


def _prepare_both(folder: Path, copy: Path, out: Path) -> None:
    small = study(folder).model_copy(update={'recordings': (folder, copy)})
    StudyRuns(small, out, 'cpu').prepare(NullReporter(), 1)


def test_one_person_under_two_names_in_two_parts_is_refused(folder, tmp_path):
    write_paired_bag(folder / 'bag_5', 'subject_03')
    write_paired_bag(folder / 'bag_6', 'Subject 3')
    split = {'train': ['1', 'subject_03'], 'test': ['Subject 3']}
    with pytest.raises(TrainingError, match=r"'Subject 3'.*'subject_03'.*look like one person"):
        prepare(folder, tmp_path / 'out', **split)
    assert not (tmp_path / 'out' / 'windows').exists()
    # Who has no part in it may be called as he likes.
    assert prepare(folder, tmp_path / 'out', train=['1'], test=['Subject 3']).jobs()

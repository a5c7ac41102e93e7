"""A study divides recordings as training does."""

from pathlib import Path

import numpy as np
import pytest

from test.paired_bags import LABELS, write_subjects
from test.studies.small_study import study
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.plan import NullReporter, TrainingPlan
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.dataset import WindowsDataset
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


def direction(validation: tuple[str, ...]) -> dict[str, list[str]]:
    train = [name for name in ('1', '2', '4') if name not in validation]
    return {'train': train, 'test': ['3'], 'validation': list(validation)}


def prepare(folder: Path, out: Path, reporter=None, **split) -> StudyRuns:
    small = study(folder, splits={'across': {'directions': [split]}}, seeds=[3])
    runs = StudyRuns(small, out, 'cpu')
    runs.prepare(reporter or NullReporter(), 1)
    return runs


def train(folder: Path, validation: tuple[str, ...] = ()) -> TrainingPlan:
    choices = RecipeChoices(1.5, 1)
    return TrainingPlan(
        (folder,), 'imu', ('3',), ('camera',), 'distillation', seed=3, choices=choices,
        validation_subjects=validation,
    )  # fmt: skip


def windows(examples: WindowsDataset, names: list[str]) -> dict[tuple[str, int], int]:
    keys = zip(examples.recordings.tolist(), examples.ends_ns.tolist(), strict=True)
    labels = examples.labels.tolist()
    return {(names[n], end): label for (n, end), label in zip(keys, labels, strict=True)}


@pytest.mark.parametrize('validation', [(), ('4',)])
def test_the_windows_labels_and_validation_segments_are_the_same(bags, tmp_path, validation):
    trained = prepare_data(train(bags, validation), NullReporter())
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

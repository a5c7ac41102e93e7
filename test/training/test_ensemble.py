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

"""The encoder ``auto``: chosen on people left out, the same by the same seed, told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from test.training.small_trainer import chosen, examples, Notes, RECIPES, SETTINGS, TARGET, trainer
from xmodal_ros.configuration.fit_settings import FitSettings, RecipeChoices
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.modalities.camera.augmentation import CameraAugmentation
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.training import ensemble
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.ensemble import choose_ensemble
from xmodal_ros.training.ridge import balanced_weights, fit_ridge
from xmodal_ros.training.stacking import choose_weights, stack
from xmodal_ros.training.together import NET
from xmodal_ros.training.trainer import predict_answers, repeatable
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec


def recorded(count: int) -> WindowsDataset:
    made = examples(72, noise=0.5)
    return replace(made, recordings=np.arange(72) // 12 % count)


def test_it_is_chosen_on_people_left_out_and_the_seed_fixes_it():
    reporter = Notes()
    first, again = chosen(recorded(4), reporter), chosen(recorded(4), reporter)
    assert first.document == again.document
    assert (first.document['over'], first.document['groups']) == ('people', 4)
    assert set(first.document['alone']) == {'net', 'statistics', 'kernel', 'rocket', 'forest'}
    assert sum(first.document['chosen'].values()) == pytest.approx(1, abs=0.01)
    assert first.document['macro_f1'] > 0.8
    assert first.ensemble is not None
    assert again.ensemble is not None
    for name, value in first.ensemble.state_dict().items():
        assert torch.equal(value, again.ensemble.state_dict()[name]), name
    with torch.no_grad():
        windows = torch.from_numpy(recorded(4).values)
        preprocessed = trainer(()).document(TARGET).make_classifier().preprocessing(windows)
        answers = first.ensemble(preprocessed, torch.zeros(72, 3)).argmax(dim=1)
    assert (answers.numpy() == recorded(4).labels).mean() > 0.8
    assert reporter.notes[0].startswith(f'encoder auto of {TARGET}: ')
    assert 'on people left out in 3 folds; alone: net' in reporter.notes[0]
    assert f'trying a net of {TARGET}, people 1 of 3' in reporter.stages


def test_a_first_try_compares_nets_and_members_that_learnt_little_and_epochs_bound_both():
    def compared(recipe: Recipe) -> tuple[int, int]:
        reporter = Notes()
        many = replace(examples(720, noise=0.5), recordings=np.arange(720) // 180)
        found = chosen(many, reporter, recipe=recipe)
        return reporter.stages[f'trying a net of {TARGET}, people 1 of 3'], found.document[
            'windows'
        ]

    usual = replace(RECIPES[TARGET], fit=FitSettings(batch_size=16, least_steps=40))
    quick = RecipeChoices(quick=True)
    # An epoch takes 40 steps: 800 steps are enough for 20, and 50 for one.
    assert compared(replace(usual, fit=replace(usual.fit, epochs=3))) == (3, 720)
    assert compared(replace(usual, fit=quick.applied_to(usual.fit), quick=True)) == (1, 360)


def test_it_is_told_which_member_is_fitted_without_whom_and_how_far_that_is():
    class Heard(Notes):
        def __init__(self) -> None:
            super().__init__()
            self.told: dict[str, list[tuple[float, str]]] = {}

        def advance(self, done: float, detail: str = '') -> None:
            self.told.setdefault(list(self.stages)[-1], []).append((done, detail))

    heard = Heard()
    chosen(recorded(4), heard)
    told = heard.told[f'choosing an encoder of {TARGET}']
    assert heard.stages[f'choosing an encoder of {TARGET}'] == 16
    assert [told[0], told[-1]] == [(0, 'reading window 1 of 72'), (16, 'forest')]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    for number, name in enumerate(('statistics', 'kernel', 'rocket')):
        assert (4 * number, f'{name}: describing 72 windows') in told
        # Four people do not choose how strong it is.
        assert (4 * number, f'{name}, people 1 of 3 left out: 1 of 1 strengths') in told
        assert (4 * number + 3, f'{name}, all people: the chosen strength') in told
    assert (13, 'forest, people 2 of 3 left out: 90 of 100 trees') in told
    assert (15, 'forest, all people: 0 of 100 trees') in told
    # A net that is tried says after each step how far it is, too.
    tried = heard.told[f'trying a net of {TARGET}, people 1 of 3']
    assert len(tried) > heard.stages[f'trying a net of {TARGET}, people 1 of 3']
    assert 0 < tried[0][0] < 1


def net_alone(answers, labels, groups):
    """Weigh answers as usual, and then take the net, by a weight of its own."""
    found = choose_weights(answers, labels, groups)
    weights = {name: 7.0 * (name == NET) for name in answers}
    return replace(found, weights=weights, together=7.0 * answers[NET])


def test_a_net_that_answers_alone_is_calibrated_on_people_left_out(
    monkeypatch: pytest.MonkeyPatch,
):
    usual = chosen(recorded(4), Notes())
    heard = []

    def listen(answers, labels, groups):
        heard.append((answers[NET], labels))
        return net_alone(answers, labels, groups)

    monkeypatch.setattr(ensemble, 'choose_weights', listen)
    choice = chosen(recorded(4), Notes())
    assert choice.ensemble is None
    assert choice.document['chosen'] == {NET: 1.0}
    assert choice.document['alone'] == usual.document['alone']
    assert choice.calibration == calibrate(*heard[0])


def test_one_person_is_chosen_on_by_recordings_or_else_by_parts_of_one():
    assert chosen(recorded(3), Notes(), 'aaa').document['over'] == 'recordings'
    assert chosen(recorded(1), Notes(), 'a').document['over'] == 'parts of a recording'


def test_of_a_camera_members_see_means_over_a_grid():
    spec = WindowingSpec(length_ns=SECOND_NS, rate_hz=8, margin_ns=SECOND_NS // 8)
    stream = CameraStream(pixels='gray', height=12, width=16)
    encoder = CameraCnnConfig(width=8, dim=16)
    recipe = Recipe(stream, spec, encoder, (), CameraAugmentation(), fit=SETTINGS)
    labels, recordings = np.arange(36) % 3, np.arange(36) // 12
    pictures = np.random.default_rng(0).integers(0, 60, (36, 8, 12, 16, 1)).astype(np.uint8)
    for label in range(3):
        pictures[labels == label, :, 4 * label : 4 * label + 4, :8] += 60
    made = WindowsDataset(pictures, labels, recordings, np.arange(36) * SECOND_NS)
    sets = {TARGET: DatasetSplit(made, made, {})}
    document = trainer((), recipes={TARGET: recipe}, sets=sets).document(TARGET)
    with repeatable(0):
        choice = choose_ensemble(
            document,
            recipe,
            sets[TARGET],
            0,
            torch.device('cpu'),
            Notes(),
            people='abc',
            learn_validation=False,
        )
        assert set(choice.document['alone']) == {'net', 'statistics', 'kernel', 'rocket', 'forest'}
        assert choice.ensemble is not None
        assert choice.ensemble.config.grid == (6, 8)
        classifier = document.make_classifier()
        classifier.join(choice.ensemble)
        answers = predict_answers(classifier, pictures).argmax(dim=1).numpy()
    assert (answers == labels).mean() > 0.8


def test_parts_hold_something_of_every_activity_that_is_done_once_or_many_times():
    made = examples(72, noise=0.5)
    once = np.argsort(made.labels, kind='stable')
    # One activity after the other, in one recording, and each in a recording of its own.
    for recordings in (np.zeros(72, np.int64), made.labels[once]):
        parted = replace(
            made, values=made.values[once], labels=made.labels[once], recordings=recordings
        )
        document = chosen(parted, Notes(), 'aaa').document
        assert document['over'] == 'parts of a recording'
        assert document['macro_f1'] > 0.8


def test_five_windows_leave_the_net_alone_and_it_is_said():
    reporter = Notes()
    choice = chosen(examples(5), reporter)
    assert choice.ensemble is None
    assert reporter.notes == [
        f'encoder auto of {TARGET}: the net alone; too few windows to choose by'
    ]


def test_ridge_is_that_of_the_book_by_either_system():
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    groups = np.arange(30) // 10
    folds = [np.array([group]) for group in range(3)]
    for features in (5, 50):
        values = rng.normal(size=(30, features)) + 4 * (labels[:, None] == np.arange(features))
        fitted = fit_ridge(values, labels, groups, folds, 3)
        inputs = np.hstack([values, np.full((30, 1), 10.0)])
        wanted = np.where(labels[:, None] == np.arange(3), 1.0, -1.0)
        strength = fitted.strength * np.square(values).mean() * 30
        book = np.linalg.solve(
            inputs.T @ inputs + strength * np.eye(features + 1), inputs.T @ wanted
        )
        np.testing.assert_allclose(fitted.weights, book[:-1], atol=1e-6)
        np.testing.assert_allclose(fitted.offsets, 10 * book[-1], atol=1e-6)
        assert (fitted.held_out.argmax(axis=1) == labels).mean() > 0.5


def test_a_strength_that_is_given_is_not_chosen():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(30) % 3, np.arange(30) // 10
    values = rng.normal(size=(30, 5)) + 4 * (labels[:, None] == np.arange(5))
    folds = [np.array([group]) for group in range(3)]
    chosen = fit_ridge(values, labels, groups, folds, 3)
    same = fit_ridge(values, labels, groups, folds, 3, strength=chosen.strength)
    np.testing.assert_array_equal(same.held_out, chosen.held_out)
    assert fit_ridge(values, labels, groups, folds, 3, strength=50.0).strength == 50.0


def test_of_few_people_none_chooses_how_strong_a_ridge_is(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def listen(*given, **_):
        asked.append(given[6])
        return fit_ridge(*given)

    monkeypatch.setattr(ensemble, 'fit_ridge', listen)
    chosen(recorded(4), Notes())
    assert asked == [0.3, 0.01, 0.3]
    asked.clear()
    chosen(recorded(6), Notes(), 'abcdef')
    assert asked == [None, None, None]


def test_classes_weigh_the_same_and_windows_one_in_the_mean():
    weights = balanced_weights(np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])


def test_what_says_the_same_of_all_windows_is_not_blown_up():
    labels, rounding = np.arange(60) % 3, np.random.default_rng(0).normal(size=(2, 60, 3)) * 1e-9
    assert max(stack(list(rounding), labels, 3)) <= 2e3
    knowing = 5.0 * (labels[:, None] == np.arange(3)) - 1
    dead, knows = stack([rounding[0], knowing], labels, 3)
    together = dead * rounding[0] + knows * knowing
    assert (together.argmax(axis=1) == labels).all()


def test_features_that_are_no_numbers_are_refused_in_words():
    labels, folds = np.arange(60) % 3, [np.array([0]), np.array([1])]
    features = np.full((60, 2), np.nan, np.float32)
    with pytest.raises(TrainingError, match='is not finite: look at the recordings'):
        fit_ridge(features, labels, np.arange(60) // 30, folds, 3)


def test_what_only_guesses_has_no_part_and_what_knows_has_most():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    truth = 1.0 * (labels[:, None] == np.arange(3))
    knows, helps, guesses = (
        share * truth + rng.normal(size=(200, 3)) for share in (2.0, 1.0, -0.5)
    )
    weights = stack([knows, helps, guesses], labels, 100)
    assert weights[0] > weights[1] > weights[2] == 0


def test_one_alone_is_taken_where_all_together_decide_worse():
    rng = np.random.default_rng(1)
    labels, groups = np.tile(np.arange(3), 200), np.arange(600) // 60
    truth = 1.0 * (labels[:, None] == np.arange(3))
    # Right more often, but sure where it is wrong, so that likelihood thinks little of it.
    wrong = 1.0 * ((labels[:, None] + 1) % 3 == np.arange(3))
    often = rng.random(600) < 0.8
    bold = np.where(often[:, None], 0.1 * truth, 8.0 * wrong)
    modest = 2.0 * truth + rng.normal(size=(600, 3)) * 1.7
    answers = {'bold': bold, 'modest': modest}
    weights = stack([bold, modest], labels, 10)
    found = choose_weights(answers, labels, groups)
    mixed = weights[0] * bold + weights[1] * modest
    assert (mixed.argmax(axis=1) == labels).mean() < 0.75
    assert found.weights['modest'] == 0 < found.weights['bold']
    assert found.score == pytest.approx(max(found.alone.values()))
    np.testing.assert_array_equal(found.together.argmax(axis=1), bold.argmax(axis=1))
    # Together they are better than each where what they do not know is not the same.
    other = 2.0 * truth + rng.normal(size=(600, 3)) * 1.7
    both = choose_weights({'modest': modest, 'other': other}, labels, groups)
    assert min(both.weights.values()) > 0
    assert both.score > max(both.alone.values())
    # Of three people nobody tells, and the more even they count.
    few = choose_weights(answers, labels, np.arange(600) // 200)
    assert min(few.weights.values()) > 0


def test_the_fewer_people_the_more_members_count_the_same():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    truth = 1.0 * (labels[:, None] == np.arange(3))
    answers = [share * truth + rng.normal(size=(200, 3)) for share in (2.0, 0.7)]
    ratios = []
    for groups in (2, 3, 5, 10, 100):
        better, worse = (
            w * a.std() for w, a in zip(stack(answers, labels, groups), answers, strict=True)
        )
        ratios.append(better / worse)
    assert ratios == sorted(ratios)
    assert ratios[0] < 1.5 < ratios[-1]


def test_of_two_people_whose_sensor_is_dirty_one_of_whom_does_more_it_is_chosen_all_the_same():
    made = recorded(2)
    # What only the second does; an axis that stands still; a tenfold gyroscope that is clipped.
    labels = np.where(made.recordings == 0, made.labels % 2, made.labels)
    values = made.values.copy()
    values[:, :, 2] = 9.81
    values[made.recordings == 1, :, 3:] *= 10
    np.clip(values[:, :, 3:], -5, 5, out=values[:, :, 3:])
    choice = chosen(replace(made, labels=labels, values=values), Notes(), 'ab')
    assert (choice.document['over'], choice.document['groups']) == ('people', 2)
    assert choice.document['folds'] == 2
    assert 0 < choice.document['macro_f1'] <= 1
    assert choice.calibration is not None
    assert np.isfinite(choice.calibration.temperature)


def test_a_sensor_that_always_says_the_same_is_no_reason_to_fail():
    still = recorded(4)
    still.values[:] = 9.81
    found = chosen(still, Notes())
    # Nobody can tell anything of three activities.
    assert found.document['macro_f1'] < 0.4
    assert np.isfinite(list(found.document['alone'].values())).all()
    for fitted in (
        fit_ridge(np.zeros((30, width)), np.arange(30) % 3, np.arange(30) % 5, [np.arange(2)], 3)
        for width in (10, 50)
    ):
        assert np.isfinite(fitted.held_out).all()
        assert np.ptp(fitted.held_out[np.arange(30) % 5 < 2], axis=0) == pytest.approx(0, abs=1e-9)

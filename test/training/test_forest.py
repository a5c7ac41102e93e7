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

"""A forest as a function: scikit-learn's answers, without its steps."""

import copy

import numpy as np
from pydantic import ValidationError
import pytest
from sklearn.ensemble import RandomForestClassifier
import torch

from xmodal_ros.models.configuration_ensemble import ForestConfig
from xmodal_ros.models.modeling_forest import Forest
from xmodal_ros.training.forest import as_forest, fit_forest
from xmodal_ros.training.trainer import repeatable, THREADS_VARIABLE


def data(count=400, features=12, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, features)).astype(np.float32)
    return values, 2 * (values[:, 0] > 0) + (values[:, 1] > 0)


def test_away_from_thresholds_it_answers_as_scikit_learn_does():
    # The middle of two powers of two is not a third.
    values, labels = 2 ** np.abs(np.round(2 * data()[0])), data()[1]
    # A class that nobody shows, in the middle.
    labels = np.where(labels == 3, 4, labels)
    learnt = RandomForestClassifier(30, max_depth=8, random_state=0).fit(values, labels)
    forest = as_forest([tree.tree_ for tree in learnt.estimators_], learnt.classes_, 5)
    assert forest.config.trees == 30
    asked = 2 ** np.abs(np.round(2 * data(500, seed=1)[0]))
    wanted = np.zeros((500, 5))
    wanted[:, learnt.classes_] = learnt.predict_proba(asked)
    logs = np.log(wanted + 0.02)
    with torch.no_grad():
        given = forest(torch.from_numpy(asked)).numpy()
    np.testing.assert_allclose(given, logs - logs.mean(axis=1, keepdims=True), atol=1e-4)


def test_a_rounding_error_at_a_threshold_changes_next_to_nothing():
    values, labels = data()
    fitted = fit_forest(values, labels, np.arange(400) % 4, [np.array([0])], 4, 0)
    forest = fitted.forest
    # On a threshold, where a step would be largest.
    at = torch.from_numpy(values[:50].copy())
    for feature in range(12):
        own = forest.thresholds[forest.features == feature]
        at[:, feature] = own[torch.arange(50) % len(own)]
    with torch.no_grad():
        moved = forest(at * (1 + 1e-6)) - forest(at)
        stepped = forest(at + 0.01) - forest(at - 0.01)
    assert moved.abs().max() < 1e-3
    assert stepped.abs().max() > 0.1


def test_groups_left_out_are_answered_by_what_has_not_learnt_from_them():
    values, labels = data()
    groups = np.arange(400) % 4
    folds = [np.array([0, 1]), np.array([2, 3])]
    fitted = fit_forest(values, labels, groups, folds, 4, 0)
    # What they are labelled does not matter to their own answer.
    other = np.where(groups < 2, (labels + 1) % 4, labels)
    changed = fit_forest(values, other, groups, folds, 4, 0)
    np.testing.assert_array_equal(fitted.held_out[groups < 2], changed.held_out[groups < 2])
    assert not np.array_equal(fitted.held_out[groups >= 2], changed.held_out[groups >= 2])
    assert (fitted.held_out.argmax(axis=1) == labels).mean() > 0.75
    with torch.no_grad():
        learnt = fitted.forest(torch.from_numpy(values)).argmax(dim=1).numpy()
    assert (learnt == labels).mean() > 0.95
    again = fit_forest(values, labels, groups, folds, 4, 0)
    for name, value in fitted.forest.state_dict().items():
        assert torch.equal(value, again.forest.state_dict()[name]), name


@pytest.mark.parametrize('threads', [1, 2])
def test_grown_in_parts_it_is_the_forest_that_grows_in_one_go_for_any_number_of_threads(threads):
    values, labels = data()
    labels = np.where(labels == 3, 2, labels)
    told: list[tuple[int, str]] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        folds = [np.array([0]), np.array([1])]
        fitted = fit_forest(
            values, labels, np.arange(400) % 2, folds, 3, 5, lambda *heard: told.append(heard)
        )
    finally:
        torch.set_num_threads(before)
    whole = RandomForestClassifier(
        100, class_weight='balanced', min_samples_leaf=3, max_depth=12, random_state=5
    ).fit(values, labels)
    expected = as_forest([tree.tree_ for tree in whole.estimators_], whole.classes_, 3)
    assert fitted.forest.config == expected.config
    for name, value in expected.state_dict().items():
        assert torch.equal(value, fitted.forest.state_dict()[name]), name
    assert told == [(fit, f'{n} of 100 trees') for fit in range(3) for n in range(0, 100, 10)]


def test_trees_grow_as_many_at_a_time_as_there_are_threads(monkeypatch):
    asked: list[object] = []
    fit = RandomForestClassifier.fit

    def listen(self, *given):
        asked.append(self.n_jobs)
        return fit(self, *given)

    monkeypatch.setattr(RandomForestClassifier, 'fit', listen)
    monkeypatch.setenv(THREADS_VARIABLE, '3')
    values, labels = data(40)
    with repeatable(0):
        fit_forest(values, labels, labels, [], 4, 0)
    assert set(asked) == {3}


def test_a_seed_may_be_any_that_a_training_has():
    values, labels = data(40)
    assert fit_forest(values, labels, labels, [], 4, 2**40).forest.config.trees == 100


@pytest.mark.parametrize(('name', 'value'), [('features', 99), ('features', -1), ('order', 7)])
def test_places_that_are_not_there_are_refused_before_anything_asks_for_them(name, value):
    values, labels = data(40)
    forest = fit_forest(values, labels, labels, [], 4, 0).forest
    state = forest.state_dict()
    forest.load_state_dict(state)
    state[name][0] = value
    for each in (forest, copy.deepcopy(fit_forest(values, labels, labels, [], 4, 0).forest)):
        with pytest.raises(RuntimeError, match='a forest'):
            each.load_state_dict(state)


def test_places_written_in_half_the_bits_are_the_same_forest():
    values, labels = data()
    forest = fit_forest(values, labels, labels, [], 4, 0).forest
    state = {
        name: each if each.is_floating_point() else each.int()
        for name, each in forest.state_dict().items()
    }
    other = Forest(forest.config, forest.count, 4)
    other.load_state_dict(state)
    with torch.no_grad():
        assert torch.equal(other(torch.from_numpy(values)), forest(torch.from_numpy(values)))


def test_one_activity_alone_is_a_forest_of_leaves():
    values = data()[0]
    fitted = fit_forest(values, np.ones(400, np.int64), np.arange(400) % 2, [np.array([0])], 3, 0)
    assert fitted.forest.config.depths == ((0, 100),)
    with torch.no_grad():
        assert (fitted.forest(torch.from_numpy(values)).argmax(dim=1) == 1).all()


@pytest.mark.parametrize(
    'depths',
    [
        ((1, 0),),
        ((1, 0), (0, 3)),
        ((0, 1), (0, 2)),
        ((1, 0), (-1, 3)),
        ((1 << 20, 0), (0, 1 << 21)),
        ((1 << 19, 1 << 20), (0, 1 << 20)),
        ((0, 0),),
        (),
    ],
)
def test_what_is_no_forest_is_refused(depths):
    with pytest.raises(ValidationError):
        ForestConfig(depths=depths)


@pytest.mark.parametrize(
    ('depths', 'message'),
    [
        (((1, 0), (0, 3)), '1 nodes that divide have 3 children'),
        (((0, 0),), 'a forest has no tree'),
        (((0, 1 << 20), (0, 1)), '0 nodes that divide have 1 children'),
        (((1 << 19, 1), (0, 1 << 20)), 'leaves are more than'),
    ],
)
def test_a_shape_that_no_forest_has_is_refused(depths, message):
    with pytest.raises(ValidationError, match=message):
        ForestConfig(depths=depths)

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

"""Learning from windows alone before labels: what it is, what it sees, and what it leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, nn, Tensor

from test.messages import SECOND
from test.paired_bags import LABELS, write_paired_bag, write_subjects
from test.training.configured import configure, train_into
from test.training.small_trainer import (
    chosen,
    examples,
    learning_sets,
    Notes,
    RECIPES,
    SETTINGS,
    TARGET,
    trainer,
)
from test.training.test_resume import Ended, Keeper
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.configuration.training import make_choices, make_configuration
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.methods.method import make_method, method_names
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.modalities.augmentation import NoAugmentation
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.progress import NullReporter
from xmodal_ros.training import ensemble, pretraining, transfer_trainer
from xmodal_ros.training.callbacks import Callback
from xmodal_ros.training.pretraining import nt_xent, pretrain
from xmodal_ros.training.trainer import FitResult, repeatable
from xmodal_ros.training.transfer_trainer import TransferTrainer
from xmodal_ros.windows.windowing import SECOND_NS


def flat(classifier: nn.Module) -> Tensor:
    return torch.cat([value.flatten() for value in classifier.state_dict().values()])


def asked(steps: int, **changes: Any) -> dict[str, Recipe]:
    fit = replace(SETTINGS, pretrain=steps, **changes)
    return {name: replace(recipe, fit=fit) for name, recipe in RECIPES.items()}


def alone(steps: int, seed: int = 0, **changes: Any) -> FitResult:
    with repeatable(seed):
        return trainer((), seed=seed, recipes=asked(steps, **changes)).fit(
            make_method('unimodal'), ()
        )


def pretrained(steps: int, training: WindowsDataset, seed: int = 0) -> tuple[Tensor, list[float]]:
    with repeatable(seed):
        classifier = trainer(()).document(TARGET).make_classifier()
        recipe = asked(steps)[TARGET]
        losses = pretrain(classifier, training, recipe.augmentation, recipe.fit, seed)
    return flat(classifier), losses


def test_the_loss_is_that_of_the_paper():
    views = torch.randn((6, 4), generator=Generator().manual_seed(0), dtype=torch.float64)
    expected = 0.0
    for i in range(6):
        cosines = [
            float(views[i] @ other / views[i].norm() / other.norm()) / 0.5 for other in views
        ]
        others = sum(math.exp(cosines[k]) for k in range(6) if k != i)
        expected -= math.log(math.exp(cosines[(i + 3) % 6]) / others) / 6
    assert float(nt_xent(views, 0.5)) == pytest.approx(expected)
    # Only directions count, and which view comes first does not.
    assert float(nt_xent(3 * views.roll(3, 0), 0.5)) == pytest.approx(expected)


def test_the_loss_of_windows_told_apart_is_none_and_of_those_alike_that_of_guessing():
    assert float(nt_xent(torch.eye(4).repeat(2, 1), 0.01)) == pytest.approx(0, abs=1e-6)
    assert float(nt_xent(torch.ones(8, 5), 0.1)) == pytest.approx(math.log(7))


def test_windows_become_easier_to_tell_apart():
    _, losses = pretrained(80, learning_sets()[TARGET].training)
    assert len(losses) == 80
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.3
    # Of two views of 16 windows each.
    assert np.mean(losses[-10:]) < math.log(31) - 0.3


def test_no_step_is_the_plain_run_to_the_last_bit():
    ours = learning_sets()[TARGET].training
    with repeatable(0):
        fresh = trainer(()).document(TARGET).make_classifier()
    weights, losses = pretrained(0, ours)
    assert torch.equal(weights, flat(fresh))
    assert losses == []
    # Nobody who does not ask for it gets any.
    assert make_choices({}).pretrain == SETTINGS.pretrain == 0


def test_what_it_draws_leaves_the_rest_of_the_training_as_it_was(monkeypatch):
    plain = flat(alone(0, weight_decay=0.0).classifier)
    assert not torch.equal(flat(alone(5, weight_decay=0.0).classifier), plain)
    # Steps that teach nothing draw as many random numbers as others.
    monkeypatch.setattr(pretraining, 'nt_xent', lambda projected, _: 0 * projected.sum())
    assert torch.equal(flat(alone(5, weight_decay=0.0).classifier), plain)


def test_a_seed_gives_the_same_weights_and_another_others():
    ours = learning_sets()[TARGET].training
    first, again, other = (pretrained(5, ours, seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(flat(alone(5).classifier), flat(alone(5).classifier))


def test_labels_are_not_looked_at_and_the_head_is_left():
    ours = learning_sets()[TARGET].training
    nobody_knows = replace(ours, labels=np.full(len(ours), NO_LABEL))
    assert torch.equal(pretrained(5, ours)[0], pretrained(5, nobody_knows)[0])
    with repeatable(0):
        classifier = trainer(()).document(TARGET).make_classifier()
        before = {name: value.clone() for name, value in classifier.named_parameters()}
        recipe = asked(3)[TARGET]
        pretrain(classifier, ours, recipe.augmentation, recipe.fit, 0)
    for name, value in classifier.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith('head.'), name
        assert value.grad is None


def test_a_run_that_goes_on_pretrains_anew_to_the_same_weights():
    def run(keeper: Keeper) -> FitResult:
        with repeatable(0):
            busy = trainer((), recipes=asked(5), stores=keeper.at)
            return busy.fit(make_method('unimodal'), ())

    whole, kept = run(Keeper({}, 1000)), dict[str, bytes]()
    with pytest.raises(Ended):
        run(Keeper(kept, 1))
    last = run(Keeper(kept, 1000))
    assert last.history == whole.history
    assert torch.equal(flat(last.classifier), flat(whole.classifier))


@dataclass(frozen=True)
class Shown:
    """An augmentation that adds noise and remembers the windows it was given."""

    windows: set[bytes] = field(default_factory=set)

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        noise = torch.randn(windows.shape, generator=generator)
        self.windows.update(window.numpy().tobytes() for window in windows)
        return windows + 0.1 * noise


def as_bytes(*parts: WindowsDataset) -> set[bytes]:
    return {np.asarray(window).tobytes() for part in parts for window in part.values[:]}


@pytest.fixture
def shown() -> Iterator[tuple[Shown, TransferTrainer, dict[str, DatasetSplit]]]:
    """A trainer whose target is shown what is remembered; of four people half have no labels."""
    sets, seen = learning_sets(), Shown()
    ours = sets[TARGET].training
    labels = np.where(np.arange(len(ours)) % 12 < 6, ours.labels, NO_LABEL)
    person = ours.ends_ns // (12 * SECOND_NS) % 4
    sets[TARGET] = replace(sets[TARGET], training=replace(ours, labels=labels, recordings=person))
    theirs = sets['chest'].training
    of_whom = theirs.ends_ns // (12 * SECOND_NS) % 4
    sets['chest'] = replace(sets['chest'], training=replace(theirs, recordings=of_whom))
    recipes = asked(12, epochs=1)
    recipes[TARGET] = replace(recipes[TARGET], augmentation=seen)
    with repeatable(0):
        yield seen, trainer(('chest',), recipes=recipes, sets=sets, people='abcd'), sets


def test_windows_with_a_label_and_without_are_shown_and_none_that_validates(shown):
    seen, busy, sets = shown
    busy.fit(make_method('unimodal'), ())
    assert seen.windows == as_bytes(sets[TARGET].training)
    assert not seen.windows & as_bytes(sets[TARGET].validation)


def test_whoever_is_held_out_to_judge_by_is_not_shown(shown):
    seen, busy, sets = shown
    _, folds = busy.folds(2)
    for fold in folds:
        seen.windows.clear()
        fold.fit(make_method('unimodal'), ())
        learnt = fold.fold.sets[TARGET].training
        held_out = {*sets[TARGET].training.recordings.tolist()} - {*learnt.recordings.tolist()}
        assert held_out
        assert seen.windows == as_bytes(learnt)


class Stages(NullReporter):
    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []

    def begin(self, stage: str, total: int) -> None:
        self.begun.append((stage, total))


def test_each_sensor_is_pretrained_once_and_sources_too():
    heard = Stages()
    with repeatable(0):
        busy = trainer(('chest',), recipes=asked(2), reporter=heard)
        busy.fit(make_method('distillation'), ('chest',))
        busy.fit(make_method('unimodal'), ())
    assert [stage for stage, _ in heard.begun if 'asking' not in stage] == [
        'pretraining chest',
        'training chest',
        'pretraining wrist',
        'training wrist (distillation from chest)',
        'training wrist',
    ]
    assert ('pretraining wrist', 2) in heard.begun
    assert busy.durations_s['pretraining wrist'] > 0


class Began(Callback):
    """Keeps with what encoders fits begin."""

    def __init__(self) -> None:
        self.encoders: list[Tensor] = []

    def on_fit_start(self, trainer: Any) -> None:
        self.encoders.append(flat(trainer.module.target.encoder))


@pytest.mark.parametrize('name', method_names())
def test_whatever_the_method_target_and_source_begin_as_pretraining_left_them(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    left: list[Tensor] = []

    def remember(classifier: Classifier, *others: Any) -> list[float]:
        losses = pretrain(classifier, *others)
        left.append(flat(classifier.encoder))
        return losses

    monkeypatch.setattr(transfer_trainer, 'pretrain', remember)
    method, began, heard = make_method(name), Began(), Stages()
    sources = () if method.source_use == 'none' else ('chest',)
    with repeatable(0):
        recipes = asked(2, epochs=1)
        busy = trainer(sources, recipes=recipes, reporter=heard, callbacks=[began])
        busy.check(method)
        busy.fit(method, sources)
    pretrained = [stage for stage, _ in heard.begun if stage.startswith('pretraining ')]
    assert sorted(pretrained) == sorted(f'pretraining {sensor}' for sensor in (TARGET, *sources))
    assert began.encoders
    for encoder in began.encoders:
        assert any(torch.equal(encoder, each) for each in left)


def test_a_sensor_without_augmentation_is_refused():
    plain = {
        name: replace(recipe, augmentation=NoAugmentation()) for name, recipe in asked(2).items()
    }
    with pytest.raises(TrainingError, match="'wrist' has none"):
        trainer((), recipes=plain).check(make_method('unimodal'))
    trainer((), recipes=asked(2)).check(make_method('unimodal'))


def test_a_loss_that_is_no_number_is_told():
    ours = learning_sets()[TARGET].training
    broken = replace(ours, values=np.full(ours.values.shape, np.inf, np.float32))
    with pytest.raises(TrainingError, match='loss of pretraining became nan in step 1: check'):
        pretrained(2, broken)


def test_a_target_alone_learns_from_recordings_without_labels(tmp_path):
    bags = write_subjects(tmp_path / 'bags', labels=3 * LABELS, without_labels='2')
    blind = write_paired_bag(
        tmp_path / 'bags' / 'blind', '4', labels=LABELS, labelled=False, camera=False
    )
    config = configure(bags, size='small', unlabelled=True, pretrain=3)
    notes = Notes()
    found = prepare_data(config, notes)
    assert {facts.path for facts in found.learning} == {bags / 'bag_1', bags / 'bag_2', blind}
    training, validation = found.sets['imu'].training, found.sets['imu'].validation
    assert 'unpaired' not in found.sets['imu'].left_out
    assert len(training.unlabelled) > len(training.labelled)
    for number, end_ns in zip(validation.recordings, validation.ends_ns, strict=True):
        same = training.ends_ns[training.recordings == number]
        # None reaches into what a validation window shows of its segment.
        assert not np.any(np.abs(same - end_ns) < SECOND)
    result = train_into(tmp_path / 'imu', config, notes)
    assert notes.stages['pretraining imu'] == 3
    assert any("windows of 'imu' without a label are learnt from" in n for n in notes.notes)
    assert result.info.provenance['settings']['pretrain'] == 3
    assert result.info.provenance['counts']['windows']['unlabelled'] == len(training.unlabelled)


def test_without_it_a_target_alone_has_no_use_for_them(tmp_path):
    config = configure(Path('nowhere'), unlabelled=True)
    with pytest.raises(ConfigurationError, match='leave --unlabelled out, add --pretrain, or'):
        train_into(tmp_path / 'imu', config)


def test_it_is_asked_for_by_a_number_of_steps():
    needed = {'bags': ['bags'], 'target': 'imu', 'test_subjects': ['3'], 'out': 'imu'}
    assert make_configuration({**needed, 'pretrain': '500'}).pretrain == 500
    for wrong in ('-1', 'contrastive'):
        with pytest.raises(ConfigurationError, match='--pretrain'):
            make_configuration({**needed, 'pretrain': wrong})
    quick = make_choices({'pretrain': 500, 'quick': True}).applied_to(SETTINGS)
    assert quick.pretrain == 2


@pytest.mark.parametrize('people', ['abcd', 'aaaa'])
def test_nets_that_say_whom_auto_trusts_are_pretrained_without_those_left_out(people):
    ours = replace(examples(96, noise=0.5), recordings=np.arange(96) // 6 % 4)
    half = np.arange(96) < 48
    ours = replace(ours, labels=np.where(half, ours.labels, NO_LABEL))
    given: list[WindowsDataset] = []

    def remember(_net: object, training: WindowsDataset, *_: object) -> list[float]:
        given.append(training)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, 'pretrain', remember)
        chosen(ours, Notes(), people, recipe=asked(1)[TARGET])
    assert len(given) == 3
    shown = [{*each.recordings.tolist()} for each in given]
    assert all(0 < len(each) <= 3 for each in shown)
    # Each is left out once, and the others' windows without a label are there.
    assert sorted(number for each in shown for number in {0, 1, 2, 3} - each) == [0, 1, 2, 3]
    assert all((each.labels == NO_LABEL).sum() == len(each) / 2 for each in given)


def test_where_parts_of_one_recording_are_left_out_they_learn_from_the_other_parts():
    ours = examples(72, noise=0.5)
    given: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, 'pretrain', lambda _net, shown, *_: given.append(len(shown)))
        chosen(ours, Notes(), 'a', recipe=asked(1)[TARGET])
    assert len(given) == 3
    assert sum(72 - count for count in given) == 72

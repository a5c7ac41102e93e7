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

"""The training loop."""

from dataclasses import replace
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from xmodal_ros.configuration.fit_settings import FitSettings
from xmodal_ros.data.dataset import WindowsDataset
from xmodal_ros.data.sampler import BatchSampler
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import (
    make_method,
    MethodOptions,
    StepSchedule,
    TransferMethod,
)
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.source import NO_LABEL, Source
from xmodal_ros.methods.training_module import LossTerms, TrainingModule
from xmodal_ros.modalities.imu.augmentation import ImuAugmentation
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.training.calibration import calibrated_loss
from xmodal_ros.training.callbacks import Callback, TrainerInterface
from xmodal_ros.training.trainer import (
    class_weights,
    fit,
    FitResult,
    make_source,
    predict_logits,
    repeatable,
    scheduled_settings,
    THREADS_VARIABLE,
)

SETTINGS = FitSettings(epochs=3, batch_size=16, least_steps=1, learning_rate=5e-3)


def examples(count: int = 60, seed: int = 0) -> WindowsDataset:
    """Three classes that shake at different speeds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    time = np.arange(50) / 50
    phase = rng.uniform(0, 6, (count, 1, 6))
    values = np.sin(2 * np.pi * 2 * (labels + 1)[:, None, None] * time[None, :, None] + phase)
    values += rng.normal(0, 0.1, values.shape)
    zeros = np.zeros(count, dtype=np.int64)
    return WindowsDataset(values.astype(np.float32), labels, zeros, np.arange(count))


def classifier() -> Classifier:
    return Classifier(Preprocessing([]), ImuCnnConfig(width=16, dim=16), 6, 3)


def run(
    method: str | TransferMethod = 'unimodal',
    *,
    seed: int = 0,
    settings: FitSettings = SETTINGS,
    sources: dict[str, Source] | None = None,
    training: WindowsDataset | None = None,
    **options: object,
) -> FitResult:
    with repeatable(seed):
        torch.manual_seed(seed)
        return fit(
            classifier(),
            training or examples(),
            examples(30, seed=1),
            make_method(method, options) if isinstance(method, str) else method,
            sources or {},
            ImuAugmentation(),
            settings,
            seed,
        )


def weights(result: FitResult) -> torch.Tensor:
    return torch.cat([value.flatten() for value in result.classifier.state_dict().values()])


def source(every: int = 1) -> Source:
    """A source that has every so-manieth of the target's windows."""
    with repeatable(7):
        teacher = classifier()
    ours, rows = examples(), np.arange(0, 60, every)
    theirs = WindowsDataset(ours.values[rows], ours.labels[rows], ours.recordings[rows], rows)
    return make_source('s', teacher, theirs, ours, 3, ImuAugmentation())


def test_it_learns():
    result = run(settings=replace(SETTINGS, epochs=15))
    assert result.history[-1].validation_accuracy > 0.8
    assert result.history[-1].training_loss < result.history[0].training_loss


def test_the_same_seed_gives_the_same_weights_to_the_last_bit():
    first, again, other = weights(run(seed=1)), weights(run(seed=1)), weights(run(seed=2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_dcat_with_a_weight_of_zero_is_the_unimodal_run_to_the_last_bit():
    unimodal = weights(run())
    assert torch.equal(unimodal, weights(run('dcat', sources={'s': source()}, weight=0)))
    assert torch.equal(unimodal, weights(run('dcat', sources={'s': source(7)}, weight=0)))


def test_dcat_with_a_weight_learns_something_else_and_lowers_its_loss():
    sources = {'s': source()}
    result = run('dcat', sources=sources, weight=5, settings=replace(SETTINGS, epochs=10))
    unimodal = run(settings=replace(SETTINGS, epochs=10))
    assert not torch.equal(weights(unimodal), weights(result))
    assert result.history[-1].parts['alignment'] < 0.9 * result.history[0].parts['alignment']


def test_a_source_is_frozen_and_asked_once():
    teacher = source()
    before = torch.cat([p.detach().flatten() for p in teacher.classifier.parameters()])
    answers = teacher.outputs
    assert answers.logits.shape == (60, 3)
    assert not answers.key.requires_grad
    run('dcat', sources={'s': teacher})
    assert teacher.outputs is answers
    after = torch.cat([p.detach().flatten() for p in teacher.classifier.parameters()])
    assert torch.equal(before, after)
    assert not any(p.requires_grad for p in teacher.classifier.parameters())


def few_labels(of: WindowsDataset, kept: int = 6) -> WindowsDataset:
    """The same windows, of which only the first few have a label."""
    return replace(of, labels=np.where(np.arange(len(of)) < kept, of.labels, NO_LABEL))


def test_windows_without_a_label_are_nothing_to_who_learns_from_labels_alone():
    full = examples()
    first = WindowsDataset(full.values[:6], full.labels[:6], full.recordings[:6], full.ends_ns[:6])
    assert torch.equal(weights(run(training=first)), weights(run(training=few_labels(full))))


def test_a_teacher_makes_windows_without_a_label_worth_something():
    with repeatable(3):
        expert = run(settings=replace(SETTINGS, epochs=15)).classifier
    ours = few_labels(examples())
    teacher = make_source('s', expert, examples(), ours, 3, ImuAugmentation())
    settings = replace(SETTINGS, epochs=12)
    alone = run(training=ours, settings=settings)
    taught = run(
        'distillation', training=ours, sources={'s': teacher}, settings=settings, alpha=0.9
    )
    best = max(epoch.validation_accuracy for epoch in alone.history)
    assert taught.history[-1].validation_accuracy > best + 0.1


def test_a_step_shows_as_many_windows_without_a_label_as_with_one():
    seen: list[torch.Tensor] = []

    class Watching(PairedMethod):
        name = 'watching'
        Options = PairedOptions

        def compute_loss(self, task_loss, target, sources):
            seen.append(sources['s'].rows)
            assert torch.isfinite(task_loss)
            return LossTerms(task_loss, {})

    ours = few_labels(examples(), 20)
    teacher = make_source('s', classifier(), ours, ours, 3, ImuAugmentation())
    result = run(
        Watching(PairedOptions()), training=ours, sources={'s': teacher}, settings=SETTINGS
    )
    # 40 windows without a label fill three steps of 16; the 20 with one are repeated beside them.
    assert [len(rows) for rows in seen] == [32, 32, 16] * len(result.history)


def test_a_batch_of_a_branch_without_any_label_costs_nothing():
    ours = few_labels(examples(), 3)
    rows = np.arange(40, 60)
    theirs = WindowsDataset(ours.values[rows], ours.labels[rows], ours.recordings[rows], rows)
    one = WindowsDataset(
        ours.values[:3], ours.labels[:3], ours.recordings[:3], np.arange(3) + 1000
    )
    joined = WindowsDataset(
        np.concatenate([theirs.values, one.values]),
        np.concatenate([theirs.labels, one.labels]),
        np.concatenate([theirs.recordings, one.recordings]),
        np.concatenate([theirs.ends_ns, one.ends_ns]),
    )
    teacher = make_source('s', classifier(), joined, ours, 3, ImuAugmentation())
    result = run('cotraining', training=ours, sources={'s': teacher})
    assert all(math.isfinite(epoch.training_loss) for epoch in result.history)
    assert all(epoch.parts['sources'] == 0 for epoch in result.history)


def test_methods_see_each_source_window_beside_the_target_window_it_is_paired_with():
    seen: list[tuple[int, int]] = []

    class Spy(PairedMethod):
        name = 'spy'
        Options = PairedOptions

        def compute_loss(self, task_loss, target, sources):
            for paired in sources.values():
                seen.append((len(paired.rows), len(paired.outputs.logits)))
                assert int(paired.rows.max()) < len(target.logits)
            return LossTerms(task_loss, {})

    run(Spy(PairedOptions()), sources={'s': source(every=4)}, settings=replace(SETTINGS, epochs=1))
    assert all(rows == outputs for rows, outputs in seen)
    assert sum(rows for rows, _ in seen) == 15


def test_what_a_method_draws_and_builds_leaves_the_target_as_it_was():
    class Noisy(TransferMethod):
        name = 'noisy'

        def make_module(self, task):
            return NoisyModule(task)

    class NoisyModule(TrainingModule):
        def __init__(self, task):
            super().__init__(task)
            self.own = torch.nn.Linear(3, 3)
            self.seen: list[torch.Tensor] = []

        def prepare_batch(self, batch):
            torch.randn(7)

        def training_step(self, batch, outputs, task_loss):
            self.seen.append(torch.rand(2))
            loss = self.own(outputs.logits.detach()).square().mean()
            return LossTerms(task_loss + loss, {'own': float(loss.detach())})

        def facts(self):
            return {'drawn': len({tuple(each.tolist()) for each in self.seen})}

    noisy = run(Noisy(MethodOptions()))
    assert torch.equal(weights(run()), weights(noisy))
    # Each step draws anew, and what the method trains beside the target is trained.
    assert noisy.facts == {'drawn': 12}
    assert noisy.history[-1].parts['own'] < 0.9 * noisy.history[0].parts['own']


def test_the_target_is_settled_with_the_very_weights_that_are_kept():
    class Settling(TransferMethod):
        name = 'settling'

        def make_module(self, task):
            return SettlingModule(task)

    class SettlingModule(TrainingModule):
        def __init__(self, task):
            super().__init__(task)
            self.settled = torch.zeros(3)
            self.target.register_buffer('settled', self.settled)

        def prepare_inference(self):
            assert not self.training
            self.settled.copy_(self.target.head.bias)

    kept = run(Settling(MethodOptions())).classifier.state_dict()
    assert torch.equal(kept['settled'], kept['head.bias'])


def test_a_method_may_bring_a_schedule_of_its_own():
    seen: list[float] = []

    class Stepping(TransferMethod):
        name = 'stepping'
        schedule = StepSchedule(epochs=2, batch_size=30, learning_rate=1e-2, decay=0.1, every=1)

        def make_module(self, task):
            return Descending(task)

    class Descending(TrainingModule):
        def training_step(self, batch, outputs, task_loss):
            seen.append(self.target.head.bias[0].item())
            # A gradient of one in every step: Adam moves by exactly the rate.
            return LossTerms(torch.stack([p.sum() for p in self.parameters()]).sum(), {})

    result = run(Stepping(MethodOptions()), settings=replace(SETTINGS, weight_decay=0.1))
    assert len(result.history) == 2
    assert -np.diff(seen) == pytest.approx([1e-2, 1e-2, 1e-3], rel=1e-3)


def test_it_stops_early_and_gives_the_best_epoch():
    # With labels that mean nothing, validation soon gets worse.
    noise = examples()
    noise.labels[:] = np.random.default_rng(3).integers(0, 3, 60)
    settings = replace(SETTINGS, epochs=40, patience=3, averaging=0.0)
    result = run(training=noise, settings=settings)
    losses = [report.validation_loss for report in result.history]
    assert len(losses) < 40
    # None before half of all epochs is a candidate.
    assert result.best_epoch == 20 + int(np.argmin(losses[19:]))
    assert len(losses) - result.best_epoch == 3


def test_epochs_are_compared_as_calibrated_answers():
    # Few windows, and long enough that the net becomes surer of itself than it should be.
    settings = replace(SETTINGS, epochs=40, patience=40, averaging=0.0, label_smoothing=0.0)
    result = run(training=few_labels(examples()), settings=settings)
    validation = examples(30, seed=1)
    logits = predict_logits(result.classifier, validation.values).double()
    found = result.history[result.best_epoch - 1].validation_loss
    assert found == pytest.approx(calibrated_loss(logits.numpy(), validation.labels), abs=1e-9)
    plain = torch.nn.functional.cross_entropy(logits, torch.from_numpy(validation.labels))
    assert found < float(plain) - 0.01


def test_callbacks_see_every_epoch():
    heard: list[EpochMetrics] = []

    class Heard(Callback):
        def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
            assert trainer.history[-1] == metrics
            heard.append(metrics)

    with repeatable(0):
        fit(
            classifier(),
            examples(),
            examples(30),
            make_method('unimodal'),
            {},
            ImuAugmentation(),
            SETTINGS,
            0,
            [Heard()],
        )
    assert [report.epoch for report in heard] == [1, 2, 3]
    assert all(math.isfinite(report.validation_loss) for report in heard)


def test_a_loss_that_is_no_number_ends_the_run_in_words():
    broken = examples()
    broken.values[0] = np.inf
    with pytest.raises(TrainingError, match=r'loss became .* in epoch 1'):
        run(training=broken)


def test_every_class_weighs_the_same_in_total_and_one_without_windows_nothing():
    labels = np.array([0, 0, 0, 0, 0, 0, 2, 2])
    given = class_weights(labels, 4)
    assert given[0] * 6 == given[2] * 2
    assert given[[1, 3]].tolist() == [0, 0]
    assert given[torch.from_numpy(labels)].mean().item() == pytest.approx(1)


def test_threads_and_random_numbers_are_as_before():
    threads, expected = torch.get_num_threads(), torch.get_rng_state()
    run()
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), expected)


@pytest.mark.parametrize(('said', 'threads'), [('', 1), ('3', 3)])
def test_one_thread_computes_unless_the_environment_says_how_many(monkeypatch, said, threads):
    monkeypatch.setenv(THREADS_VARIABLE, said)
    with repeatable(0):
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize('said', ['0', '-1', 'two'])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, said):
    monkeypatch.setenv(THREADS_VARIABLE, said)
    with pytest.raises(TrainingError, match=f"is '{said}': set it to how many"), repeatable(0):
        pass


def test_many_windows_are_shown_in_fewer_epochs_unless_so_many_are_asked_for():
    windows = WindowsDataset(
        np.zeros((48, 4, 1), np.float32), *(np.zeros(48, np.int64) for _ in range(3))
    )
    alone = make_method('unimodal')

    def epochs(settings: FitSettings) -> int:
        return scheduled_settings(settings, alone, windows, unlabelled=False).epochs

    # Three steps each.
    bounded = replace(SETTINGS, epochs=40, most_steps=10)
    assert epochs(bounded) == 4
    assert epochs(replace(bounded, most_steps=1)) == 1
    assert epochs(replace(bounded, most_steps=1000)) == 40
    assert epochs(bounded.changed({'epochs': 30})) == 30
    assert epochs(bounded.changed({'batch_size': 48})) == 10


def test_an_epoch_that_is_longer_than_a_training_may_be_shows_other_windows_each_time():
    windows = WindowsDataset(
        np.zeros((48, 4, 1), np.float32), *(np.zeros(48, np.int64) for _ in range(3))
    )

    def shown(settings: FitSettings, seed: int) -> list[Tensor]:
        sampler = BatchSampler(windows, torch.ones(48), settings, unlabelled=False)
        generator = torch.Generator().manual_seed(seed)
        return [rows for rows, _ in sampler.batches(generator)]

    settings = replace(SETTINGS, batch_size=16, least_steps=1, most_steps=2)
    first, again = shown(settings, 0), shown(settings, 1)
    assert [len(rows) for rows in first] == [16, 16]
    assert len(torch.cat(first).unique()) == 32
    assert not torch.equal(torch.cat(first).unique(), torch.cat(again).unique())
    whole = shown(replace(settings, most_steps=None), 0)
    assert torch.equal(torch.cat(whole).unique(), torch.arange(48))
    assert len(shown(replace(settings, balance='sampling'), 0)) == 2
    # Of 48 windows four times as many as an epoch has, and one more.
    assert len(shown(replace(settings, most_steps=None, least_steps=13), 0)) == 13

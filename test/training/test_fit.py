"""The training loop."""

from dataclasses import replace
import math

import numpy as np
import pytest
import torch

from xmodal_ros.errors import TrainingError
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.encoders import ImuCnn
from xmodal_ros.models.preprocessing import Preprocessing
from xmodal_ros.training.augmentation import ImuAugmentation
from xmodal_ros.training.examples import Examples
from xmodal_ros.training.fit import (
    class_weights,
    EpochReport,
    fit,
    FitResult,
    make_source_bank,
    repeatable,
    SourceBank,
)
from xmodal_ros.training.recipe import FitSettings
from xmodal_ros.transfer import method
from xmodal_ros.transfer.method import make_method, MethodTerms, TransferMethod

SETTINGS = FitSettings(epochs=3, batch_size=16, least_steps=1, learning_rate=5e-3)


def examples(count: int = 60, seed: int = 0) -> Examples:
    """Three classes that shake at different speeds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    time = np.arange(50) / 50
    phase = rng.uniform(0, 6, (count, 1, 6))
    values = np.sin(2 * np.pi * 2 * (labels + 1)[:, None, None] * time[None, :, None] + phase)
    values += rng.normal(0, 0.1, values.shape)
    zeros = np.zeros(count, dtype=np.int64)
    return Examples(values.astype(np.float32), labels, zeros, np.arange(count))


def classifier() -> Classifier:
    return Classifier(Preprocessing([]), ImuCnn(width=16, dim=16), 6, 3)


def run(
    method: str = 'unimodal',
    *,
    seed: int = 0,
    settings: FitSettings = SETTINGS,
    sources: dict[str, SourceBank] | None = None,
    training: Examples | None = None,
    **options: object,
) -> FitResult:
    with repeatable(seed):
        torch.manual_seed(seed)
        return fit(
            classifier(),
            training or examples(),
            examples(30, seed=1),
            make_method(method, options),
            sources or {},
            ImuAugmentation(),
            settings,
            seed,
        )


def weights(result: FitResult) -> torch.Tensor:
    return torch.cat([value.flatten() for value in result.classifier.state_dict().values()])


def source_bank(every: int = 1) -> SourceBank:
    with repeatable(7):
        rows = np.where(np.arange(60) % every == 0, np.arange(60), -1)
        return make_source_bank(classifier(), examples().values, rows)


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
    assert torch.equal(unimodal, weights(run('dcat', sources={'s': source_bank()}, weight=0)))
    assert torch.equal(unimodal, weights(run('dcat', sources={'s': source_bank(7)}, weight=0)))


def test_dcat_with_a_weight_learns_something_else_and_lowers_its_loss():
    sources = {'s': source_bank()}
    result = run('dcat', sources=sources, weight=5, settings=replace(SETTINGS, epochs=10))
    unimodal = run(settings=replace(SETTINGS, epochs=10))
    assert not torch.equal(weights(unimodal), weights(result))
    assert result.history[-1].parts['alignment'] < 0.9 * result.history[0].parts['alignment']


def test_a_source_is_frozen_and_asked_once():
    with repeatable(0):
        source = classifier()
        before = torch.cat([p.detach().flatten() for p in source.parameters()])
        bank = make_source_bank(source, examples().values, np.arange(60))
    assert bank.outputs.logits.shape == (60, 3)
    assert not bank.outputs.key.requires_grad
    run('dcat', sources={'s': bank})
    assert torch.equal(before, torch.cat([p.detach().flatten() for p in source.parameters()]))
    assert not any(p.requires_grad for p in source.parameters())


def test_methods_see_each_source_window_beside_the_target_window_it_is_paired_with(monkeypatch):
    # The method made here is registered for this test only.
    monkeypatch.setattr(method, '_METHODS', dict(method._METHODS))
    seen: list[tuple[int, int]] = []

    class Spy(TransferMethod):
        name = 'spy'

        def __init__(self, options):
            self.options = options

        def terms(self, task_loss, target, sources):
            for source in sources.values():
                seen.append((len(source.rows), len(source.outputs.logits)))
                assert int(source.rows.max()) < len(target.logits)
            return MethodTerms(task_loss, {})

    run('spy', sources={'s': source_bank(every=4)}, settings=replace(SETTINGS, epochs=1))
    assert all(rows == outputs for rows, outputs in seen)
    assert sum(rows for rows, _ in seen) == 15


def test_it_stops_early_and_gives_the_best_epoch():
    # With labels that mean nothing, validation soon gets worse.
    noise = examples()
    noise.labels[:] = np.random.default_rng(3).integers(0, 3, 60)
    settings = replace(SETTINGS, epochs=200, patience=3, averaging=0.0)
    result = run(training=noise, settings=settings)
    losses = [report.validation_loss for report in result.history]
    assert len(losses) < 200
    assert result.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) - result.best_epoch == 3


def test_progress_hears_of_every_epoch():
    heard: list[EpochReport] = []
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
            heard.append,
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
    torch.manual_seed(5)
    threads, expected = torch.get_num_threads(), torch.initial_seed()
    run()
    assert torch.get_num_threads() == threads
    assert torch.initial_seed() == expected

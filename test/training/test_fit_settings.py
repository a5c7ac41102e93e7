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

"""Precision, balance and logs of a training run."""

from dataclasses import replace
import sys
import types

import numpy as np
import pytest
import torch

from test.training.small_trainer import examples, RECIPES, SOURCES, TARGET, trainer
from xmodal_ros.configuration.fit_settings import TrainingPrecision
from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.methods.method import make_method, TransferMethod
from xmodal_ros.methods.training_module import LossTerms, TrainingModule
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.training.epoch_log import epoch_logger
from xmodal_ros.training.trainer import FitResult, repeatable

REPORT = EpochMetrics(1, 0.5, 0.25, 0.75, {'alignment': 0.125})


def taught(method: str = 'unimodal', **changes: object) -> FitResult:
    settings = {n: replace(r, fit=replace(r.fit, **changes)) for n, r in RECIPES.items()}  # type: ignore[arg-type]
    with repeatable(0):
        sources = () if method == 'unimodal' else SOURCES[:1]
        return trainer(sources, recipes=settings).fit(make_method(method), sources)


@pytest.mark.parametrize('method', ['unimodal', 'attention_patch', 'dynamic_gating', 'infonce'])
def test_mixed_precision_learns_nearly_the_same_in_weights_of_full_precision(method):
    full, mixed = taught(method, epochs=1), taught(method, epochs=1, precision='bf16')
    losses = [each.history[0].training_loss for each in (full, mixed)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert all(v.dtype == torch.float32 for v in mixed.classifier.parameters())


def test_small_gradients_of_fp16_are_scaled():
    precision: TrainingPrecision = 'fp16'
    report = taught(precision=precision).history[-1]
    assert report.training_loss == pytest.approx(taught().history[-1].training_loss, rel=0.05)


@pytest.mark.parametrize('balance', ['weights', 'sampling', 'none'])
def test_what_is_shown_less_is_made_up_for_as_asked(balance):
    rare = examples(60)
    kept = np.flatnonzero((rare.labels != 2) | (np.arange(60) < 9))
    training = type(rare)(*(getattr(rare, f)[kept] for f in rare.__dataclass_fields__))
    # Of 43 windows, 20 and 20 and 3.
    weights = torch.tensor([1 / 20, 1 / 20, 1 / 3]) if balance == 'weights' else torch.ones(3)
    sets = {TARGET: DatasetSplit(training, examples(24, 1), {})}
    fit = replace(RECIPES[TARGET].fit, epochs=1, balance=balance, least_steps=40)
    shown: list[int] = []

    class Watching(TransferMethod):
        name = 'watching'

        def make_module(self, task):
            return WatchingModule(task)

    class WatchingModule(TrainingModule):
        def training_step(self, batch, outputs, task_loss):
            labels = batch.labels
            shown.extend(labels.tolist())
            smoothed = torch.nn.functional.one_hot(labels, 3) * (1 - fit.label_smoothing)
            costs = -outputs.logits.log_softmax(1) * (smoothed + fit.label_smoothing / 3) * weights
            expected = costs.sum() / weights[labels].sum()
            assert task_loss.item() == pytest.approx(expected.item(), rel=1e-4)
            return LossTerms(task_loss, {})

    with repeatable(0):
        busy = trainer((), recipes={TARGET: replace(RECIPES[TARGET], fit=fit)}, sets=sets)
        busy.fit(Watching(Watching.Options()), ())
    assert len(shown) >= 40 * 16
    share = shown.count(2) / len(shown)
    assert share == pytest.approx(1 / 3 if balance == 'sampling' else 3 / 43, abs=0.06)


def test_logs_follow_every_epoch(tmp_path, monkeypatch):
    heard: list[tuple[str, float, int]] = []

    class Writer:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / 'board')

        def add_scalar(self, name: str, value: float, step: int) -> None:
            heard.append((name, value, step))

        def flush(self) -> None:
            pass

        def close(self) -> None:
            heard.append(('closed', 0, 0))

    package = types.ModuleType('torch.utils.tensorboard')
    package.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', package)
    file = tmp_path / 'logs' / 'log.csv'
    with epoch_logger(pytest.fail, file, tmp_path / 'board') as logger:
        logger.log('training imu', REPORT)
        assert file.read_text() == logger.text()
    assert file.read_text().splitlines()[1] == 'training imu,1,0.5,0.25,0.75,alignment=0.125'
    assert ('training imu/alignment', 0.125, 1) in heard
    assert heard[-1] == ('closed', 0, 0)


def test_without_tensorboard_it_says_so_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    notes: list[str] = []
    with epoch_logger(notes.append, None, tmp_path / 'board') as logger:
        logger.log('training imu', REPORT)
    assert "install 'tensorboard'" in notes[0]
    assert len(logger.text().splitlines()) == 2

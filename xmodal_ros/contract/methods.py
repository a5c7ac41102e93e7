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

"""What every transfer method must hold.

:func:`check_method` runs all checks. A test suite that wants them one by one takes
:data:`METHOD_CHECKS`::

    @pytest.mark.parametrize('check', METHOD_CHECKS)
    def test_my_method(check):
        check(MyMethod(MyOptions()))

Each raises AssertionError for what does not hold, and unittest's SkipTest, which pytest knows,
where a package that it needs is missing. They train a small target for a few steps, on the CPU.
"""

from collections.abc import Callable, Sequence
import copy
from dataclasses import dataclass, field
import json
from pathlib import Path
import tempfile
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.contract.export import require_onnx_parity
from xmodal_ros.contract.require import require, require_close, require_equal, run_checks
from xmodal_ros.methods.method import Deferred, method_class, TransferMethod
from xmodal_ros.methods.source import NO_LABEL, Source, WindowTensors
from xmodal_ros.methods.training_module import TrainingBatch, TrainingModule, TransferTask
from xmodal_ros.methods.verdict import Judged, Unit, Verdict
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.training.optimizer import AdamW
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

T = TypeVar('T')

_LABELS: Final = ('sit', 'walk', 'wave')
_WINDOWS: Final = 24
_BATCH: Final = 8
_STEPS: Final = 4
_SOURCES: Final = ('thigh', 'chest')


def check_method(method: TransferMethod) -> None:
    """Run every check on a method; raises AssertionError for the first that does not hold."""
    run_checks(METHOD_CHECKS, method)


def check_name(method: TransferMethod) -> None:
    """It is chosen by its name, which is that of its entry point."""
    found = method_class(method.name)
    require(found is type(method), f'the entry point {method.name!r} is {found}, not {method!r}')


def check_options(method: TransferMethod) -> None:
    """Options come back from JSON, and from text as a command line has it."""
    options, schema = method.options, method.Options
    again = schema.model_validate_json(options.model_dump_json())
    require(again == options, f'{options!r} come back from JSON as {again!r}')
    given = {name: str(value) for name, value in options.model_dump().items() if value is not None}
    again = schema.model_validate(given)
    require(again == options, f'{options!r} come back from text as {again!r}')


def check_seed(method: TransferMethod) -> None:
    """The same seed gives the same weights, to the last bit."""
    first, again = _train(method).target.state_dict(), _train(method).target.state_dict()
    require(first.keys() == again.keys(), 'the weights are not always of the same names')
    for name, value in first.items():
        require_equal(again[name], value, f'{name} differs under the same seed')


def check_frozen_sources(method: TransferMethod) -> None:
    """Sources that come trained stay as they are, and get no gradient."""
    if method.source_use != 'frozen':
        return
    task = _task(method)
    before = {name: copy.deepcopy(s.classifier.state_dict()) for name, s in task.sources.items()}
    _fit(method, task)
    for name, source in task.sources.items():
        for key, value in source.classifier.state_dict().items():
            require_equal(value, before[name][key], f'{key} of source {name!r} changes')
        for key, parameter in source.classifier.named_parameters():
            require(parameter.grad is None, f'{key} of source {name!r} gets a gradient')


def check_gradients(method: TransferMethod) -> None:
    """Every parameter that it trains gets a gradient in some step."""
    fitted = _fit(method, _task(method))
    trained = {name for name, each in fitted.module.named_parameters() if each.requires_grad}
    without = sorted(trained - fitted.with_gradient)
    require(not without, f'these get no gradient in any step: {", ".join(without)}')


def check_unlabelled(method: TransferMethod) -> None:
    """Windows without a label are no error, whether or not it learns from them."""
    task = _task(method)
    task.windows.labels[::2] = NO_LABEL
    _fit(method, task)


def check_deployment(method: TransferMethod) -> None:
    """The target answers alone, always the same, and to a window alone as among others."""
    target, windows = _train(method).target, _examples(seed=9).values
    with torch.no_grad():
        together = target(windows)
        require_equal(target(windows), together, 'the same windows get other logits')
        for row in range(_BATCH):
            alone = target(windows[row : row + 1])
            require_close(alone[0], together[row], f'window {row} gets other logits alone')


def check_bundle(method: TransferMethod) -> None:
    """A target saved as a bundle gives the same logits once loaded; facts are JSON."""
    fitted, windows = _train(method), _examples(seed=9).values
    with torch.no_grad():
        expected = fitted.target(windows)
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(Path(folder) / 'bundle', _info(method, fitted), fitted.target, windows[0])
        bundle = load_bundle(Path(folder) / 'bundle')
        require_equal(bundle.logits(windows), expected, 'once loaded it gives other logits')
        facts = json.loads(json.dumps(fitted.module.facts()))
        require(
            bundle.info.provenance['method_facts'] == facts,
            f'{facts} come back as {bundle.info.provenance}',
        )


def check_going_on(method: TransferMethod) -> None:
    """A fresh module with the state of one that was trained takes the same next step."""
    trained = _fit(method, _task(method)).module
    task = _task(method)
    fresh = _make_module(method, task)
    fresh.load_state_dict(copy.deepcopy(trained.state_dict()))
    losses = [
        _step(module.train(), task, torch.arange(_BATCH), share=0.5) for module in (trained, fresh)
    ]
    require_equal(losses[0], losses[1], 'the loss of the step after is another')


def check_onnx(method: TransferMethod) -> None:
    """What it leaves in the target can be run elsewhere, where onnxruntime is installed."""
    if _make_module(method, _task(method)).target.patch is not None:
        fitted = _train(method)
        require_onnx_parity(_info(method, fitted), fitted.target, _examples(seed=9).values[0])


METHOD_CHECKS: Final[tuple[Callable[[TransferMethod], None], ...]] = (
    check_name,
    check_options,
    check_seed,
    check_frozen_sources,
    check_gradients,
    check_unlabelled,
    check_deployment,
    check_bundle,
    check_going_on,
    check_onnx,
)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A module that was trained, and the names of its parameters that got a gradient."""

    module: TrainingModule
    with_gradient: set[str] = field(default_factory=set)

    @property
    def target(self) -> Classifier:
        return self.module.target


class _Trainer:
    """What a method's course asks for, on a few windows."""

    target = 'wrist'

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = sources

    def fit(
        self, method: TransferMethod, sources: Sequence[str], start: _Fitted | None = None
    ) -> _Fitted:
        return _fit(method, _task(method, sources, None if start is None else start.target))

    def submit_fit(self, method: TransferMethod, sources: Sequence[str]) -> Deferred[_Fitted]:
        return Deferred(lambda: self.fit(method, sources))

    def validation_loss(self, fitted: _Fitted) -> float:
        windows = _examples(seed=8)
        with torch.no_grad():
            return float(functional.cross_entropy(fitted.target(windows.values), windows.labels))

    def skill(self, source: str) -> float:  # noqa: ARG002 - all of them have some
        return 0.5

    def average(self, taught: _Fitted, other: _Fitted) -> _Fitted:
        mean = copy.deepcopy(taught.module)
        with torch.no_grad():
            for own, theirs in zip(
                mean.target.parameters(), other.target.parameters(), strict=True
            ):
                own.lerp_(theirs, 0.5)
        return _Fitted(mean, taught.with_gradient)

    def folds(self, count: int) -> tuple[Unit, list['_FoldTrainer']]:
        return 'people', [_FoldTrainer(self.sources, number) for number in range(count)]

    def conclude(
        self, verdict: Verdict, alone: Sequence[Judged], decided: Sequence[Judged]
    ) -> None:
        """Tell nobody."""

    def note(self, text: str) -> None:
        """Tell nobody."""


class _FoldTrainer(_Trainer):
    def __init__(self, sources: Sequence[str], number: int) -> None:
        super().__init__(sources)
        self._number = number

    def judge(self, fitted: _Fitted) -> Judged:
        nowhere = np.zeros(0, np.int64)
        scores = {str(self._number): -self.validation_loss(fitted)}
        return Judged(scores, nowhere, nowhere, np.zeros((0, 2)))

    def submit(self, work: Callable[['_FoldTrainer'], T]) -> Deferred[T]:
        return Deferred(lambda: work(self))


def _train(method: TransferMethod) -> _Fitted:
    return method.train_target(_Trainer(() if method.source_use == 'none' else _SOURCES))


def _fit(method: TransferMethod, task: TransferTask) -> _Fitted:
    module = _make_module(method, task)
    fitted = _Fitted(module)
    optimizer = AdamW(module.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(3)
    for number in range(_STEPS):
        rows = torch.randperm(len(task.windows), generator=generator)[:_BATCH]
        optimizer.zero_grad(set_to_none=True)
        _step(module.train(), task, rows, number / _STEPS).backward()
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                finite = bool(parameter.grad.isfinite().all())
                require(finite, f'the gradient of {name} in step {number} is no number')
                fitted.with_gradient.add(name)
        optimizer.step()
    module.eval()
    with torch.no_grad():
        module.prepare_inference()
    return fitted


def _make_module(method: TransferMethod, task: TransferTask) -> TrainingModule:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return method.make_module(task)


def _step(module: TrainingModule, task: TransferTask, rows: Tensor, share: float) -> Tensor:
    """Give the loss () of a step as the trainer takes it."""
    windows, labels = task.windows.values[rows], task.windows.labels[rows]
    batch = TrainingBatch(rows, lambda: windows, labels, share)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        module.prepare_batch(batch)
        outputs = module.target.outputs(windows)
        terms = module.training_step(batch, outputs, task.task_loss(outputs.logits, labels))
    require(terms.loss.shape == () and bool(terms.loss.isfinite()), f'the loss is {terms.loss}')
    return terms.loss


def _task(
    method: TransferMethod, sources: Sequence[str] = _SOURCES, start: Classifier | None = None
) -> TransferTask:
    """Give a target and its sources, of which one has another number of channels."""
    target = _classifier(0) if start is None else copy.deepcopy(start)
    named = {}
    for number, name in enumerate(sources if method.source_use != 'none' else (), 1):
        channels = 3 if number == 1 else 6
        # One window in four has no partner.
        in_time = torch.where(torch.arange(_WINDOWS) % 4 == number, -1, torch.arange(_WINDOWS))
        named[name] = Source(
            name,
            _classifier(number, channels),
            _examples(number, channels),
            in_time,
            len(_LABELS),
            lambda raw, _: raw,
        )
    return TransferTask(target, _examples(), named, _task_loss)


def _task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    known = labels != NO_LABEL
    # Zero, with the gradient that a loss has to have, where no window has a label.
    return functional.cross_entropy(logits[known], labels[known]) if known.any() else logits.sum()


def _document(channels: int = 6) -> BundleInfo:
    return BundleInfo(
        labels=_LABELS,
        sensor='wrist',
        stream=ImuStream(channels='acc_gyro' if channels == 6 else 'acc'),
        window=WindowingSpec(length_ns=SECOND_NS, rate_hz=50),
        preprocessing=(),
        encoder=ImuCnnConfig(width=16, dim=16),
        method='unimodal',
    )


def _info(method: TransferMethod, fitted: _Fitted) -> BundleInfo:
    patch = fitted.target.patch
    return _document().model_copy(
        update={
            'method': method.name,
            'patch': None if patch is None else patch.config,
            'provenance': {'method_facts': fitted.module.facts()},
        }
    )


def _classifier(seed: int, channels: int = 6) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _document(channels).make_classifier()


def _examples(seed: int = 0, channels: int = 6) -> WindowTensors:
    """Give windows of three activities in turn, which shake at different speeds, one a second."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(_WINDOWS) % len(_LABELS)
    time = torch.linspace(0, 1, 50)[None, :, None]
    phase = 6 * torch.rand((_WINDOWS, 1, channels), generator=generator)
    return WindowTensors(
        torch.sin(12 * (labels + 1)[:, None, None] * time + phase),
        labels,
        torch.zeros(_WINDOWS, dtype=torch.int64),
        torch.arange(_WINDOWS) * SECOND_NS,
    )

"""The training loop: it knows windows, a classifier and a transfer method's loss, no more."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
import copy
from dataclasses import dataclass, fields
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.errors import TrainingError
from xmodal_ros.models.classifier import Classifier, Outputs
from xmodal_ros.training.augmentation import Augmentation
from xmodal_ros.training.examples import Examples
from xmodal_ros.training.recipe import FitSettings
from xmodal_ros.transfer.method import PairedSource, TransferMethod

# A fixed number: other thread counts add in another order and give other last bits.
TRAINING_THREADS: Final = 2
_EVALUATION_BATCH: Final = 256
_WARM_UP_SHARE: Final = 0.05


@dataclass(frozen=True)
class EpochReport:
    """Where training stands after an epoch; losses are means over windows."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    parts: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class SourceBank:
    """A frozen source's outputs, computed once.

    ``rows`` (N,) gives for each of the target's N training windows its row in ``outputs``, or
    -1. The source is in eval mode and sees its windows as they are, so its outputs never change.
    """

    rows: Tensor
    outputs: Outputs


@dataclass(frozen=True, eq=False)
class FitResult:
    """The classifier as of its best epoch, and how it got there."""

    classifier: Classifier
    history: tuple[EpochReport, ...]
    best_epoch: int


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Fix random numbers and threads within, and restore both after."""
    threads = torch.get_num_threads()
    torch.set_num_threads(TRAINING_THREADS)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def make_source_bank(
    classifier: Classifier, windows: NDArray[Any], rows: NDArray[np.int64]
) -> SourceBank:
    """Freeze a source and run it over its windows (M, steps, ...); see :class:`SourceBank`."""
    classifier.eval().requires_grad_(requires_grad=False)
    batches = list(_outputs(classifier, windows))
    joined = {
        field.name: torch.cat([getattr(batch, field.name) for batch in batches])
        for field in fields(Outputs)
    }
    return SourceBank(torch.from_numpy(rows), Outputs(**joined))


def predict_logits(classifier: Classifier, windows: NDArray[Any]) -> Tensor:
    """Give logits (N, classes) on the CPU, in eval mode, in batches: close to the engine's."""
    classifier.eval()
    batches = [outputs.logits.cpu() for outputs in _outputs(classifier, windows)]
    return torch.cat(batches) if batches else torch.zeros((0, classifier.head.out_features))


def _outputs(classifier: Classifier, windows: NDArray[Any]) -> Iterator[Outputs]:
    device = next(classifier.parameters()).device
    for start in range(0, len(windows), _EVALUATION_BATCH):
        batch = torch.from_numpy(windows[start : start + _EVALUATION_BATCH]).to(device)
        with torch.no_grad():
            outputs = classifier.outputs(batch)
        yield outputs


def fit(
    classifier: Classifier,
    training: Examples,
    validation: Examples,
    method: TransferMethod,
    sources: Mapping[str, SourceBank],
    augmentation: Augmentation,
    settings: FitSettings,
    seed: int,
    progress: Callable[[EpochReport], None] | None = None,
) -> FitResult:
    """Train a classifier in place and give it as of the epoch of least validation loss.

    On the CPU the same seed gives the same weights to the last bit. Call it within
    :func:`repeatable`. Raises :class:`TrainingError` when the loss stops being a number.
    """
    return _Fit(classifier, training, method, sources, augmentation, settings, seed).run(
        validation, progress
    )


class _Fit:
    def __init__(
        self,
        classifier: Classifier,
        training: Examples,
        method: TransferMethod,
        sources: Mapping[str, SourceBank],
        augmentation: Augmentation,
        settings: FitSettings,
        seed: int,
    ) -> None:
        self.classifier = classifier
        self.device = next(classifier.parameters()).device
        self.windows = torch.from_numpy(training.values)
        self.labels = torch.from_numpy(training.labels)
        self.class_weights = class_weights(training.labels, classifier.head.out_features)
        self.class_weights = self.class_weights.to(self.device)
        self.method = method
        self.sources = sources
        self.augmentation = augmentation
        self.settings = settings
        self.generator = torch.Generator().manual_seed(seed)
        self.averaged = copy.deepcopy(classifier)
        self.optimizer = torch.optim.AdamW(
            classifier.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.steps_in_epoch = max(
            settings.least_steps, math.ceil(len(training) / settings.batch_size)
        )
        self.steps_total = settings.epochs * self.steps_in_epoch
        self.step = 0

    def run(
        self, validation: Examples, progress: Callable[[EpochReport], None] | None
    ) -> FitResult:
        history: list[EpochReport] = []
        best_loss, best_epoch = math.inf, 0
        best_state = copy.deepcopy(self.averaged.state_dict())
        for epoch in range(1, self.settings.epochs + 1):
            training_loss, parts = self._train_epoch(epoch)
            validation_loss, accuracy = self._validate(validation)
            report = EpochReport(epoch, training_loss, validation_loss, accuracy, parts)
            history.append(report)
            if progress:
                progress(report)
            if validation_loss < best_loss:
                best_loss, best_epoch = validation_loss, epoch
                best_state = copy.deepcopy(self.averaged.state_dict())
            elif epoch - best_epoch >= self.settings.patience:
                break
        self.classifier.load_state_dict(best_state)
        self.classifier.eval()
        return FitResult(self.classifier, tuple(history), best_epoch)

    def _train_epoch(self, epoch: int) -> tuple[float, dict[str, float]]:
        self.classifier.train()
        order = self._order()
        sums: dict[str, float] = {'': 0.0}
        for rows in order.split(self.settings.batch_size):
            loss, parts = self._train_batch(rows)
            if not math.isfinite(loss):
                raise TrainingError(
                    f'the loss became {loss} in epoch {epoch}: check the recordings for values '
                    'far out of range, or weigh the transfer method less'
                )
            for name, value in {'': loss, **parts}.items():
                sums[name] = sums.get(name, 0.0) + value * len(rows) / len(order)
        return sums.pop(''), sums

    def _order(self) -> Tensor:
        """Give the rows of an epoch: a permutation, or as many as it takes to fill the steps."""
        count = len(self.labels)
        repeats = math.ceil((self.steps_in_epoch - 1) * self.settings.batch_size / count)
        rounds = [torch.randperm(count, generator=self.generator) for _ in range(max(1, repeats))]
        return torch.cat(rounds)[: max(count, self.steps_in_epoch * self.settings.batch_size)]

    def _train_batch(self, rows: Tensor) -> tuple[float, Mapping[str, float]]:
        windows = self.augmentation(self.windows[rows].to(self.device), self.generator)
        outputs = self.classifier.outputs(windows)
        task_loss = functional.cross_entropy(
            outputs.logits,
            self.labels[rows].to(self.device),
            weight=self.class_weights,
            label_smoothing=self.settings.label_smoothing,
        )
        terms = self.method.terms(task_loss, outputs, self._paired(rows))
        for group in self.optimizer.param_groups:
            group['lr'] = self.settings.learning_rate * self._schedule()
        self.optimizer.zero_grad(set_to_none=True)
        terms.loss.backward()
        self.optimizer.step()
        self.step += 1
        self._average()
        return float(terms.loss.detach()), terms.parts

    def _paired(self, rows: Tensor) -> dict[str, PairedSource]:
        paired: dict[str, PairedSource] = {}
        for name, bank in self.sources.items():
            theirs = bank.rows[rows]
            ours = torch.nonzero(theirs >= 0)[:, 0]
            if len(ours):
                chosen = theirs[ours].to(bank.outputs.logits.device)
                outputs = Outputs(
                    **{f.name: getattr(bank.outputs, f.name)[chosen] for f in fields(Outputs)}
                )
                paired[name] = PairedSource(ours.to(self.device), outputs)
        return paired

    def _schedule(self) -> float:
        """Warm up linearly, then fall along half a cosine."""
        share = self.step / self.steps_total
        if share < _WARM_UP_SHARE:
            return (share + 1 / self.steps_total) / _WARM_UP_SHARE
        return 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)))

    def _average(self) -> None:
        # A short memory at first, lest the random initial weights linger.
        decay = min(self.settings.averaging, self.step / (self.step + 9))
        with torch.no_grad():
            for mean, value in zip(
                self.averaged.parameters(), self.classifier.parameters(), strict=True
            ):
                mean.lerp_(value, 1 - decay)

    def _validate(self, validation: Examples) -> tuple[float, float]:
        logits = predict_logits(self.averaged, validation.values).double()
        labels = torch.from_numpy(validation.labels)
        loss = functional.cross_entropy(logits, labels)
        return float(loss), float((logits.argmax(dim=1) == labels).double().mean())


def class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Weigh classes as macro-F1 does: each the same in total, classes without windows zero."""
    counts = np.bincount(labels, minlength=classes)
    weights = np.divide(1.0, counts, out=np.zeros(classes), where=counts > 0)
    return torch.from_numpy(weights / weights[labels].mean()).float()

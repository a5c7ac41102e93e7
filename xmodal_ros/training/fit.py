"""The training loop: it knows windows, a classifier and whatever learner a method sets to work."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
import copy
from dataclasses import dataclass, field, replace
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.errors import TrainingError
from xmodal_ros.models.classifier import Classifier, outputs_in_batches
from xmodal_ros.models.lazy_tensor import as_tensor, Rows
from xmodal_ros.training.augmentation import Augmentation
from xmodal_ros.training.examples import Examples, pair_in_time
from xmodal_ros.training.recipe import FitSettings
from xmodal_ros.transfer.learner import Batch, Lesson
from xmodal_ros.transfer.method import TransferMethod
from xmodal_ros.transfer.randomness import OwnRandomness
from xmodal_ros.transfer.source import Source, Windows

# A fixed number: other thread counts add in another order and give other last bits.
TRAINING_THREADS: Final = 2
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
class FitResult:
    """The classifier as of its best epoch, and how it got there.

    ``sources`` are the sensors it learnt from, ``facts`` what the method says of its work.
    """

    classifier: Classifier
    history: tuple[EpochReport, ...]
    best_epoch: int
    sources: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


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


def as_windows(examples: Examples) -> Windows:
    """Give examples in the form that transfer methods take."""
    return Windows(
        as_tensor(examples.values),
        torch.from_numpy(examples.labels),
        torch.from_numpy(examples.recordings),
        torch.from_numpy(examples.ends_ns),
    )


def make_source(
    name: str,
    classifier: Classifier,
    examples: Examples,
    target: Examples,
    classes: int,
    augmentation: Augmentation,
) -> Source:
    """Make a sensor the source of a target, given the training windows of both."""
    return Source(
        name,
        classifier,
        as_windows(examples),
        torch.from_numpy(pair_in_time(target, examples)),
        classes,
        augmentation,
    )


def predict_logits(classifier: Classifier, windows: Rows) -> Tensor:
    """Give logits (N, classes) on the CPU, in eval mode, in batches: close to the engine's."""
    classifier.eval()
    outputs = outputs_in_batches(classifier, as_tensor(windows))
    batches = [batch.logits.cpu() for batch in outputs]
    return torch.cat(batches) if batches else torch.zeros((0, classifier.head.out_features))


def fit(
    classifier: Classifier,
    training: Examples,
    validation: Examples,
    method: TransferMethod,
    sources: Mapping[str, Source],
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
        sources: Mapping[str, Source],
        augmentation: Augmentation,
        settings: FitSettings,
        seed: int,
    ) -> None:
        self.device = next(classifier.parameters()).device
        self.training = as_windows(training)
        self.class_weights = class_weights(training.labels, classifier.head.out_features)
        self.class_weights = self.class_weights.to(self.device)
        self.sources = sources
        self.augmentation = augmentation
        self.schedule = method.schedule
        self.settings = own_schedule(settings, method)
        self.generator = torch.Generator().manual_seed(seed)
        self.randomness = OwnRandomness(seed, self.device)
        with self.randomness():
            lesson = Lesson(classifier, self.training, sources, self._task_loss)
            self.learner = method.start(lesson).to(self.device)
        self.target = self.learner.target
        self.optimizer = torch.optim.AdamW(
            self.learner.parameters(),
            self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
        )
        self.means = [p.detach().clone() for p in self.learner.parameters()]
        self.steps_in_epoch = max(
            self.settings.least_steps, math.ceil(len(training) / self.settings.batch_size)
        )
        self.steps_total = self.settings.epochs * self.steps_in_epoch
        self.step = 0

    def run(
        self, validation: Examples, progress: Callable[[EpochReport], None] | None
    ) -> FitResult:
        history: list[EpochReport] = []
        best_loss, best_epoch = math.inf, 0
        with self._averaged():
            best_state = copy.deepcopy(self.target.state_dict())
        for epoch in range(1, self.settings.epochs + 1):
            training_loss, parts = self._train_epoch(epoch)
            with self._averaged():
                validation_loss, accuracy = self._validate(validation)
                if validation_loss < best_loss:
                    best_loss, best_epoch = validation_loss, epoch
                    best_state = copy.deepcopy(self.target.state_dict())
            report = EpochReport(epoch, training_loss, validation_loss, accuracy, parts)
            history.append(report)
            if progress:
                progress(report)
            if epoch - best_epoch >= self.settings.patience:
                break
        self.target.load_state_dict(best_state)
        self.target.eval().requires_grad_(requires_grad=True)
        return FitResult(
            self.target, tuple(history), best_epoch, tuple(self.sources), self.learner.facts()
        )

    def _train_epoch(self, epoch: int) -> tuple[float, dict[str, float]]:
        self.learner.train()
        order = self._order()
        sums: dict[str, float] = {'': 0.0}
        for rows in order.split(self.settings.batch_size):
            loss, parts = self._train_batch(rows, epoch)
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
        count = len(self.training)
        repeats = math.ceil((self.steps_in_epoch - 1) * self.settings.batch_size / count)
        rounds = [torch.randperm(count, generator=self.generator) for _ in range(max(1, repeats))]
        return torch.cat(rounds)[: max(count, self.steps_in_epoch * self.settings.batch_size)]

    def _train_batch(self, rows: Tensor, epoch: int) -> tuple[float, Mapping[str, float]]:
        windows = self.augmentation(self.training.values[rows].to(self.device), self.generator)
        labels = self.training.labels[rows].to(self.device)
        batch = Batch(rows, windows, labels, self.step / self.steps_total)
        with self.randomness():
            self.learner.prepare(batch)
        outputs = self.target.outputs(windows)
        task_loss = self._task_loss(outputs.logits, labels)
        with self.randomness():
            terms = self.learner.terms(batch, outputs, task_loss)
        for group in self.optimizer.param_groups:
            group['lr'] = self._rate(epoch)
        self.optimizer.zero_grad(set_to_none=True)
        terms.loss.backward()
        self.optimizer.step()
        self.step += 1
        self._average()
        return float(terms.loss.detach()), terms.parts

    def _task_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits,
            labels,
            weight=self.class_weights,
            label_smoothing=self.settings.label_smoothing,
        )

    def _rate(self, epoch: int) -> float:
        """Warm up linearly, then fall along half a cosine; or in steps, where the method says."""
        if self.schedule is not None:
            return self.schedule.learning_rate * self.schedule.decay ** (
                (epoch - 1) // self.schedule.every
            )
        share = self.step / self.steps_total
        if share < _WARM_UP_SHARE:
            return self.settings.learning_rate * (share + 1 / self.steps_total) / _WARM_UP_SHARE
        falling = math.pi * (share - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
        return self.settings.learning_rate * (0.5 * (1 + math.cos(falling)))

    def _average(self) -> None:
        # A short memory at first, lest the random initial weights linger.
        decay = min(self.settings.averaging, self.step / (self.step + 9))
        with torch.no_grad():
            for mean, value in zip(self.means, self.learner.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put the running means in the weights' place, settled, and the weights back after."""
        weights = [p.detach().clone() for p in self.learner.parameters()]
        self._put(self.means)
        self.learner.eval()
        self.learner.settle()
        yield
        self._put(weights)

    @torch.no_grad()
    def _put(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self.learner.parameters(), values, strict=True):
            parameter.copy_(value)

    def _validate(self, validation: Examples) -> tuple[float, float]:
        logits = predict_logits(self.target, validation.values).double()
        labels = torch.from_numpy(validation.labels)
        loss = functional.cross_entropy(logits, labels)
        return float(loss), float((logits.argmax(dim=1) == labels).double().mean())


def own_schedule(settings: FitSettings, method: TransferMethod) -> FitSettings:
    """Give the settings that hold for a method: those of its own schedule, where it has one."""
    own = method.schedule
    if own is None:
        return settings
    # The user's own limit of epochs holds for every method.
    return replace(
        settings,
        epochs=min(settings.epochs, own.epochs),
        batch_size=own.batch_size,
        learning_rate=own.learning_rate,
        weight_decay=0.0,
    )


def class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Weigh classes as macro-F1 does: each the same in total, classes without windows zero."""
    counts = np.bincount(labels, minlength=classes)
    weights = np.divide(1.0, counts, out=np.zeros(classes), where=counts > 0)
    return torch.from_numpy(weights / weights[labels].mean()).float()

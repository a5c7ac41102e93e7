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

"""Train one target by a method, and the sources that it learns from."""

from collections.abc import Callable, Mapping, Sequence
import copy
from dataclasses import dataclass, replace
from functools import partial
import math
import time
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, pair_in_time
from xmodal_ros.data.window_array import WindowArray
from xmodal_ros.data.window_split import why_left_out
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import Deferred, Pending, TransferMethod
from xmodal_ros.methods.source import NO_LABEL, Source
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.methods.verdict import Judged, Unit, Verdict
from xmodal_ros.metrics.macro_f1 import count_by_class
from xmodal_ros.modalities.augmentation import NoAugmentation
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.lazy_tensor import as_tensor
from xmodal_ros.models.modeling_preprocessing import fit_standardise
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.training.callbacks import Callback, ProgressCallback
from xmodal_ros.training.checkpoint import CheckpointStore, kept_nowhere
from xmodal_ros.training.distributed import DistributedContext, SINGLE_PROCESS
from xmodal_ros.training.folds import HeldOut, make_folds
from xmodal_ros.training.frame_memory import FrameMemory
from xmodal_ros.training.parts import FitHooks, IN_TURN, PartExecutor, Stores
from xmodal_ros.training.pretraining import pretrain
from xmodal_ros.training.shorter_fits import to_compare
from xmodal_ros.training.trainer import (
    fit,
    FitResult,
    make_source,
    predict_logits,
    prepare_encoder,
    scheduled_settings,
)

T = TypeVar('T')
# So many fits of a fold have numbers of their own.
_FITS_OF_A_FOLD: Final = 100


@dataclass(frozen=True)
class Candidate:
    """One way the target was trained, and its calibrated loss on validation windows."""

    method: str
    sources: tuple[str, ...]
    validation_loss: float


class TransferTrainer:
    """Train one target, and the sources it learns from.

    ``recipes`` and ``sets`` are by sensor name, all with the same ``labels``. Every classifier
    starts from the random state that ``seed`` gives, so that what else is trained changes
    nothing. Call it within :func:`xmodal_ros.training.trainer.repeatable`. ``stores`` gives, for
    the n-th fit and what it is called, where it is to be kept; ``callbacks`` follow every fit.
    ``people`` names whom a recording shows, by its number; ``purpose`` goes before what fits are
    called. The first of them is numbered one more than ``fitted``. What does not depend on each
    other is done by ``executor``.
    """

    def __init__(
        self,
        target: str,
        sources: Sequence[str],
        labels: Sequence[str],
        recipes: Mapping[str, Recipe],
        sets: Mapping[str, DatasetSplit],
        seed: int,
        device: torch.device,
        reporter: ProgressReporter,
        *,
        stores: Stores = kept_nowhere,
        callbacks: Sequence[Callback] = (),
        context: DistributedContext = SINGLE_PROCESS,
        people: Sequence[str] = (),
        purpose: str = '',
        fitted: int = 0,
        executor: PartExecutor = IN_TURN,
    ) -> None:
        self.target = target
        self.sources = tuple(sources)
        self.fits: dict[str, FitResult] = {}
        """Of the sources trained so far."""
        self.unskilled: set[str] = set()
        """Sources that were found no better than guessing."""
        self.candidates: list[Candidate] = []
        """All ways the target was trained in so far."""
        self.durations_s: dict[str, float] = {}
        """Wall time of each fit, by what it was; for the report only."""
        self.verdict: Verdict | None = None
        """What the method decided about its sources, where it did."""
        self.judged: tuple[Sequence[Judged], Sequence[Judged]] | None = None
        """What it decided by: answers of the target alone, and as it was decided."""
        self.labels = tuple(labels)
        self._recipes = recipes
        self._sets = sets
        self._seed = seed
        self._device = device
        self._reporter = reporter
        self._stores = stores
        self._callbacks = tuple(callbacks)
        self._context = context
        self._people = tuple(people)
        self._purpose = purpose
        self._first = self._fitted = fitted
        self._executor = executor
        self._documents: dict[str, BundleInfo] = {}
        self._frozen: dict[str, Source] = {}
        # The target that learnt alone, where it was averaged with another.
        self._alone: FitResult | None = None
        self._memories: dict[str, FrameMemory] = {}
        self._pretrained: dict[str, dict[str, Tensor]] = {}
        self._examples: dict[str, DatasetSplit] = {}

    def document(self, name: str) -> BundleInfo:
        """Give the document of a sensor's classifier, as far as it is known before training."""
        if name not in self._documents:
            recipe = self._recipes[name]
            windows = as_tensor(self._sets[name].training.values)
            self._documents[name] = BundleInfo(
                labels=self.labels,
                sensor=name,
                stream=recipe.stream,
                window=recipe.window,
                preprocessing=(
                    *recipe.derived,
                    fit_standardise(recipe.derived, windows, self._context),
                ),
                encoder=recipe.encoder,
                method=Unimodal.name,
            )
        return self._documents[name]

    def read(self, name: str, windows: WindowArray) -> WindowArray:
        """Give raw windows (N, steps, ...) as a sensor's classifier is to be shown them.

        Where its encoder remembers frames they are the features (N, steps, F) of these.
        """
        if not self._recipes[name].encoder.remembers_frames:
            return windows
        if name not in self._memories:
            self._memories[name] = FrameMemory(self._fresh(name))
        return self._memories[name](windows, self._reporter, name)

    def check(self, method: TransferMethod) -> None:
        """Raise :class:`TrainingError` when a method cannot learn from the sources."""
        self._check_pretraining()
        ours = self._sets[self.target].training
        # A source that is trained along learns from what is labelled, and has a partner that is.
        usable = ours.labels != NO_LABEL if method.source_use == 'joint' else np.True_
        for name in self.sources if method.needs_overlap else ():
            if not (usable & (pair_in_time(ours, self._sets[name].training) >= 0)).any():
                raise TrainingError(
                    f"no labelled window of source '{name}' ends when one of '{self.target}' "
                    'does: were both recorded at the same time, and are their header stamps of '
                    "the same clock? If not, pair by label ('--option pairing=class', without "
                    f'--unlabelled) where the method offers it; {why_left_out(self._sets[name])}'
                )

    def _check_pretraining(self) -> None:
        asked = [n for n in (self.target, *self.sources) if self._recipes[n].fit.pretrain]
        for name in asked:
            if isinstance(self._recipes[name].augmentation, NoAugmentation):
                raise TrainingError(
                    f"pretraining tells apart what augmentation makes of windows, and '{name}' "
                    'has none with its encoder: leave --pretrain out, or choose another encoder'
                )

    def train_source(self, name: str) -> FitResult:
        """Train a source alone, unless it has been."""
        if name not in self.fits:
            self.fits[name] = self._fit(name, self._begin(name), Unimodal(Unimodal.Options()), {})
        return self.fits[name]

    def fit(
        self, method: TransferMethod, sources: Sequence[str], start: FitResult | None = None
    ) -> FitResult:
        """Train the target with a method, from fresh weights or from those of ``start``.

        Sources that the method wants frozen are trained first, where they have not been.
        """
        if method.source_use == 'joint':
            teachers = {name: self._source(name, self._begin(name)) for name in sources}
        else:
            teachers = {name: self._trained(name) for name in sources}
        if start is None:
            classifier = self._begin(self.target)
        else:
            classifier = copy.deepcopy(start.classifier)
            # As fresh weights leave it: who was trained before must not matter.
            torch.manual_seed(self._seed)
        fitted = self._fit(self.target, classifier, method, teachers)
        self.candidates.append(
            Candidate(method.name, tuple(sources), self.validation_loss(fitted))
        )
        return fitted

    def submit_fit(self, method: TransferMethod, sources: Sequence[str]) -> Pending[FitResult]:
        """Let :meth:`fit` be done beside what comes next, where there is a process for it.

        From sources it is done here, for what they have learnt and answered is here; so are the
        features of frames.
        """
        if sources or self._recipes[self.target].encoder.remembers_frames:
            return Deferred(partial(self.fit, method, sources))
        make = partial(
            TransferTrainer,
            self.target,
            self.sources,
            self.labels,
            self._recipes,
            self._sets,
            self._seed,
            self._device,
            people=self._people,
            purpose=self._purpose,
        )
        first = self._fitted
        self._fitted += 1
        if self._executor.processes == 1:
            return Deferred(partial(self._fit_alone_as, first, method))
        work = partial(_fit_alone, method=method)
        return self._submit(_Part(make, first, self._pretrained, work))

    def _fit_alone_as(self, first: int, method: TransferMethod) -> FitResult:
        """Fit the target here with the number that was next when it was submitted."""
        fitted, self._fitted = self._fitted, first
        try:
            return self.fit(method, ())
        finally:
            self._fitted = fitted

    def _submit(self, part: '_Part[T]') -> Pending[T]:
        hooks = FitHooks(self._reporter, self._stores, self._callbacks, self._context)
        return _PendingPart(self._executor.submit(part, hooks), self)

    def validation_loss(self, fitted: FitResult) -> float:
        """Give the target's mean negative log-likelihood on validation, after calibration.

        It is that of the epoch that was kept.
        """
        return fitted.history[fitted.best_epoch - 1].validation_loss

    def skill(self, source: str) -> float:
        """Give by how much a source's mean recall on validation exceeds that of guessing.

        Guessing is among the activities that validation shows, or where it shows one, as of a
        source that few recordings have, between that and another.
        """
        validation = self._shown(source).validation
        fitted = self.train_source(source)
        logits = predict_logits(fitted.classifier, validation.values, self._context)
        decided = logits.argmax(dim=1).tolist()
        shown = np.unique(validation.labels).tolist()
        right, true, _ = count_by_class(validation.labels.tolist(), decided, shown).T
        skill = self._context.broadcast(float((right / true).mean()) - 1 / max(2, len(shown)))
        if skill <= 0:
            self.unskilled.add(source)
        return skill

    def average(self, taught: FitResult, other: FitResult) -> FitResult:
        """Give the mean of two targets' weights; all else is said of it as of ``taught``."""
        if not other.sources:
            self._alone = other
        classifier = copy.deepcopy(taught.classifier)
        theirs = other.classifier.state_dict()
        mean = {
            name: value.lerp(theirs[name], 0.5) if value.is_floating_point() else value
            for name, value in classifier.state_dict().items()
        }
        classifier.load_state_dict(mean)
        return replace(
            taught,
            classifier=classifier,
            facts={**taught.facts, 'averaged': f'with {self.target} that learnt alone'},
        )

    def folds(self, count: int) -> tuple[Unit, list['HeldOutTrainer']]:
        """Hold out each of those who are learnt from once, in so many parts or fewer.

        Nobody learns from those held out, nor does a source. All nets take as many steps as are
        enough to compare ways to learn.
        """
        lengths_ns = {name: recipe.window.length_ns for name, recipe in self._recipes.items()}
        names = (self.target, *self.sources)
        sets = {name: self._sets[name] for name in names}
        unit, folds = make_folds(sets, self.target, self._people, lengths_ns, count, self._seed)
        return unit, [
            self._on(fold, number, f'judging, part {number} of {len(folds)}: ')
            for number, fold in enumerate(folds, 1)
        ]

    def conclude(
        self, verdict: Verdict, alone: Sequence[Judged], decided: Sequence[Judged]
    ) -> None:
        """Keep what was decided, and tell the user."""
        self.verdict = verdict
        self.judged = (alone, decided)
        self.note(verdict.sentence)

    def forget(self) -> None:
        """Be as before the target was trained; sources that have been trained stay so."""
        self.verdict = self.judged = self._alone = None
        self.durations_s.clear()

    def fit_alone_after_all(self, *, wanted: bool) -> FitResult | None:
        """Train the target without the sources that were to be used, if that is ``wanted``.

        Where several processes train, all of them ask, and the main one says.
        """
        used = self.verdict is not None and self.verdict.decision != 'not used'
        if not used or not self._context.broadcast(float(wanted)):
            return None
        return self._alone or self.fit(Unimodal(Unimodal.Options()), ())

    def note(self, text: str) -> None:
        """Say something that the user should know."""
        self._reporter.note(text)

    def _on(self, fold: HeldOut, number: int, purpose: str) -> 'HeldOutTrainer':
        trainer = HeldOutTrainer(
            fold,
            self.target,
            self.sources,
            self.labels,
            {name: to_compare(recipe) for name, recipe in self._recipes.items()},
            self._seed,
            self._device,
            self._reporter,
            stores=self._stores,
            callbacks=self._callbacks,
            context=self._context,
            people=self._people,
            purpose=purpose,
            # Whatever else is done by then, its fits have the same numbers.
            fitted=number * _FITS_OF_A_FOLD,
            executor=self._executor,
        )
        # What it takes is this one's time.
        trainer.durations_s = self.durations_s
        return trainer

    def start_from(self, pretrained: dict[str, dict[str, Tensor]]) -> None:
        """Take what nets of sensors were after pretraining, by a trainer like this one."""
        self._pretrained = pretrained

    def _shown(self, name: str) -> DatasetSplit:
        """Give a sensor's examples as its classifier is to be shown them."""
        if name not in self._examples:
            raw = self._sets[name]
            self._examples[name] = replace(
                raw,
                training=replace(raw.training, values=self.read(name, raw.training.values)),
                validation=replace(raw.validation, values=self.read(name, raw.validation.values)),
            )
        return self._examples[name]

    def _store(self, stage: str) -> CheckpointStore:
        self._fitted += 1
        return self._stores(self._fitted, stage)

    def _fresh(self, name: str) -> Classifier:
        document = self.document(name)
        torch.manual_seed(self._seed)
        classifier = document.make_classifier()
        prepare_encoder(classifier, self._sets[name].training)
        return classifier.to(self._device)

    def _begin(self, name: str) -> Classifier:
        """Give what a sensor's classifier is before it learns from labels."""
        classifier, recipe = self._fresh(name), self._recipes[name]
        if not recipe.fit.pretrain:
            return classifier
        if name not in self._pretrained:
            stage = f'{self._purpose}pretraining {name}'
            # It may have stages of its own.
            shown = self._shown(name).training
            self._reporter.begin(stage, recipe.fit.pretrain)
            begun = time.monotonic()
            pretrain(
                classifier,
                shown,
                recipe.augmentation,
                recipe.fit,
                self._seed,
                self._reporter.advance,
            )
            self.durations_s[stage] = time.monotonic() - begun
            self._pretrained[name] = copy.deepcopy(classifier.state_dict())
        classifier.load_state_dict(self._pretrained[name])
        return classifier

    def _trained(self, name: str) -> Source:
        if name not in self._frozen:
            source = self._source(name, self.train_source(name).classifier)
            self._reporter.begin(
                f'{self._purpose}asking {name} about its windows', len(source.windows)
            )
            # What it answers is kept, and would hold up the training that asks first.
            _ = source.outputs
            self._frozen[name] = source
        return self._frozen[name]

    def _source(self, name: str, classifier: Classifier) -> Source:
        return make_source(
            name,
            classifier,
            self._shown(name).training,
            self._sets[self.target].training,
            len(self.labels),
            self._recipes[name].augmentation,
            self._context,
            self._reporter.advance,
        )

    def _fit(
        self,
        name: str,
        classifier: Classifier,
        method: TransferMethod,
        sources: Mapping[str, Source],
    ) -> FitResult:
        recipe, examples = self._recipes[name], self._shown(name)
        settings = recipe.fit
        if name == self.target and not sources and self.sources:
            # As many steps as from sources, which show the windows without a label beside: what is
            # compared is what was learnt, not for how long.
            beside = math.ceil(len(examples.training.unlabelled) / settings.batch_size)
            settings = replace(settings, least_steps=max(settings.least_steps, beside))
        how = f' ({method.name} from {", ".join(sources)})' if sources else ''
        stage = f'{self._purpose}training {name}{how}'
        unlabelled = bool(sources) and method.learns_unlabelled
        epochs = scheduled_settings(
            settings, method, examples.training, unlabelled=unlabelled
        ).epochs
        self._reporter.begin(stage, epochs)
        begun = time.monotonic()
        fitted = fit(
            classifier,
            examples.training,
            examples.validation,
            method,
            sources,
            recipe.augmentation,
            settings,
            self._seed,
            [*self._callbacks, ProgressCallback(self._reporter)],
            name=stage,
            store=self._store(stage),
            context=self._context,
        )
        self.durations_s[stage] = time.monotonic() - begun
        return fitted


class HeldOutTrainer(TransferTrainer):
    """Trains as another does, on a fold of what that has."""

    def __init__(
        self,
        fold: HeldOut,
        target: str,
        sources: Sequence[str],
        labels: Sequence[str],
        recipes: Mapping[str, Recipe],
        seed: int,
        device: torch.device,
        reporter: ProgressReporter,
        **others: Any,
    ) -> None:
        super().__init__(
            target, sources, labels, recipes, fold.sets, seed, device, reporter, **others
        )
        self.fold = fold

    def judge(self, fitted: FitResult) -> Judged:
        """Let a target answer those held out, and give the macro-F1 of each."""
        judged = self.fold.judged
        windows = self.read(self.target, judged.values)
        logits = predict_logits(fitted.classifier, windows, self._context)
        found = self.fold.scores(logits.argmax(dim=1).numpy())
        scores = {name: self._context.broadcast(score) for name, score in found.items()}
        return Judged(scores, judged.recordings, judged.ends_ns, logits.double().numpy())

    def submit(self, work: Callable[['HeldOutTrainer'], T]) -> Pending[T]:
        """Let work be done on this fold beside what comes next, where there is a process for it.

        It gets a trainer like this one that has trained nothing yet.
        """
        make = partial(
            HeldOutTrainer,
            self.fold,
            self.target,
            self.sources,
            self.labels,
            self._recipes,
            self._seed,
            self._device,
            people=self._people,
            purpose=self._purpose,
        )
        return self._submit(_Part(make, self._first, self._pretrained, work))


@dataclass(frozen=True, eq=False)
class _Part(Generic[T]):
    """Work of a trainer of its own, whose fits are numbered from ``fitted`` on."""

    make: Callable[..., Any]
    fitted: int
    pretrained: dict[str, dict[str, Tensor]]
    work: Callable[[Any], T]

    def __call__(self, hooks: FitHooks) -> '_Worked[T]':
        trainer: TransferTrainer = self.make(
            hooks.reporter,
            stores=hooks.stores,
            callbacks=hooks.callbacks,
            context=hooks.context,
            fitted=self.fitted,
        )
        trainer.start_from(self.pretrained)
        value = self.work(trainer)
        return _Worked(value, trainer.candidates, trainer.durations_s)


@dataclass(frozen=True, eq=False)
class _Worked(Generic[T]):
    value: T
    candidates: Sequence[Candidate]
    durations_s: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class _PendingPart(Generic[T]):
    """A part of which a trainer takes over what is said of it."""

    pending: Pending[_Worked[T]]
    trainer: TransferTrainer

    def result(self) -> T:
        worked = self.pending.result()
        self.trainer.candidates += worked.candidates
        self.trainer.durations_s |= worked.durations_s
        return worked.value

    def cancel(self) -> None:
        self.pending.cancel()


def _fit_alone(trainer: TransferTrainer, method: TransferMethod) -> FitResult:
    return trainer.fit(method, ())

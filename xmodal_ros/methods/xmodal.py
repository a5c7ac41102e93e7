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

"""The recommended recipe: several ways to learn from several sources, and a guard.

The target learns a source's probabilities (distillation), whom among its windows one resembles
(relations), where its feature points (cosine) and what its attention looks at (D-CAT), each with a
weight of its own. No source is trusted: without
some of the people the target is trained alone, from each source and from all, and judged by the
people it had not met.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from torch import Tensor

from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.dcat import alignment_loss, DcatOptions
from xmodal_ros.methods.distillation import Distillation, DistillationOptions
from xmodal_ros.methods.feature_cosine import cosine_loss
from xmodal_ros.methods.method import (
    Fitted,
    FoldTrainer,
    MethodOptions,
    MethodTrainer,
)
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.relational import Relations
from xmodal_ros.methods.source import mean_over_pairs, paired_sources, PairedSource
from xmodal_ros.methods.training_module import (
    detached,
    LossTerms,
    TrainingBatch,
    TrainingModule,
    TransferTask,
)
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.methods.verdict import Decision, judge, Judged, Scores, Unit, unjudged, Way
from xmodal_ros.models.classifier import Outputs

_ALONE: Final = Unimodal(MethodOptions())
_RELATIONS_TEMPERATURE: Final = 0.1


class XmodalOptions(PairedOptions):
    """Options of the recipe.

    ``alpha`` and ``temperature`` are those of distillation, ``relations`` weighs those of pooled
    features, ``feature`` their cosine distance, ``dcat`` D-CAT's alignment with its defaults.
    ``guard`` judges sources by people who are held out of training, in ``folds`` parts, each
    once; without it all are taken at their word.
    """

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.3
    temperature: Annotated[float, Field(gt=0)] = 4.0
    relations: Annotated[float, Field(ge=0)] = 1.0
    feature: Annotated[float, Field(ge=0)] = 0.0
    dcat: Annotated[float, Field(ge=0)] = 0.0
    guard: bool = True
    folds: Annotated[int, Field(ge=2, le=20)] = 3


class Xmodal(PairedMethod):
    """Minimise ``(1 − α) CE + α T² KL + ρ L_R + φ (1 − cos) + λ L_CA``, with sources that help."""

    name: ClassVar[str] = 'xmodal'
    Options: ClassVar[type[MethodOptions]] = XmodalOptions
    options: XmodalOptions

    @property
    def gives_pseudo_labels(self) -> bool:
        """Where the target learns them itself."""
        return self.learns_unlabelled and self.options.alpha > 0

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give a module that adds relations to the other terms."""
        return _RecipeModule(task, self)

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Combine the terms but the relations; one without weight is not computed."""
        options = self.options
        distillation = Distillation(
            DistillationOptions(alpha=options.alpha, temperature=options.temperature)
        )
        terms = distillation.compute_loss(task_loss, target, sources)
        loss, parts = terms.loss, dict(terms.parts)
        if sources and options.feature:
            losses = (
                cosine_loss(target.feature[s.rows], s.outputs.feature) for s in sources.values()
            )
            distance = mean_over_pairs(losses, sources.values())
            loss = loss + options.feature * distance
            parts['cosine'] = detached(distance)
        if sources and options.dcat:
            losses = (
                alignment_loss(
                    target.key[s.rows],
                    target.value[s.rows],
                    s.outputs.key,
                    s.outputs.value,
                    DcatOptions(),
                )
                for s in sources.values()
            )
            alignment = mean_over_pairs(losses, sources.values())
            loss = loss + options.dcat * alignment
            parts['alignment'] = detached(alignment)
        return LossTerms(loss, parts)

    def train_target(self, trainer: MethodTrainer[Fitted]) -> Fitted:
        """Train alone and from others without some people, judge on them, and train with all."""
        if not self.options.guard:
            return trainer.fit(self, trainer.sources)
        unit, folds = trainer.folds(self.options.folds)
        # Begun before it is known which sources are any good: most are, and a process that has
        # nothing else to do has then done a part of it.
        tried = [fold.submit(partial(self._try, sources=trainer.sources)) for fold in folds]
        sources = self._skilled(trainer)
        if sources != list(trainer.sources):
            for each in tried:
                each.cancel()
            again = folds if sources else ()
            tried = [fold.submit(partial(self._try, sources=sources)) for fold in again]
        found = [each.result() for each in tried] if sources else []
        sets = self._able(trainer, found, sources)
        if not sets:
            why = 'none could teach' if sources else 'none is fit to learn from'
            verdict = unjudged(trainer.target, unit, trainer.sources, 'not used', why)
            trainer.conclude(verdict, (), ())
            return trainer.fit(_ALONE, ())
        if not found:
            return self._by_validation(trainer, unit, sets[-1])
        ways = [
            Way(
                names,
                _scores(each.taught[names] for each in found),
                _scores(each.averaged[names] for each in found),
            )
            for names in sets
        ]
        verdict = judge(trainer.target, unit, _scores(each.alone for each in found), ways)
        trainer.conclude(
            verdict,
            [each.alone for each in found],
            [each.of(verdict.sources, verdict.decision) for each in found],
        )
        if verdict.decision == 'not used':
            return trainer.fit(_ALONE, ())
        if verdict.decision == 'kept':
            return trainer.fit(self, verdict.sources)
        own = trainer.submit_fit(_ALONE, ())
        return trainer.average(trainer.fit(self, verdict.sources), own.result())

    def _try(self, fold: FoldTrainer[Any], sources: Sequence[str]) -> '_Tried':
        """Judge the target alone, from each source and from all, by those it had not met."""
        own = fold.fit(_ALONE, ())
        tried = _Tried(fold.judge(own))
        for names in _sets(sources):
            try:
                fitted = fold.fit(self, names)
            except TrainingError as error:
                tried.failures[names] = str(error)
                continue
            tried.taught[names] = fold.judge(fitted)
            tried.averaged[names] = fold.judge(fold.average(fitted, own))
        return tried

    def _able(
        self, trainer: MethodTrainer[Fitted], found: Sequence['_Tried'], sources: Sequence[str]
    ) -> list[tuple[str, ...]]:
        """Give the sets of sources that taught something in each part, and say why of others."""
        able = _sets(sources)
        for tried in found:
            for names in able.copy():
                if names in tried.failures:
                    why = tried.failures[names]
                    trainer.note(f'{" and ".join(names)} cannot teach and is left out: {why}')
                    able.remove(names)
        return able

    def _by_validation(
        self, trainer: MethodTrainer[Fitted], unit: Unit, sources: Sequence[str]
    ) -> Fitted:
        """Take the better of two by what validation says, where nobody can be held out."""
        alone, taught = trainer.fit(_ALONE, ()), trainer.fit(self, sources)
        helps = trainer.validation_loss(taught) <= trainer.validation_loss(alone)
        why = (
            'judged by the loss on validation windows, for too little is labelled to hold '
            'somebody out'
        )
        decision: Decision = 'kept' if helps else 'not used'
        trainer.conclude(unjudged(trainer.target, unit, sources, decision, why), (), ())
        return taught if helps else alone

    def _skilled(self, trainer: MethodTrainer[Fitted]) -> list[str]:
        """Give the sources that can be learnt from, and say why of others."""
        skilled = []
        for name in trainer.sources:
            try:
                if trainer.skill(name) > 0:
                    skilled.append(name)
                    continue
                why = 'on validation windows it is no better than guessing'
            except TrainingError as error:
                why = str(error)
            trainer.note(f"source '{name}' is left out: {why}")
        return skilled


@dataclass(frozen=True)
class _Tried:
    """What a part of the people say of the target, alone and by the sets of its sources.

    ``failures`` say why the target could not learn from a set.
    """

    alone: Judged
    taught: dict[tuple[str, ...], Judged] = field(default_factory=dict)
    averaged: dict[tuple[str, ...], Judged] = field(default_factory=dict)
    failures: dict[tuple[str, ...], str] = field(default_factory=dict)

    def of(self, sources: tuple[str, ...], decision: Decision) -> Judged:
        """Give what was decided on."""
        if decision == 'not used':
            return self.alone
        return (self.averaged if decision == 'averaged' else self.taught)[sources]


def _scores(parts: Iterable[Judged]) -> Scores:
    return {unit: score for part in parts for unit, score in part.scores.items()}


def _sets(sources: Sequence[str]) -> list[tuple[str, ...]]:
    return [(name,) for name in sources] + ([tuple(sources)] if len(sources) > 1 else [])


class _RecipeModule(TrainingModule):
    def __init__(self, task: TransferTask, method: Xmodal) -> None:
        super().__init__(task)
        self._sources = task.sources
        self._method = method
        asked = task.sources if method.options.relations else {}
        self._relations = Relations(asked, lambda outputs: outputs.feature, _RELATIONS_TEMPERATURE)

    def training_step(
        self, batch: TrainingBatch, outputs: Outputs, task_loss: Tensor
    ) -> LossTerms:
        options = self._method.options
        paired = paired_sources(self._sources, batch.rows, batch.labels, options.pairing)
        terms = self._method.compute_loss(task_loss, outputs, paired)
        if not paired or not options.relations:
            return terms
        relations = self._relations.loss(outputs, paired)
        return LossTerms(
            terms.loss + options.relations * relations,
            {**terms.parts, 'relations': detached(relations)},
        )

"""The recommended recipe: several ways to learn from several sources, and a guard.

The target learns a source's probabilities (distillation), where its feature points (cosine) and
what its attention looks at (D-CAT), each with a weight of its own. No source is trusted: the
target is also trained alone and with each source, and whoever makes it worse on validation
windows is dropped.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import Tensor

from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.dcat import alignment_loss, DcatOptions
from xmodal_ros.methods.distillation import Distillation, DistillationOptions
from xmodal_ros.methods.feature_cosine import cosine_loss
from xmodal_ros.methods.method import Fitted, MethodOptions, MethodTrainer
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.methods.training_module import detached, LossTerms
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import Outputs


class XmodalOptions(PairedOptions):
    """Options of the recipe.

    ``alpha`` and ``temperature`` are those of distillation, ``feature`` weighs the cosine
    distance of pooled features, ``dcat`` D-CAT's alignment with its defaults. ``guard`` drops
    sources that are no better than guessing, or whose transfer raises the calibrated loss on
    validation windows by more than ``tolerance``, as a share of what the target reaches alone.
    """

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.3
    temperature: Annotated[float, Field(gt=0)] = 4.0
    feature: Annotated[float, Field(ge=0)] = 0.3
    dcat: Annotated[float, Field(ge=0)] = 0.0
    guard: bool = True
    tolerance: Annotated[float, Field(ge=0)] = 0.0


class Xmodal(PairedMethod):
    """Minimise ``(1 − α) CE + α T² KL + φ (1 − cos) + λ L_CA``, with sources that help."""

    name: ClassVar[str] = 'xmodal'
    Options: ClassVar[type[MethodOptions]] = XmodalOptions
    options: XmodalOptions

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Combine the terms; one without weight is not computed."""
        options = self.options
        distillation = Distillation(
            DistillationOptions(alpha=options.alpha, temperature=options.temperature)
        )
        terms = distillation.compute_loss(task_loss, target, sources)
        loss, parts = terms.loss, dict(terms.parts)
        if sources and options.feature:
            distance = _mean(
                cosine_loss(target.feature[s.rows], s.outputs.feature) for s in sources.values()
            )
            loss = loss + options.feature * distance
            parts['cosine'] = detached(distance)
        if sources and options.dcat:
            alignment = _mean(
                alignment_loss(
                    target.key[s.rows],
                    target.value[s.rows],
                    s.outputs.key,
                    s.outputs.value,
                    DcatOptions(),
                )
                for s in sources.values()
            )
            loss = loss + options.dcat * alignment
            parts['alignment'] = detached(alignment)
        return LossTerms(loss, parts)

    def train_target(self, trainer: MethodTrainer[Fitted]) -> Fitted:
        """Train the target alone, with each source and with all that helped; keep the best."""
        if not self.options.guard:
            return trainer.fit(self, trainer.sources)
        best = trainer.fit(Unimodal(MethodOptions()), ())
        lowest = alone = trainer.validation_loss(best)
        helpful: list[str] = []
        for name in trainer.sources:
            fitted = self._from_one(trainer, name, alone)
            if fitted is None:
                continue
            helpful.append(name)
            if trainer.validation_loss(fitted) < lowest:
                best, lowest = fitted, trainer.validation_loss(fitted)
        if len(helpful) > 1:
            together = trainer.fit(self, helpful)
            if trainer.validation_loss(together) < lowest:
                best = together
        return best

    def _from_one(self, trainer: MethodTrainer[Fitted], name: str, alone: float) -> Fitted | None:
        try:
            if trainer.skill(name) <= 0:
                trainer.note(
                    f"source '{name}' is left out: on validation windows it is no better than "
                    'guessing'
                )
                return None
            fitted = trainer.fit(self, (name,))
        except TrainingError as error:
            trainer.note(f"source '{name}' is left out: {error}")
            return None
        loss = trainer.validation_loss(fitted)
        if loss > (1 + self.options.tolerance) * alone:
            trainer.note(
                f"source '{name}' is left out: with it the loss on validation windows is "
                f'{loss:.3f}, without {alone:.3f}'
            )
            return None
        return fitted


def _mean(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(losses)).mean()

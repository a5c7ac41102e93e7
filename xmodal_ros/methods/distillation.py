"""Logit distillation: the target learns a frozen source's softened probabilities.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (2015), between sensors: the
teacher sees another modality's window of the same moment. The baseline that any method which
looks inside the networks has to beat.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.methods.method import MethodOptions
from xmodal_ros.methods.paired import PairedMethod, PairedOptions
from xmodal_ros.methods.source import PairedSource
from xmodal_ros.methods.training_module import detached, LossTerms
from xmodal_ros.models.classifier import Outputs


class DistillationOptions(PairedOptions):
    """``alpha`` is the share of the teacher's word in the loss, ``temperature`` softens it."""

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.3
    temperature: Annotated[float, Field(gt=0)] = 4.0


class Distillation(PairedMethod):
    """Minimise ``(1 − α) CE + α T² KL(teacher ‖ target)``, on pairs of windows.

    Where only a share of a batch has a partner, α shrinks by that share.
    """

    name: ClassVar[str] = 'distillation'
    Options: ClassVar[type[MethodOptions]] = DistillationOptions
    options: DistillationOptions

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Weigh the labels' loss against the teachers'."""
        if not sources or not self.options.alpha:
            return LossTerms(task_loss, {})
        terms = [
            distillation_loss(target.logits, source, self.options.temperature)
            for source in sources.values()
        ]
        divergence = torch.stack([loss for loss, _ in terms]).mean()
        share = sum(count for _, count in terms) / (len(terms) * len(target.logits))
        alpha = self.options.alpha * share
        return LossTerms(
            (1 - alpha) * task_loss + alpha * divergence, {'distillation': detached(divergence)}
        )


def distillation_loss(
    logits: Tensor, source: PairedSource, temperature: float
) -> tuple[Tensor, int]:
    """Give ``T² KL(softmax(z_s / T) ‖ softmax(z_t / T))`` (), and the number of windows it is of.

    ``logits`` (B, classes) are the target's, ``temperature`` is T. Both sides are compared over
    the activities that the source has seen: of others its logits say nothing. The source's side
    carries no gradient, and the loss is the mean over the pairs.
    """
    known = source.known.nonzero()[:, 0]
    ours = logits[source.rows][:, known] / temperature
    theirs = source.outputs.logits.detach()[:, known] / temperature
    divergence = functional.kl_div(
        ours.log_softmax(dim=1), theirs.log_softmax(dim=1), log_target=True, reduction='batchmean'
    )
    return temperature**2 * divergence, len(source.rows)

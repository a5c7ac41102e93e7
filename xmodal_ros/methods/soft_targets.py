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

"""A frozen source's softened probabilities as what the target is to answer.

They are a method of their own, and a part that other methods may be combined with.
"""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from xmodal_ros.methods.source import mean_over_pairs, PairedSource, share_of_pairs
from xmodal_ros.methods.training_module import detached, LossTerms
from xmodal_ros.non_blocking import to_device


def distilled_loss(
    task_loss: Tensor,
    logits: Tensor,
    sources: Mapping[str, PairedSource],
    alpha: float,
    temperature: float,
) -> LossTerms:
    """Give ``(1 − α) CE + α T² KL`` (), averaged over pairs; α shrinks by the share of windows.

    That is the share which a source knows. ``task_loss`` () is CE of ``logits`` (B, classes).
    Without α or pairs it is left as it is.
    """
    if not sources or not alpha:
        return LossTerms(task_loss, {})
    terms = [distillation_loss(logits, source, temperature) for source in sources.values()]
    divergence = mean_over_pairs(terms, sources.values())
    share = alpha * share_of_pairs(sources.values(), len(logits))
    return LossTerms(
        (1 - share) * task_loss + share * divergence, {'distillation': detached(divergence)}
    )


def distillation_loss(logits: Tensor, source: PairedSource, temperature: float) -> Tensor:
    """Give ``T² KL(softmax(z_s / T) ‖ softmax(z_t / T))`` ().

    ``logits`` (B, classes) are the target's, ``temperature`` is T. Both sides are compared over
    the activities that the source has seen: of others its logits say nothing. The source's side
    carries no gradient, and the loss is the mean over the pairs.
    """
    known = to_device(source.known.nonzero()[:, 0], logits.device)
    ours = logits[source.rows][:, known] / temperature
    theirs = source.outputs.logits.detach()[:, known] / temperature
    divergence = functional.kl_div(
        ours.log_softmax(dim=1), theirs.log_softmax(dim=1), log_target=True, reduction='batchmean'
    )
    return temperature**2 * divergence

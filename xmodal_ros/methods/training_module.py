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

"""What trains: the target's classifier, and whatever a method trains beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import nn, Tensor

from xmodal_ros.methods.source import Source, WindowTensors
from xmodal_ros.models.classifier import Classifier, Outputs

# Logits (B, classes) and class indices (B,) to the cross-entropy (), weighed by class and
# smoothed. Windows without a label have no part in it; where none has one it is 0.
TaskLoss = Callable[[Tensor, Tensor], Tensor]
# A number, or what will be one () on a device that need not be waited for.
DisplayedLoss = float | Tensor


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """A step's windows of the target.

    ``rows`` (B,) are their positions among the target's training windows, ``labels`` (B,) class
    indices, or :data:`~xmodal_ros.methods.source.NO_LABEL`; ``share`` of the training, in [0, 1),
    is over. ``read_windows`` gives :attr:`windows`. ``rows`` are on the CPU, the others on the
    device.
    """

    rows: Tensor
    read_windows: Callable[[], Tensor]
    labels: Tensor
    share: float

    @cached_property
    def windows(self) -> Tensor:
        """The raw windows (B, steps, ...) after augmentation.

        Where several processes train, each has read its share only, and has the others' sent
        when a method asks for them.
        """
        return self.read_windows()


@dataclass(frozen=True)
class LossTerms:
    """The loss to minimise, and its parts by name for the progress display."""

    loss: Tensor
    parts: Mapping[str, DisplayedLoss]


@dataclass(frozen=True, eq=False)
class TransferTask:
    """What a method is given to begin with: who learns, from what, and from whom."""

    target: Classifier
    windows: WindowTensors
    sources: Mapping[str, Source] = field(default_factory=dict)
    task_loss: TaskLoss = nn.functional.cross_entropy


class TrainingModule(nn.Module):
    """A target that learns from its labels; methods extend it by what they add.

    Every parameter in it is trained, and validated as a running mean of its steps. Only
    ``target`` is kept. In each step :meth:`prepare_batch` comes first, then the target's own
    forward pass and its loss on the labels, then :meth:`training_step`. Both may draw random
    numbers: theirs are a stream apart from the target's.

    A run that was ended goes on from the state dictionary of another's module, put into a fresh
    one. State that changes in training and is in neither parameters nor buffers belongs into
    torch's ``get_extra_state``, as a tensor.
    """

    def __init__(self, task: TransferTask) -> None:
        super().__init__()
        self.target = task.target

    def prepare_batch(self, batch: TrainingBatch) -> None:
        """Set up what the target's forward pass on this batch needs."""

    def training_step(
        self,
        batch: TrainingBatch,  # noqa: ARG002
        outputs: Outputs,  # noqa: ARG002
        task_loss: Tensor,
    ) -> LossTerms:
        """Combine the target's own loss () with what is to be learnt beside it."""
        return LossTerms(task_loss, {})

    def prepare_inference(self) -> None:
        """Make the target answer alone, and always the same. It draws no random numbers.

        Called whenever the target is to be validated or kept, with the weights it then has.
        """

    def facts(self) -> dict[str, object]:
        """Give what a bundle should say of what was learnt beside the target."""
        return {}


def detached(loss: Tensor) -> DisplayedLoss:
    """Give a loss () for display: a number, or on a GPU what need not be waited for."""
    found = loss.detach().double()
    return float(found) if found.device.type == 'cpu' else found

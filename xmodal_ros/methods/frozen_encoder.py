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

"""Learning on top of a target that is trained already: its encoder stays as it is."""

from collections.abc import Iterator
from typing import Final, Self

from torch import nn

from xmodal_ros.methods.training_module import TrainingModule, TransferTask

_LEARNING: Final = ('head', 'dropout', 'patch')


class FrozenEncoderModule(TrainingModule):
    """A module of which only the target's head learns, and its patch where it has one.

    The rest gets no gradient and is in eval mode, so features never change.
    """

    def __init__(self, task: TransferTask) -> None:
        super().__init__(task)
        for part in self._frozen():
            part.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Self:
        """Set the mode, of what learns only."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def _frozen(self) -> Iterator[nn.Module]:
        for name, part in self.target.named_children():
            if name not in _LEARNING:
                yield part

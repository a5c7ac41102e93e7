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

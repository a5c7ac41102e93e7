"""No transfer: the target learns from its own labels alone. The baseline of every table."""

from typing import ClassVar

from xmodal_ros.methods.method import SourceUse, TransferMethod
from xmodal_ros.methods.training_module import TrainingModule, TransferTask


class Unimodal(TransferMethod):
    """Minimise the target's cross-entropy."""

    name: ClassVar[str] = 'unimodal'
    source_use: ClassVar[SourceUse] = 'none'

    def make_module(self, task: TransferTask) -> TrainingModule:
        """Give the module that learns from labels alone."""
        return TrainingModule(task)

"""No transfer: the target learns from its own labels alone. The baseline of every table."""

from typing import ClassVar

from xmodal_ros.methods.method import SourceUse, TransferMethod
from xmodal_ros.methods.training_module import Learner, Lesson


class Unimodal(TransferMethod):
    """Minimise the target's cross-entropy."""

    name: ClassVar[str] = 'unimodal'
    source_use: ClassVar[SourceUse] = 'none'

    def start(self, lesson: Lesson) -> Learner:
        """Give the learner that learns from labels alone."""
        return Learner(lesson)

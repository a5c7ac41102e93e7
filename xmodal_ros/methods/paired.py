"""Methods whose loss compares the target's outputs with those of frozen sources, pair by pair."""

from abc import abstractmethod
from collections.abc import Mapping

from torch import Tensor

from xmodal_ros.methods.method import MethodOptions, TransferMethod
from xmodal_ros.methods.source import paired_sources, PairedSource, Pairing
from xmodal_ros.methods.training_module import Batch, Learner, Lesson, MethodTerms
from xmodal_ros.models.classifier import Outputs


class PairedOptions(MethodOptions):
    """Options of every paired method.

    ``pairing`` is ``time`` for windows that end at the same stamp, ``class`` for a random window
    of the same activity in every step, or ``time_else_class``.
    """

    pairing: Pairing = 'time'


class PairedMethod(TransferMethod, abstract=True):
    """A method that is all said by its loss on a batch."""

    options: PairedOptions

    @property
    def needs_overlap(self) -> bool:
        """Only pairs in time need recordings made together."""
        return self.options.pairing == 'time'

    @property
    def learns_unlabelled(self) -> bool:
        """Pairs in time need no labels."""
        return self.options.pairing != 'class'

    @abstractmethod
    def terms(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> MethodTerms:
        """Combine the target's own loss on a batch with what the sources teach.

        ``task_loss`` () is the cross-entropy over the batch. A source without a partner for any
        window of the batch is absent from ``sources``. Raises :class:`ConfigurationError` when
        the outputs' shapes do not fit the method.
        """

    def start(self, lesson: Lesson) -> Learner:
        """Give a learner that asks :meth:`terms` in every step."""
        return _PairedLearner(lesson, self)


class _PairedLearner(Learner):
    def __init__(self, lesson: Lesson, method: PairedMethod) -> None:
        super().__init__(lesson)
        self._sources = lesson.sources
        self._method = method

    def terms(self, batch: Batch, outputs: Outputs, task_loss: Tensor) -> MethodTerms:
        pairing = self._method.options.pairing
        paired = paired_sources(self._sources, batch.rows, batch.labels, pairing)
        return self._method.terms(task_loss, outputs, paired)

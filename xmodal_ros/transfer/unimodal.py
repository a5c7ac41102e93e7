"""No transfer: the target learns from its own labels alone. The baseline of every table."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from xmodal_ros.models.classifier import Outputs
from xmodal_ros.transfer.method import (
    MethodOptions,
    MethodTerms,
    PairedSource,
    TransferMethod,
)


class Unimodal(TransferMethod):
    """Minimise the target's cross-entropy."""

    name: ClassVar[str] = 'unimodal'
    needs_sources: ClassVar[bool] = False

    def __init__(self, options: MethodOptions) -> None:
        self.options = options

    def terms(
        self,
        task_loss: Tensor,
        target: Outputs,  # noqa: ARG002 - the signature all methods share
        sources: Mapping[str, PairedSource],  # noqa: ARG002
    ) -> MethodTerms:
        """Give the task's loss as it is."""
        return MethodTerms(task_loss, {})

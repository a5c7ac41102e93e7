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

"""Losses of every epoch of a run, as CSV and for TensorBoard."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
import csv
import io
from pathlib import Path
from typing import Any, Final, TextIO

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.training.callbacks import Callback, TrainerInterface

COLUMNS: Final = (
    'stage', 'epoch', 'training_loss', 'validation_loss', 'validation_accuracy', 'parts',
)  # fmt: skip


class EpochLogger(Callback):
    """All epochs so far, and a file and a TensorBoard that follow them where they are wanted.

    It may follow all fits of a run, one after the other.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._rows = io.StringIO(newline='')
        self._table = csv.writer(self._rows, lineterminator='\n')
        self._table.writerow(COLUMNS)
        self._file: TextIO | None = None
        self._writer: Any = None

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Add the epochs of the run that this one goes on from."""
        for metrics in trainer.history:
            self.log(trainer.name, metrics)

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
        """Add an epoch."""
        self.log(trainer.name, metrics)

    def log(self, stage: str, metrics: EpochMetrics) -> None:
        """Add an epoch; a log that cannot be written any more is given up, and noted."""
        before = self._rows.tell()
        parts = ';'.join(f'{name}={value!r}' for name, value in metrics.parts.items())
        losses = (metrics.training_loss, metrics.validation_loss, metrics.validation_accuracy)
        self._table.writerow([stage, metrics.epoch, *map(repr, losses), parts])
        try:
            if self._file is not None:
                self._file.write(self._rows.getvalue()[before:])
                self._file.flush()
            if self._writer is not None:
                self._to_tensorboard(stage, metrics)
        except OSError as error:
            self._note(f'the log is not written any further: {error}')
            self._file = self._writer = None

    def text(self) -> str:
        """Give all epochs as CSV, with a line of names first."""
        return self._rows.getvalue()

    def follow(self, file: TextIO) -> None:
        """Write epochs to a file as they come, after those that there are."""
        file.write(self._rows.getvalue())
        file.flush()
        self._file = file

    def follow_by_tensorboard(self, writer: Any) -> None:
        """Hand epochs to TensorBoard's ``SummaryWriter`` as they come."""
        self._writer = writer

    def _to_tensorboard(self, stage: str, metrics: EpochMetrics) -> None:
        scalars = {
            'training_loss': metrics.training_loss,
            'validation_loss': metrics.validation_loss,
            'validation_accuracy': metrics.validation_accuracy,
            **metrics.parts,
        }
        for name, value in scalars.items():
            self._writer.add_scalar(f'{stage}/{name}', value, metrics.epoch)
        self._writer.flush()


@contextmanager
def epoch_logger(
    note: Callable[[str], None], file: Path | None = None, tensorboard: Path | None = None
) -> Iterator[EpochLogger]:
    """Open the logs of a run, and close them after.

    Without the package ``tensorboard`` that log is left out, and noted. Raises
    :class:`ConfigurationError` when one cannot be written.
    """
    logger = EpochLogger(note)
    with ExitStack() as stack:
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                logger.follow(stack.enter_context(file.open('w', encoding='utf-8', newline='')))
            writer = None if tensorboard is None else _tensorboard(tensorboard, note)
        except OSError as error:
            raise ConfigurationError(
                f'the log cannot be written to {file or tensorboard}: {error}'
            ) from error
        if writer is not None:
            stack.callback(writer.close)
            logger.follow_by_tensorboard(writer)
        yield logger


def _tensorboard(folder: Path, note: Callable[[str], None]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        note(
            f"nothing is logged for TensorBoard ({error}): install 'tensorboard', or read the CSV"
        )
        return None
    return SummaryWriter(str(folder))

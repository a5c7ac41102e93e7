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

"""How far a long piece of work is, for whoever waits for it. It loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class EpochMetrics:
    """Where the training of one classifier stands after an epoch; losses are means over windows.

    That on validation is at the temperature that suits it best. ``parts`` are those of the
    training loss that a method names.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    parts: Mapping[str, float]

    @property
    def words(self) -> str:
        """Say it on a line."""
        parts = ''.join(f', {name} {value:.3f}' for name, value in self.parts.items())
        return (
            f'loss {self.training_loss:.3f}{parts}, validation {self.validation_loss:.3f} '
            f'({self.validation_accuracy:.0%} right)'
        )


class ProgressReporter(Protocol):
    """Gets how far the work is. Whatever it raises ends the work and leaves nothing behind."""

    def begin(self, stage: str, total: int) -> None:
        """Start a stage of ``total`` steps."""

    def advance(self, done: float, detail: str = '') -> None:
        """So many steps of the stage are done, perhaps with a part of one."""

    def epoch(self, metrics: EpochMetrics) -> None:
        """An epoch is over; it is a step of its stage."""

    def note(self, text: str) -> None:
        """Something a person should know."""


class NullReporter:
    """Ignores everything."""

    def begin(self, stage: str, total: int) -> None:
        """Ignore it."""

    def advance(self, done: float, detail: str = '') -> None:
        """Ignore it."""

    def epoch(self, metrics: EpochMetrics) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
